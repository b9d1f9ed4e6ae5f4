"""Fixtures for the import."""

from pathlib import Path

import pytest
from flask import Flask

from contacts_service.transfer import importer
from tests.conftest import make_app


@pytest.fixture(params=[1, 2, 1000])
def any_batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test with several sizes of transactions, which must make no difference."""
    monkeypatch.setattr(importer, "ROWS_PER_TRANSACTION", request.param)


@pytest.fixture
def second_app(tmp_path: Path) -> Flask:
    """The application over another, empty database."""
    return make_app(tmp_path)
