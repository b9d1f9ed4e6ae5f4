"""What every answer tells a browser, whoever made it: no guessing, no frames, no other hosts."""

from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from contacts_service.contacts import queries as directory
from contacts_service.factory import create_app
from contacts_service.web.security_headers import DATA_HEADERS, PAGE_POLICY
from tests.client import Api


def paths() -> Iterator[tuple[str, str]]:
    """A call to every route, with ids that nothing has."""
    for route in create_app({}).url_map.iter_rules():
        path = "/".join("999999" if s.startswith("<") else s for s in route.rule.split("/"))
        for method in route.methods - {"HEAD"}:
            yield method, path


ASSETS = ["/docs", "/docs/docs.js", "/docs/swagger-ui.css"]
NO_ROUTES = ["/nowhere", "/docsx", "/docs/", "/docs/x", "/docs/%00"]
CALLS = [
    *paths(),
    *(("GET", path) for path in (*ASSETS, *NO_ROUTES)),
    ("PATCH", "/api/v1/contacts"),
    ("HEAD", "/health"),
]


def assert_guarded(answer: TestResponse, *, is_page: bool = False) -> None:
    expected = dict(DATA_HEADERS)
    if is_page:
        expected |= {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
    for name, value in expected.items():
        assert answer.headers.getlist(name) == [value]


@pytest.mark.parametrize("is_known", [True, False], ids=["with a token", "without"])
@pytest.mark.parametrize(("method", "path"), CALLS, ids=map(" ".join, CALLS))
def test_every_answer_carries_them_once(api: Api, method: str, path: str, is_known: bool) -> None:
    token = {"Authorization": f"Bearer {api.token}"} if is_known else {}
    answer = api.client.open(path, method=method, headers=token)
    assert_guarded(answer, is_page=path in ASSETS)


def test_unchanged_and_failed_answers_carry_them_too(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    tag = api.call("GET", path).headers["ETag"]
    assert_guarded(api.call("GET", path, 304, headers={"If-None-Match": tag}))
    monkeypatch.setattr(directory, "read_contact", lambda *_: 1 / 0)
    assert_guarded(api.call("GET", path, 500))


@pytest.mark.parametrize("prefix", ["", "/crm"])
def test_the_root_leads_to_the_page(api: Api, prefix: str) -> None:
    answer = api.client.get("/", environ_overrides={"SCRIPT_NAME": prefix})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{prefix}/docs")
    assert_guarded(answer)
