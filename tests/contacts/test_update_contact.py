"""PUT on a contact: fields sent change, the others stay, and replaced addresses are kept."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.client import Api

LINDA = {
    "first_name": "Linda",
    "last_name": "Olsen",
    "phone": "+61 412 345 678",
    "custom_attributes": {"tier": "gold"},
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
DECOMPOSED = "e\u0301"
DOMAIN = ".".join(["d" * 63, "d" * 63, "d" * 57, "com"])
LONGEST_EMAIL = f"{'a' * 64}@{DOMAIN}"  # 254 characters


@pytest.fixture
def linda(api: Api) -> dict[str, Any]:
    return api.make_contact(**LINDA)


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"first_name": "Linnea"}, {"first_name": "Linnea"}),
        ({"last_name": "Lind"}, {"last_name": "Lind"}),
        ({"first_name": "", "last_name": ""}, {"first_name": "", "last_name": ""}),
        ({"first_name": "linda"}, {"first_name": "linda"}),
        ({"first_name": "  Bob "}, {"first_name": "Bob"}),
        ({"last_name": f"Ol{DECOMPOSED}n"}, {"last_name": "Olén"}),
        ({"last_name": f"  {DECOMPOSED * 140}\u00a0"}, {"last_name": "é" * 140}),
        ({"first_name": "😀" * 140}, {"first_name": "😀" * 140}),
        ({"email": " Linda.Olsen@Example.ORG "}, {"email": "linda.olsen@example.org"}),
        ({"email": f"  {LONGEST_EMAIL.upper()} "}, {"email": LONGEST_EMAIL}),
        ({"email": None}, {"email": None}),
        ({"phone": " 0412-345 678  x9 "}, {"phone": "0412-345 678  x9"}),
        ({"phone": f" {'1' * 32} "}, {"phone": "1" * 32}),
        ({"phone": None}, {"phone": None}),
        ({"phone": ""}, {"phone": None}),
        ({"phone": "   "}, {"phone": None}),
        ({"custom_attributes": {"since": 2019}}, {"custom_attributes": {"since": 2019}}),
        ({"custom_attributes": {}}, {"custom_attributes": {}}),
    ],
)
def test_update_keeps_fields_not_sent(
    api: Api, linda: dict[str, Any], sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    answer = api.put(path_of(linda), sent)
    follow = {"updated_at", "contact_channels"}
    assert {name: answer[name] for name in answer.keys() - follow} == {
        name: (linda | stored)[name] for name in linda.keys() - follow
    }
    assert answer["updated_at"] > linda["updated_at"]
    assert api.get(path_of(linda)) == answer


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        *(({name: value}, name) for name in LINDA for value in (5, True, [])),
        *(({name: value}, name) for name in ("first_name", "last_name") for value in (None, {})),
        *(({name: "x" * 141}, name) for name in ("first_name", "last_name")),
        ({"first_name": DECOMPOSED * 141}, "first_name"),
        *(
            ({name: f"4{character}2"}, name)
            for name in ("first_name", "last_name", "email", "phone")
            for character in "\0\x07\x7f\x9f\t\n"
        ),
        *(
            ({"email": value}, "email")
            for value in (5, False, [], {}, "", " ", "linda", "a b@c.de")
        ),
        ({"email": LONGEST_EMAIL.replace(".com", "d.com")}, "email"),
        *(({"phone": value}, "phone") for value in ("call me", "+", "٠٤١٢", "1" * 33)),
        ({"phone": "\t"}, "phone"),
        ({"custom_attributes": None}, "custom_attributes"),
        ({"custom_attributes": "{}"}, "custom_attributes"),
        *(({name: linda}, name) for name, linda in {"id": 1, "created_at": "2026-01-01"}.items()),
        ({"contact_channels": []}, "contact_channels"),
        ({"blocked": True}, "blocked"),
        ({"blocked": False}, "blocked"),
        ({"First_Name": "Bob"}, "First_Name"),
        ({"": "Bob"}, ""),
        ({"_schema": "Bob"}, "_schema"),
    ],
)
def test_invalid_field_is_named_and_changes_nothing(
    api: Api, linda: dict[str, Any], sent: dict[str, Any], path: str
) -> None:
    answer = api.put(path_of(linda), {"custom_attributes": {"new": 1}, **sent}, 400)
    assert answer["type"] == "InputError"
    assert answer["message"]
    assert list(answer["errors"]["json"]) == [path]
    assert api.get(path_of(linda)) == linda


def test_all_invalid_fields_are_named_at_once(api: Api, linda: dict[str, Any]) -> None:
    body = {"first_name": None, "email": "linda", "phone": "x", "nickname": "Lin", "last_name": "L"}
    errors = api.put(path_of(linda), body, 400)["errors"]
    assert set(errors["json"]) == {"first_name", "email", "phone", "nickname"}
    assert all(sentences for sentences in errors["json"].values())


@pytest.mark.parametrize(
    "sent",
    [
        {},
        LINDA,
        {"email": "linda@example.com"},
        {"email": " LINDA@Example.com"},
        {"first_name": " Linda  "},
        {"phone": " +61 412 345 678"},
        {"custom_attributes": {"tier": "gold"}},
    ],
)
def test_unchanged_values_keep_updated_at(
    api: Api, linda: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert api.put(path_of(linda), sent) == linda
    assert api.get(path_of(linda)) == linda


def test_clearing_an_empty_field_changes_nothing(api: Api, linda: dict[str, Any]) -> None:
    bare = api.put(path_of(linda), {"email": None, "phone": None})
    assert api.put(path_of(linda), {"email": None, "phone": ""}) == bare


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "Bob"},
        {"last_name": "Bob"},
        {"email": "bob@example.com"},
        {"email": None},
        {"phone": "7"},
        {"phone": ""},
        {"custom_attributes": {}},
    ],
)
@pytest.mark.parametrize("step", [0, -1, -86_400], ids=["still", "back a second", "back a day"])
def test_updated_at_moves_forward_whatever_the_clock_does(
    api: Api,
    linda: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    step: int,
) -> None:
    moment = datetime.fromisoformat(linda["updated_at"]) + timedelta(seconds=step)
    clock = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    monkeypatch.setattr("contacts_service.timestamps.utc_now", lambda: clock)
    answer = api.put(path_of(linda), change)
    assert MOMENT.fullmatch(answer["updated_at"])
    assert answer["updated_at"] > linda["updated_at"]
    assert answer["created_at"] == linda["created_at"]


def test_query_string_is_refused(api: Api, linda: dict[str, Any]) -> None:
    answer = api.put(f"{path_of(linda)}?first_name=Bob", {"last_name": "B"}, 400)
    assert list(answer["errors"]["query"]) == ["first_name"]
    assert api.get(path_of(linda)) == linda


def channels_of(contact: dict[str, Any]) -> list[tuple[str, str]]:
    return [(channel["channel"], channel["identifier"]) for channel in contact["contact_channels"]]


def owner_of(api: Api, email: str) -> dict[str, Any]:
    """Find the contact that has this address."""
    return api.post("/contacts/quick", {"email": email}, 200)


def test_replaced_address_stays_as_a_channel(api: Api) -> None:
    contact = api.make_contact("old@example.com")
    answer = api.put(path_of(contact), {"email": "New@example.com"})
    [channel] = answer["contact_channels"]
    assert set(channel) == {"id", "channel", "identifier", "created_at", "updated_at"}
    assert channels_of(answer) == [("email", "old@example.com")]
    assert answer["email"] == "new@example.com"
    assert api.get(path_of(contact)) == answer


def test_person_is_found_by_each_of_their_addresses(api: Api) -> None:
    contact = api.make_contact("one@example.com")
    api.put(path_of(contact), {"email": "two@example.com"})
    contact = api.put(path_of(contact), {"email": "three@example.com"})
    assert channels_of(contact) == [("email", "one@example.com"), ("email", "two@example.com")]
    for email in ("one@example.com", "two@example.com", "three@example.com", " ONE@Example.com"):
        assert owner_of(api, email) == contact


def test_channel_that_becomes_primary_is_no_longer_listed(api: Api) -> None:
    contact = api.make_contact("one@example.com", email="two@example.com")
    answer = api.put(path_of(contact), {"email": "one@example.com"})
    assert answer["email"] == "one@example.com"
    assert channels_of(answer) == [("email", "two@example.com")]
    assert answer["updated_at"] > contact["updated_at"]
    assert owner_of(api, "one@example.com") == owner_of(api, "two@example.com") == answer


def test_cleared_address_is_free_again(api: Api) -> None:
    contact = api.make_contact("old@example.com")
    cleared = api.put(path_of(contact), {"email": None})
    assert (cleared["email"], cleared["contact_channels"]) == (None, [])
    other = api.post("/contacts/quick", {"email": "old@example.com"}, 201)
    assert other["id"] != contact["id"]
    assert api.get(path_of(contact)) == cleared


def test_cleared_address_can_be_given_to_another(api: Api) -> None:
    contact, other = api.make_contact("a@example.com"), api.make_contact("b@example.com")
    api.put(path_of(contact), {"email": None})
    answer = api.put(path_of(other), {"email": "a@example.com"})
    assert (answer["email"], channels_of(answer)) == ("a@example.com", [("email", "b@example.com")])


def test_clearing_leaves_the_further_addresses(api: Api) -> None:
    contact = api.make_contact("one@example.com", email="two@example.com")
    answer = api.put(path_of(contact), {"email": None})
    assert (answer["email"], channels_of(answer)) == (None, [("email", "one@example.com")])
    assert owner_of(api, "one@example.com") == answer


def test_first_address_leaves_no_channel(api: Api) -> None:
    contact = api.make_contact("one@example.com", email=None)
    answer = api.put(path_of(contact), {"email": "two@example.com"})
    assert (answer["email"], answer["contact_channels"]) == ("two@example.com", [])


@pytest.mark.parametrize("taken", ["primary@example.com", "channel@example.com"])
def test_address_of_another_contact_is_a_conflict_and_changes_nothing(api: Api, taken: str) -> None:
    owner = api.make_contact("channel@example.com", first_name="Zebulon", last_name="Quist")
    owner = api.put(path_of(owner), {"email": "primary@example.com"})
    contact = api.make_contact("linda@example.com", first_name="Linda")
    body = {"first_name": "Bob", "email": taken.upper(), "custom_attributes": {"a": 1}}
    answer = api.put(path_of(contact), body, 409)
    assert answer["type"] == "ConflictError"
    hints = ("Zebulon", "Quist", "@example.com", str(owner["id"]), "channel", "primary")
    assert not [hint for hint in hints if hint in str(answer)]
    assert api.get(path_of(contact)) == contact
    assert api.get(path_of(owner)) == owner


def test_replaced_address_stays_taken(api: Api) -> None:
    contact = api.make_contact("old@example.com", email="new@example.com")
    other = api.make_contact("other@example.com")
    api.put(path_of(other), {"email": "old@example.com"}, 409)
    assert owner_of(api, "old@example.com") == contact


def test_spellings_of_one_address_are_one(api: Api) -> None:
    contact = api.make_contact("jose\u0301@bücher.example")
    assert contact["email"] == "josé@bücher.example"
    assert owner_of(api, "JOSÉ@XN--BCHER-KVA.example") == contact
