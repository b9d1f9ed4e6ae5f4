"""Who may call: every route, taken from the application itself, lets in exactly its callers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contacts_service.auth.permissions import PUBLIC, AccessRule, check_rules, requires
from contacts_service.auth.principal import SCOPES
from contacts_service.factory import create_app
from tests.client import Api

MISSING = "999999"  # an id that nothing has


def operations() -> Iterator[tuple[str, str, AccessRule]]:
    app = create_app({})
    for route in app.url_map.iter_rules():
        rule = app.view_functions[route.endpoint].rule
        path = "/".join(MISSING if s.startswith("<") else s for s in route.rule.split("/"))
        for method in route.methods - {"HEAD"}:
            if not rule.is_public:
                yield method, path, rule


OPERATIONS = [pytest.param(*case, id=f"{case[0]} {case[1]}") for case in operations()]


def call(client: FlaskClient, method: str, path: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.open(path, method=method, headers=headers)


@pytest.mark.parametrize(("method", "path", "rule"), OPERATIONS)
def test_without_a_token_it_is_401(
    client: FlaskClient, method: str, path: str, rule: AccessRule
) -> None:
    answer = call(client, method, path, None)
    assert (answer.status_code, answer.json["data"]["type"]) == (401, "AuthError")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="contacts"'


@pytest.mark.parametrize(("method", "path", "rule"), OPERATIONS)
def test_with_every_other_scope_it_is_403_and_names_the_scope(
    client: FlaskClient, make_key: Callable[..., str], method: str, path: str, rule: AccessRule
) -> None:
    if rule.scope is None:
        pytest.skip("any token will do")
    answer = call(client, method, path, make_key(*(set(SCOPES) - {rule.scope})))
    assert (answer.status_code, answer.json["data"]["type"]) == (403, "PermissionError")
    assert rule.scope in answer.json["data"]["message"]
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path", "rule"), OPERATIONS)
def test_with_its_own_scope_alone_it_passes(
    client: FlaskClient, make_key: Callable[..., str], method: str, path: str, rule: AccessRule
) -> None:
    scope = rule.scope or "contacts:read"
    assert call(client, method, path, make_key(scope)).status_code in (200, 400, 404)


def test_a_route_without_a_rule_stops_the_start() -> None:
    app = create_app({})
    app.view_functions["forgotten"] = lambda: "for everybody"
    with pytest.raises(RuntimeError, match="forgotten"):
        check_rules(app)


def test_a_rule_with_an_unknown_scope_stops_the_start() -> None:
    with pytest.raises(ValueError, match="contacts:raed"):
        requires("contacts:raed")


def test_only_these_routes_are_public(app: Flask) -> None:
    public = {
        route.rule.split("<")[0]
        for route in app.url_map.iter_rules()
        if app.view_functions[route.endpoint].rule == PUBLIC
    }
    assert public == {"/health", "/openapi.json", "/docs", "/docs/"}


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic bGluZGE6b2xzZW4=",
        "Bearer a b",
        "Bearer a=b",
        "Bearer lk_unknown",
        "Bearer é",
        "Token lk_x",
        "",
        "Bearer " + "x" * 8000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxNyJ9.",
    ],
)
def test_a_malformed_or_unknown_token_is_401(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/contacts", headers={"Authorization": header})
    assert answer.status_code == 401
    is_bearer = header.startswith("Bearer")
    assert ('error="invalid_token"' in answer.headers["WWW-Authenticate"]) == is_bearer


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(client: FlaskClient, api: Api, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {api.token}"}
    assert client.get("/api/v1/contacts", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["quick/notes", "search/block", "quick/conversations"])
def test_below_a_contact_nothing_is_reserved(client: FlaskClient, path: str) -> None:
    method = "PUT" if path.endswith("block") else "GET"
    assert call(client, method, f"/api/v1/contacts/{path}", None).status_code == 401


@pytest.mark.parametrize("segment", ["abc", "0", "-1", "01", "1.0", "99999999999999999999", "١"])
def test_an_id_that_cannot_be_is_404_after_401_and_403(
    client: FlaskClient, api: Api, make_key: Callable[..., str], segment: str
) -> None:
    path = f"/api/v1/contacts/{segment}"
    assert call(client, "GET", path, None).status_code == 401
    assert call(client, "GET", path, make_key("contacts:write")).status_code == 403
    assert api.get(f"/contacts/{segment}", 404)["type"] == "NotFoundError"
