"""Fixtures for search."""

import pytest


@pytest.fixture(params=["few", "many"])
def few_or_many_candidates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test in both ways: a few candidates are all ranked, of many each rank is asked."""
    if request.param == "many":
        monkeypatch.setattr("contacts_service.search.query.CANDIDATES_OF_ONE_WORD", 0)
        monkeypatch.setattr("contacts_service.search.query.CANDIDATES_OF_SEVERAL_WORDS", 0)
