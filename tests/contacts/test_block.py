"""Blocking and unblocking a contact."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.client import Api


def test_block_and_unblock_change_nothing_else(api: Api) -> None:
    contact = api.make_contact(phone="7", custom_attributes={"tier": "gold"})
    path = f"/contacts/{contact['id']}"
    blocked = api.put(f"{path}/block", {"blocked": True})
    assert blocked == contact | {"blocked": True, "updated_at": blocked["updated_at"]}
    assert api.get(path) == blocked
    unblocked = api.put(f"{path}/block", {"blocked": False})
    assert unblocked == contact | {"updated_at": unblocked["updated_at"]}
    assert api.get(path) == unblocked
    assert contact["updated_at"] < blocked["updated_at"] < unblocked["updated_at"]


def test_lists_and_search_show_the_block(api: Api) -> None:
    contact = api.make_contact("linda@example.com")
    api.put(f"/contacts/{contact['id']}/block", {"blocked": True})
    assert [found["blocked"] for found in api.get("/contacts")["results"]] == [True]
    assert [found["blocked"] for found in api.get("/contacts/search?q=linda")] == [True]


@pytest.mark.parametrize("is_blocked", [True, False])
def test_blocking_is_idempotent(api: Api, is_blocked: bool) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    api.put(f"{path}/block", {"blocked": not is_blocked})
    first = api.put(f"{path}/block", {"blocked": is_blocked})
    assert api.put(f"{path}/block", {"blocked": is_blocked}) == first
    assert api.get(path) == first


def test_updated_at_moves_forward_when_the_clock_goes_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = api.make_contact()
    past = "2020-01-01T00:00:00.000000Z"
    monkeypatch.setattr("contacts_service.timestamps.utc_now", lambda: past)
    blocked = api.put(f"/contacts/{contact['id']}/block", {"blocked": True})
    unblocked = api.put(f"/contacts/{contact['id']}/block", {"blocked": False})
    assert contact["updated_at"] < blocked["updated_at"] < unblocked["updated_at"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "blocked"),
        *(({"blocked": value}, "blocked") for value in (1, 0, "true", "yes", "", None, [], [True])),
        ({"blocked": True, "reason": "spam"}, "reason"),
        ({"blocked": True, "first_name": "Bob"}, "first_name"),
        ([True], ""),
        (True, ""),
    ],
)
def test_invalid_body_is_refused(api: Api, body: Any, path: str) -> None:
    contact = api.make_contact()
    answer = api.put(f"/contacts/{contact['id']}/block", body, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert api.get(f"/contacts/{contact['id']}") == contact


def test_blocking_needs_its_own_scope(
    api: Api, client: FlaskClient, make_key: Callable[..., str]
) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    writer = Api(client, make_key("contacts:write", "contacts:read"))
    blocker = Api(client, make_key("contacts:block"))
    assert "contacts:block" in writer.put(f"{path}/block", {"blocked": True}, 403)["message"]
    assert "contacts:write" in blocker.put(path, {"first_name": "Bob"}, 403)["message"]
    assert api.get(path) == contact
    assert blocker.put(f"{path}/block", {"blocked": True})["blocked"] is True
