"""The primary address: what becomes of the old one, and whose an address is."""

from typing import Any

import pytest
from flask import Flask

from contacts_service.db.models import ContactChannel
from contacts_service.db.session import unit_of_work
from tests.client import Api


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


def channels_of(contact: dict[str, Any]) -> list[tuple[str, str]]:
    return [(channel["channel"], channel["identifier"]) for channel in contact["contact_channels"]]


def owner_of(api: Api, email: str) -> dict[str, Any]:
    """The contact that quick-create finds by an address that somebody has."""
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


def test_cleared_address_is_gone_and_free_again(api: Api) -> None:
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


def test_address_after_none_leaves_no_channel(api: Api) -> None:
    contact = api.make_contact("one@example.com", email=None)
    answer = api.put(path_of(contact), {"email": "two@example.com"})
    assert (answer["email"], answer["contact_channels"]) == ("two@example.com", [])


@pytest.mark.parametrize("taken", ["primary@example.com", "channel@example.com"])
def test_address_of_somebody_else_is_a_conflict_that_changes_nothing(api: Api, taken: str) -> None:
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


def test_replaced_address_is_still_nobody_elses(api: Api) -> None:
    contact = api.make_contact("old@example.com", email="new@example.com")
    other = api.make_contact("other@example.com")
    api.put(path_of(other), {"email": "old@example.com"}, 409)
    assert owner_of(api, "old@example.com") == contact


def test_spellings_of_one_address_are_one(api: Api) -> None:
    contact = api.make_contact("jose\u0301@bücher.example")
    assert contact["email"] == "josé@bücher.example"
    assert owner_of(api, "JOSÉ@XN--BCHER-KVA.example") == contact


def test_number_that_becomes_primary_is_no_longer_listed(app: Flask, api: Api) -> None:
    contact = api.make_contact(phone="7")
    channel = {"contact_id": contact["id"], "channel": "phone", "identifier": "0412 345"}
    times = dict.fromkeys(("created_at", "updated_at"), contact["created_at"])
    with app.app_context(), unit_of_work() as session:
        session.add(ContactChannel(**channel, **times))
    assert channels_of(api.get(path_of(contact))) == [("phone", "0412 345")]
    answer = api.put(path_of(contact), {"phone": " 0412 345"})
    assert (answer["phone"], answer["contact_channels"]) == ("0412 345", [])
