"""What strangers learn: nothing. What is there, is not there or cannot be looks the same."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from contacts_service.auth.permissions import AccessRule
from contacts_service.auth.principal import SCOPES
from contacts_service.factory import create_app
from tests.client import Api
from tests.threads import begin

Answer = tuple[int, Any, list[tuple[str, str]]]

BODIES = {
    "PUT /contacts/{contact_id}": {"first_name": "New"},
    "PUT /contacts/{contact_id}/block": {"blocked": True},
    "POST /contacts/{contact_id}/channels": {"channel": "chat", "identifier": "new"},
    "POST /contacts/{contact_id}/notes": {"content": "New."},
    "POST /conversations/{uuid}/messages": {"message": "New."},
    "PUT /conversations/{uuid}/status": {"status": "Closed"},
    "PUT /custom-attributes/{definition_id}": {"name": "New"},
}
UNKNOWN = ["999999"]
MALFORMED = ["0", "abc", "99999999999999999999", "1' OR '1'='1", "%00"]
CONVERSATIONS = ["b1946ac9-2f5c-4f4e-9d6a-3f1d1f1f2a11", "not-a-uuid", "%27"]


def operations() -> Iterator[Any]:
    """Every route below which there are things that may or may not exist."""
    app = create_app({})
    for route in app.url_map.iter_rules():
        rule = app.view_functions[route.endpoint].rule
        segments = (f"{{{s[1:-1].split(':')[-1]}}}" if s[:1] == "<" else s for s in
                    route.rule.removeprefix("/api/v1").split("/"))  # fmt: skip
        path = "/".join(segments)
        for method in route.methods - {"HEAD"}:
            if route.arguments and not rule.is_public:
                yield pytest.param(method, path, rule, id=f"{method} {path}")


OPERATIONS = list(operations())


@pytest.fixture
def things(api: Api) -> dict[str, str]:
    """What exists, by the names in paths."""
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    chat = {"channel": "chat", "identifier": "linda"}
    tier = {"key": "tier", "name": "Tier", "data_type": "text"}
    return {
        "contact_id": str(contact["id"]),
        "note_id": str(api.post(f"{path}/notes", {"content": "Called."})["id"]),
        "channel_id": str(api.post(f"{path}/channels", chat)["contact_channels"][0]["id"]),
        "uuid": begin(api, contact["id"])["uuid"],
        "definition_id": str(api.post("/custom-attributes", tier)["id"]),
    }


def names(template: str) -> list[str]:
    return re.findall(r"{(\w+)}", template)


def ask(client: FlaskClient, method: str, template: str, url: str, token: str | None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODIES.get(f"{method} {template}")
    answer = client.open(f"/api/v1{url}", method=method, headers=headers, json=body)
    told = sorted((name, value) for name, value in answer.headers if name != "X-Request-ID")
    return answer.status_code, answer.json, told


def places(template: str, things: dict[str, str], name: str) -> list[str]:
    """Paths of what is not there, then of what cannot be, as far as `name` goes."""
    values = CONVERSATIONS if name == "uuid" else UNKNOWN + MALFORMED
    return [template.format(**things | {name: value}) for value in values]


@pytest.mark.parametrize(("method", "path", "rule"), OPERATIONS)
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


@pytest.mark.parametrize(("method", "path", "rule"), OPERATIONS)
def test_what_is_not_there_and_what_cannot_be_look_alike(
    client: FlaskClient, api: Api, things: dict[str, str], method: str, path: str, rule: AccessRule
) -> None:
    for name in names(path):
        first, *others = (
            ask(client, method, path, url, api.token) for url in places(path, things, name)
        )
        assert first[0] == 404
        assert [other for other in others if other != first] == []
