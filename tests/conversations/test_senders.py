"""How senders are matched, and what a message adds to a contact."""

from typing import Any

import pytest

from tests.client import Api
from tests.threads import LINDA, channels_of, find, receive

WORK = "linda@work.example"
PHONE = "+61 412 345 678"
Names = tuple[str, str]


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


def add_channel(api: Api, contact: dict[str, Any], channel: str, identifier: str) -> dict[str, Any]:
    body = {"channel": channel, "identifier": identifier}
    answer: dict[str, Any] = api.post(f"{path_of(contact)}/channels", body)
    return answer


def names(contact: dict[str, Any]) -> Names:
    return contact["first_name"], contact["last_name"]


@pytest.fixture
def linda(api: Api) -> dict[str, Any]:
    """A contact with every kind of address."""
    contact = api.make_contact(LINDA, first_name="Linda", last_name="Olsen", phone=PHONE)
    for address in (("email", WORK), ("phone", "(03) 9000-1234"), ("chat", "Linda-1")):
        contact = add_channel(api, contact, *address)
    return contact


@pytest.mark.parametrize(
    ("channel", "sender"),
    [
        ("email", {"email": LINDA}),
        ("email", {"email": " Linda.Olsen@EXAMPLE.com "}),
        ("email", {"email": WORK.upper()}),
        ("email", {"identifier": LINDA.upper()}),
        ("chat", {"email": WORK}),
        ("sms", {"phone": PHONE}),
        ("sms", {"phone": "0412345678"}),
        ("sms", {"phone": "0061 412 345 678"}),
        ("sms", {"phone": "412 345 678"}),
        ("sms", {"phone": "+61 3 9000 1234"}),
        ("sms", {"phone": "9000 1234"}),
        ("phone", {"identifier": "0412/345/678"}),
        ("chat", {"identifier": "Linda-1"}),
        ("chat", {"identifier": " Linda-1 "}),
        ("chat", {"email": "unknown@example.com", "identifier": "Linda-1"}),
        ("chat", {"email": "unknown@example.com", "phone": "0412 345 678"}),
        ("chat", {"phone": "+1 555 000 0000", "identifier": "Linda-1"}),
    ],
)
def test_known_sender_is_matched(
    api: Api, linda: dict[str, Any], channel: str, sender: dict[str, str]
) -> None:
    answer = receive(api, sender, channel=channel)
    assert (answer["contact"]["id"], answer["contact_created"]) == (linda["id"], False)
    assert api.get("/contacts")["total"] == 1


@pytest.mark.parametrize(
    ("channel", "sender"),
    [
        ("email", {"email": "linda@example.com"}),
        ("sms", {"phone": "345 678"}),  # fewer than seven digits match only a whole number
        ("sms", {"phone": "+61 412 345 679"}),
        ("sms", {"phone": "+45 412 345 678"}),
        ("chat", {"identifier": "linda-1"}),
        ("sms", {"identifier": "Linda-1"}),
        ("sms", {"identifier": PHONE}),
    ],
)
def test_unknown_sender_creates_a_contact(
    api: Api, linda: dict[str, Any], channel: str, sender: dict[str, str]
) -> None:
    answer = receive(api, sender, channel=channel)
    assert answer["contact_created"] is True
    assert answer["contact"]["id"] != linda["id"]
    assert api.get(path_of(linda)) == linda
    assert receive(api, sender, channel=channel)["contact"] == answer["contact"]


def test_new_contact_has_every_address_of_the_message(api: Api) -> None:
    sender = {"email": LINDA, "phone": f" {PHONE} ", "identifier": " u-1 "}
    contact = receive(api, sender, channel="chat")["contact"]
    assert (contact["email"], contact["phone"], contact["blocked"]) == (LINDA, PHONE, False)
    assert channels_of(contact) == [("chat", "u-1")]
    assert api.get(path_of(contact)) == contact
    for typed in (LINDA, "412 345", "u-1"):
        assert find(api, typed) == [contact["id"]]


@pytest.mark.parametrize("last", [0, 1, 2])
def test_shared_number_matches_the_most_recently_updated_contact(api: Api, last: int) -> None:
    family = [api.make_contact(f"{name}@example.com", phone=PHONE) for name in ("a", "b")]
    family.append(add_channel(api, api.make_contact("c@example.com"), "phone", "0412 345 678"))
    api.put(path_of(family[last]), {"first_name": "Last"})
    answer = receive(api, {"phone": "0412345678"}, channel="sms")
    assert answer["contact"]["id"] == family[last]["id"]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ({"email": "mail@example.com", "phone": PHONE, "identifier": "u-1"}, "mail"),
        ({"email": "mail@example.com", "identifier": "u-1"}, "mail"),
        ({"phone": PHONE, "identifier": "u-1"}, "phone"),
        ({"email": "new@example.com", "phone": PHONE, "identifier": "u-1"}, "phone"),
        ({"email": "new@example.com", "identifier": "u-1"}, "chat"),
    ],
)
def test_email_takes_precedence_over_phone_over_identifier(
    api: Api, sender: dict[str, str], expected: str
) -> None:
    people = {name: api.make_contact(f"{name}@example.com") for name in ("mail", "phone", "chat")}
    api.put(path_of(people["phone"]), {"phone": PHONE})
    add_channel(api, people["chat"], "chat", "u-1")
    api.put(path_of(people["chat"]), {"first_name": "Last"})
    others = [api.get(path_of(people[name])) for name in people if name != expected]
    contact = receive(api, sender, channel="chat")["contact"]
    assert contact["id"] == people[expected]["id"]
    assert [api.get(path_of(other)) for other in others] == others


@pytest.mark.parametrize(
    ("channel", "sender", "added"),
    [
        ("email", {"email": "NEW@example.com", "phone": PHONE}, ("email", "new@example.com")),
        ("chat", {"email": LINDA, "identifier": "u-1"}, ("chat", "u-1")),
        ("sms", {"email": LINDA, "phone": "+45 12 34 56 78"}, ("phone", "+45 12 34 56 78")),
        ("chat", {"phone": PHONE, "identifier": "u-1"}, ("chat", "u-1")),
        ("phone", {"email": LINDA, "identifier": "9876543"}, ("phone", "9876543")),
    ],
)
def test_new_address_of_a_known_person_becomes_a_channel(
    api: Api, channel: str, sender: dict[str, str], added: tuple[str, str]
) -> None:
    linda = api.make_contact(LINDA, first_name="L", last_name="O", phone=PHONE)
    contact = receive(api, sender, channel=channel)["contact"]
    assert channels_of(contact) == [added]
    assert contact == linda | {
        "contact_channels": contact["contact_channels"],
        "updated_at": contact["updated_at"],
    }
    assert contact["updated_at"] > linda["updated_at"]
    assert find(api, added[1]) == [linda["id"]]
    kind, identifier = added
    who = {kind if kind in ("email", "phone") else "identifier": identifier}
    assert receive(api, who, channel=channel)["contact"] == contact


@pytest.mark.parametrize("who", ["sender", "copied in"])
def test_sender_and_copied_in_contacts_get_names_and_addresses(api: Api, who: str) -> None:
    linda = api.make_contact(LINDA)
    told = {"email": LINDA, "first_name": "Linda", "last_name": "Olsen", "identifier": "u-1"}
    if who == "sender":
        receive(api, told, channel="chat")
    else:
        receive(api, "bob@example.com", channel="chat", cc=[told])
    contact = api.get(path_of(linda))
    assert names(contact) == ("Linda", "Olsen")
    assert channels_of(contact) == [("chat", "u-1")]


def test_same_number_in_another_spelling_is_no_new_address(api: Api, linda: dict[str, Any]) -> None:
    assert receive(api, {"email": LINDA, "phone": "0412 345 678"})["contact"] == linda
    assert receive(api, {"email": LINDA, "phone": "+61 (03) 9000 1234"})["contact"] == linda


@pytest.mark.parametrize("number", ["0", "00", "(0)"])
def test_number_without_significant_digits_is_added_once(api: Api, number: str) -> None:
    api.make_contact(LINDA)
    for _ in range(2):
        contact = receive(api, {"email": LINDA, "phone": number})["contact"]
        assert channels_of(contact) == [("phone", number)]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ({"email": LINDA}, ("Linda", "Olsen")),
        ({"email": "LINDA.OLSEN@example.com"}, ("Linda", "Olsen")),
        ({"email": "linda_olsen@example.com"}, ("Linda", "Olsen")),
        ({"email": "linda@example.com"}, ("Linda", "")),
        ({"email": "42@example.com"}, ("", "")),
        ({"email": LINDA, "first_name": "Lin"}, ("Lin", "")),
        ({"email": LINDA, "last_name": "O."}, ("", "O.")),
        ({"email": LINDA, "first_name": " ", "last_name": ""}, ("Linda", "Olsen")),
        ({"email": LINDA, "first_name": " Mc  Q ", "last_name": "d’Arc"}, ("Mc Q", "d’Arc")),
        ({"phone": PHONE}, ("", "")),
        ({"identifier": "linda.olsen"}, ("", "")),
    ],
)
def test_new_contact_is_named_by_the_message_or_by_its_address(
    api: Api, sender: dict[str, str], expected: Names
) -> None:
    contact = receive(api, sender, channel="chat")["contact"]
    assert names(contact) == expected
    for name in filter(None, expected):
        assert find(api, name) == [contact["id"]]


# A message creates a contact, named Linda Olsen by its address. Each case: the agent's changes, the
# names in the next message, and the names after it.
TOLD = {"first_name": "Lindy", "last_name": "Olsen-Berg"}
GUESSED = {
    "guess, both told": ({}, TOLD, ("Lindy", "Olsen-Berg")),
    "guess, one told": ({}, {"first_name": "Lindy"}, ("Lindy", "Olsen")),
    "guess, nothing told": ({}, {}, ("Linda", "Olsen")),
    "typed": ({"first_name": "Ann", "last_name": "Lee"}, TOLD, ("Ann", "Lee")),
    "one typed": ({"first_name": "Ann"}, TOLD, ("Ann", "Olsen")),
    "one typed as told": ({"first_name": "LINDY"}, TOLD, ("LINDY", "Olsen-Berg")),
    "other typed": ({"last_name": "Lee"}, TOLD, ("Linda", "Lee")),
    "retyped": ({"first_name": "Linda", "last_name": "Olsen"}, TOLD, ("Linda", "Olsen")),
    "one retyped": ({"last_name": "Olsen"}, TOLD, ("Linda", "Olsen")),
    "one cleared, one told": ({"last_name": ""}, {"last_name": "Berg"}, ("Linda", "Berg")),
    "one cleared, nothing told": ({"last_name": ""}, {}, ("Linda", "")),
    "other fields": ({"phone": "12", "custom_attributes": {"a": 1}}, TOLD, ("Lindy", "Olsen-Berg")),
}


@pytest.mark.parametrize(("typed", "told", "expected"), GUESSED.values(), ids=GUESSED.keys())
def test_guessed_names_are_replaced_and_typed_ones_stay(
    api: Api, typed: dict[str, Any], told: dict[str, str], expected: Names
) -> None:
    contact = receive(api)["contact"]
    assert names(contact) == ("Linda", "Olsen")
    api.put(path_of(contact), typed)
    assert names(receive(api, {"email": LINDA} | told)["contact"]) == expected


def test_names_from_a_message_stay(api: Api) -> None:
    receive(api, {"email": LINDA} | TOLD)
    answer = receive(api, {"email": LINDA, "first_name": "Bob", "last_name": "Smith"})
    assert names(answer["contact"]) == ("Lindy", "Olsen-Berg")


@pytest.mark.parametrize("way", ["quick-create", "begun conversation", "update"])
def test_half_a_name_from_an_agent_is_completed_only_by_the_same_person(api: Api, way: str) -> None:
    given = {"email": LINDA, "first_name": "Léa"}
    if way == "quick-create":
        api.post("/contacts/quick", given)
    elif way == "begun conversation":
        api.post("/conversations", {"contact": given, "channel": "email", "message": "Dear"})
    else:
        api.make_contact(LINDA, first_name="Léa")
    for told in (TOLD, {"last_name": "Berg"}, {"first_name": "Lea"}, {}):
        assert names(receive(api, {"email": LINDA} | told)["contact"]) == ("Léa", "")
    told = {"first_name": "LEA", "last_name": "Berg"}
    assert names(receive(api, {"email": LINDA} | told)["contact"]) == ("Léa", "Berg")


# Half a name from a message, a whole name from another, and the contact's name after both.
HALVES = {
    "other first name": ({"first_name": "Hans"}, "Peter", "Pan", ("Hans", "")),
    "same first name": ({"first_name": "Hans"}, "HANS", "Pan", ("Hans", "Pan")),
    "other last name": ({"last_name": "Meier"}, "Peter", "Pan", ("", "Meier")),
    "same last name": ({"last_name": "Pån"}, "Peter", "Pan", ("Peter", "Pån")),
}


@pytest.mark.parametrize(("half", "first", "last", "expected"), HALVES.values(), ids=HALVES.keys())
def test_people_who_share_an_address_are_not_mixed(
    api: Api, half: dict[str, str], first: str, last: str, expected: Names
) -> None:
    receive(api, {"email": LINDA} | half)
    whole = {"email": LINDA, "first_name": first, "last_name": last}
    assert names(receive(api, whole)["contact"]) == expected


def test_contact_without_names_is_named_by_its_address(api: Api) -> None:
    api.make_contact(LINDA)
    assert names(receive(api)["contact"]) == ("Linda", "Olsen")
    assert names(receive(api, {"email": LINDA} | TOLD)["contact"]) == ("Lindy", "Olsen-Berg")


@pytest.mark.parametrize("first", [{"phone": PHONE}, {"identifier": "u-1"}])
def test_later_address_names_a_contact_without_names(api: Api, first: dict[str, str]) -> None:
    contact = receive(api, first, channel="chat")["contact"]
    later = receive(api, first | {"email": LINDA}, channel="chat")["contact"]
    assert (later["id"], names(later)) == (contact["id"], ("Linda", "Olsen"))
    assert channels_of(later)[-1] == ("email", LINDA)


def test_filled_names_are_found_by_search_and_filters(api: Api) -> None:
    before = receive(api, message_id="1@x")["contact"]
    after = receive(api, {"email": LINDA} | TOLD)["contact"]
    assert after["updated_at"] > before["updated_at"]
    assert api.get(path_of(after)) == after
    assert (find(api, "lindy"), find(api, "olsen-berg")) == ([after["id"]], [after["id"]])
    assert find(api, "linda olsen") == [after["id"]]  # by the address, which is the same
    filtered = api.filtered([{"field": "first_name", "operator": "=", "value": "LINDY"}])
    assert [each["id"] for each in filtered["results"]] == [after["id"]]


@pytest.mark.parametrize(
    "sender",
    [
        {"email": LINDA},
        {"email": LINDA, "first_name": "Somebody", "last_name": "Else"},
        {"email": LINDA, "first_name": "Linda", "last_name": "Olsen"},
        {"email": LINDA, "phone": "0412345678", "identifier": "Linda-1"},
        {"email": WORK},
    ],
)
def test_message_without_news_leaves_the_contact_unchanged(
    api: Api, linda: dict[str, Any], sender: dict[str, str]
) -> None:
    answer = receive(api, sender, channel="chat")
    assert answer["contact"] == api.get(path_of(linda)) == linda
