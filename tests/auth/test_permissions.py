"""Who may call: every route, taken from the application itself, lets in exactly its callers.

Others learn nothing: what exists, does not exist or cannot exist looks the same to them.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contacts_service.auth.permissions import PUBLIC, AccessRule, check_rules, requires
from contacts_service.auth.principal import SCOPES
from contacts_service.factory import create_app
from tests.client import Api
from tests.threads import begin

Answer = tuple[int, Any, list[tuple[str, str]]]

BODIES = {
    "PUT /api/v1/contacts/{contact_id}": {"first_name": "New"},
    "PUT /api/v1/contacts/{contact_id}/block": {"blocked": True},
    "POST /api/v1/contacts/{contact_id}/channels": {"channel": "chat", "identifier": "new"},
    "POST /api/v1/contacts/{contact_id}/notes": {"content": "New."},
    "POST /api/v1/conversations/{uuid}/messages": {"message": "New."},
    "PUT /api/v1/conversations/{uuid}/status": {"status": "Closed"},
    "PUT /api/v1/conversations/{uuid}/contact": {"contact_id": 1},
    "PUT /api/v1/custom-attributes/{definition_id}": {"name": "New"},
}
UNKNOWN = ["999999"]
MALFORMED = ["0", "abc", "99999999999999999999", "1' OR '1'='1", "%00"]
CONVERSATIONS = ["b1946ac9-2f5c-4f4e-9d6a-3f1d1f1f2a11", "not-a-uuid", "%27"]


def operations() -> Iterator[Any]:
    """Every operation that is not public, with its path as the document writes it."""
    app = create_app({})
    for route in app.url_map.iter_rules():
        rule = app.view_functions[route.endpoint].rule
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", route.rule)
        for method in route.methods - {"HEAD"}:
            if not rule.is_public:
                yield pytest.param(method, path, rule, id=f"{method} {path}")


OPERATIONS = list(operations())
BELOW_THINGS = [case for case in OPERATIONS if "{" in case.values[1]]


def call(client: FlaskClient, method: str, path: str, token: str | None) -> Any:
    """Call a route, with ids that nothing has."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.open(re.sub(r"{\w+}", UNKNOWN[0], path), method=method, headers=headers)


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
    assert public == {"/", "/health", "/openapi.json", "/docs", "/docs/"}


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


@pytest.fixture
def things(api: Api) -> dict[str, str]:
    """What exists, by the names in paths."""
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    chat = {"channel": "chat", "identifier": "linda"}
    tier = {"key": "tier", "name": "Tier", "data_type": "text"}
    conversation = begin(api, contact["id"])
    return {
        "contact_id": str(contact["id"]),
        "note_id": str(api.post(f"{path}/notes", {"content": "Called."})["id"]),
        "channel_id": str(api.post(f"{path}/channels", chat)["contact_channels"][0]["id"]),
        "uuid": conversation["uuid"],
        "reference_number": str(conversation["reference_number"]),
        "definition_id": str(api.post("/custom-attributes", tier)["id"]),
    }


def names(template: str) -> list[str]:
    return re.findall(r"{(\w+)}", template)


def ask(client: FlaskClient, method: str, template: str, url: str, token: str | None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODIES.get(f"{method} {template}")
    answer = client.open(url, method=method, headers=headers, json=body)
    told = sorted((name, value) for name, value in answer.headers if name != "X-Request-ID")
    return answer.status_code, answer.json, told


def places(template: str, things: dict[str, str], name: str) -> list[str]:
    """Paths of what is not there, then of what cannot be, as far as `name` goes."""
    values = CONVERSATIONS if name == "uuid" else UNKNOWN + MALFORMED
    return [template.format(**things | {name: value}) for value in values]


@pytest.mark.parametrize(("method", "path", "rule"), BELOW_THINGS)
def test_without_the_scope_all_things_look_alike(
    client: FlaskClient,
    make_key: Callable[..., str],
    things: dict[str, str],
    method: str,
    path: str,
    rule: AccessRule,
) -> None:
    poor = make_key(*(set(SCOPES) - {rule.scope}), agent="99")
    for token, status in ((None, 401), ("lk_unknown", 401), (poor, 403)):
        there = ask(client, method, path, path.format(**things), token)
        assert there[0] == status
        for name in names(path):
            for url in places(path, things, name):
                assert ask(client, method, path, url, token) == there


@pytest.mark.parametrize(("method", "path", "rule"), BELOW_THINGS)
def test_what_is_not_there_and_what_cannot_be_look_alike(
    client: FlaskClient, api: Api, things: dict[str, str], method: str, path: str, rule: AccessRule
) -> None:
    for name in names(path):
        first, *others = (
            ask(client, method, path, url, api.token) for url in places(path, things, name)
        )
        assert first[0] == 404
        assert [other for other in others if other != first] == []
