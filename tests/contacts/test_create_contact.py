"""Creating a contact with all its fields; quick-create has a test file of its own."""

from typing import Any

import pytest

from tests.client import Api

LINDA = {
    "first_name": "Linda",
    "last_name": "Olsen",
    "email": "linda@example.com",
    "phone": "+61 412 345 678",
    "custom_attributes": {"tier": "gold"},
}
WORK = {"channel": "email", "identifier": "linda@work.example"}
PHONE = {"channel": "phone", "identifier": "+61412345678"}


def addresses(contact: dict[str, Any]) -> list[dict[str, str]]:
    names = ("channel", "identifier")
    return [{name: one[name] for name in names} for one in contact["contact_channels"]]


def test_it_has_the_fields_that_were_sent(api: Api) -> None:
    contact = api.post("/contacts", {**LINDA, "contact_channels": [WORK]})
    assert {name: contact[name] for name in LINDA} == LINDA
    assert addresses(contact) == [WORK]
    assert contact["blocked"] is False
    assert contact["created_at"] == contact["updated_at"]
    assert contact == api.get(f"/contacts/{contact['id']}")
    assert [found["id"] for found in api.get("/contacts/search?q=linda%40work")] == [contact["id"]]


def test_it_says_where_it_is(api: Api) -> None:
    answer = api.call("POST", "/contacts", 201, json=LINDA, headers={"Idempotency-Key": "1"})
    path = f"/contacts/{answer.json['data']['id']}"
    assert answer.headers["Location"] == f"/api/v1{path}"
    assert answer.headers["ETag"] == api.call("GET", path).headers["ETag"]
    again = api.call("POST", "/contacts", 201, json=LINDA, headers={"Idempotency-Key": "1"})
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "ETag"):
        assert again.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    "body",
    [
        {"first_name": "Linda"},
        {"last_name": "Olsen"},
        {"email": "linda@example.com"},
        {"phone": "12"},
        {"contact_channels": [{"channel": "chat", "identifier": "x"}]},
    ],
)
def test_one_name_or_address_is_enough(api: Api, body: dict[str, Any]) -> None:
    expected = {"first_name": "", "last_name": "", "email": None, "phone": None, **body}
    channels = expected.pop("contact_channels", [])
    contact = api.post("/contacts", body)
    assert {name: contact[name] for name in expected} == expected
    assert addresses(contact) == channels


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"custom_attributes": {"tier": "gold"}},
        {"first_name": " ", "email": None, "phone": None, "contact_channels": []},
    ],
)
def test_nobody_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert list(api.post("/contacts", body, 400)["errors"]["json"]) == [""]
    assert api.get("/contacts")["total"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"first_name": None}, "first_name"),
        ({"blocked": True}, "blocked"),
        ({"contact_channels": [WORK, {"channel": "email", "identifier": "x"}]}, None),
        ({"contact_channels": [{**WORK, "id": 1}]}, "contact_channels[0].id"),
        ({"contact_channels": [WORK] * 101}, "contact_channels"),
        ({"custom_attributes_changes": {}}, "custom_attributes_changes"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, Any], field: str | None) -> None:
    errors = api.post("/contacts", {**LINDA, **body}, 400)["errors"]["json"]
    assert list(errors) == [field or "contact_channels[1].identifier"]
    assert api.get("/contacts")["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"email": "taken@example.com"},
        {"email": "also@example.com"},
        {"contact_channels": [{"channel": "email", "identifier": "TAKEN@example.com"}]},
        {"contact_channels": [WORK, {"channel": "email", "identifier": "also@example.com"}]},
    ],
)
def test_an_address_of_somebody_else_is_a_conflict(api: Api, body: dict[str, Any]) -> None:
    contact = api.make_contact("taken@example.com")
    also = {"channel": "email", "identifier": "also@example.com"}
    api.post(f"/contacts/{contact['id']}/channels", also)
    assert "already taken" in api.post("/contacts", {**LINDA, **body}, 409)["message"]
    assert api.get("/contacts")["total"] == 1


def test_primary_addresses_and_repeated_ones_are_no_channels(api: Api) -> None:
    email = {"channel": "email", "identifier": " Linda@Example.com"}
    contact = api.post("/contacts", {**LINDA, "contact_channels": [email, WORK, PHONE, WORK]})
    assert addresses(contact) == [WORK]


def test_strict_mode_holds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api.client.application.config, "CONTACTS_STRICT_ATTRIBUTES", True)
    errors = api.post("/contacts", LINDA, 400)["errors"]["json"]
    assert list(errors) == ["custom_attributes.tier"]
