"""Single conversations: with whom they are, whom one can put there, where messages came from."""

from typing import Any

import pytest

from tests.client import Api
from tests.threads import (
    LINDA,
    UNKNOWN_UUID,
    Answer,
    begin,
    messages_of,
    receive,
    roles,
    set_status,
)

BOB = "bob@example.com"


def people(answer: Answer) -> list[tuple[str, int]]:
    return [(each["role"], each["contact"]["id"]) for each in answer["contacts"]]


def put_contact(api: Api, conversation: Answer, contact_id: int, status: int = 200) -> Any:
    body = {"contact_id": contact_id}
    return api.put(f"/conversations/{conversation['uuid']}/contact", body, status)


def test_conversation_is_shown_as_in_lists_with_its_contacts(api: Api) -> None:
    received = receive(api, cc=[{"email": "aida@example.com"}, {"email": BOB}])
    conversation, linda = received["conversation"], received["contact"]
    shown = api.get(f"/conversations/{conversation['uuid']}")
    assert {name: shown[name] for name in conversation} == conversation
    assert set(shown) - set(conversation) == {"contacts"}
    by_number = api.get(f"/conversations/by-ref/{conversation['reference_number']}")
    assert by_number == shown
    [first, *others] = shown["contacts"]
    in_list = {name: value for name, value in linda.items() if name != "contact_channels"}
    assert first == {"role": "sender", "contact": in_list}
    assert [each["role"] for each in others] == ["participant"] * 2


def test_the_sender_comes_first_though_others_are_older(api: Api) -> None:
    bob = api.make_contact(BOB)["id"]
    received = receive(api, cc=[{"email": BOB}])
    shown = api.get(f"/conversations/{received['conversation']['uuid']}")
    assert people(shown) == [("sender", received["contact"]["id"]), ("participant", bob)]


@pytest.mark.parametrize(
    "path",
    [UNKNOWN_UUID, "%00", "by-ref/999", "by-ref/0", "by-ref/x", "by-ref/9999999999999999999999"],
)
def test_unknown_conversation_is_not_found(api: Api, path: str) -> None:
    receive(api)
    assert api.get(f"/conversations/{path}", 404)["type"] == "NotFoundError"


def test_all_conversations_are_listed_latest_message_first(api: Api) -> None:
    first = receive(api, LINDA)["conversation"]
    second = receive(api, BOB)["conversation"]
    begun = begin(api, api.make_contact("aida@example.com")["id"])
    receive(api, LINDA, conversation_uuid=first["uuid"])
    listed = api.get("/conversations")
    assert [each["uuid"] for each in listed["results"]] == [
        first["uuid"],
        begun["uuid"],
        second["uuid"],
    ]
    assert listed["total"] == 3
    assert set(listed["results"][0]) == set(second)


def test_statuses_narrow_the_list_of_all(api: Api) -> None:
    first = receive(api, LINDA)["conversation"]
    receive(api, BOB)
    set_status(api, first, "Closed")
    listed = api.get("/conversations", query_string={"statuses": "Closed,Spam"})
    assert [each["uuid"] for each in listed["results"]] == [first["uuid"]]
    api.get("/conversations", 400, query_string={"statuses": "Shut"})


def test_another_contact_becomes_the_sender_and_who_wrote_stays(api: Api) -> None:
    received = receive(api)
    conversation, linda = received["conversation"], received["contact"]["id"]
    bob = api.make_contact(BOB)["id"]
    answer = put_contact(api, conversation, bob)
    assert people(answer) == [("sender", bob), ("participant", linda)]
    assert answer == api.get(f"/conversations/{conversation['uuid']}")
    assert answer["updated_at"] > conversation["updated_at"]
    assert roles(api, bob) == {conversation["uuid"]: "sender"}
    assert [each["contact_id"] for each in messages_of(api, conversation)] == [linda]


def test_a_former_sender_who_wrote_nothing_leaves(api: Api) -> None:
    linda, bob = api.make_contact(LINDA)["id"], api.make_contact(BOB)["id"]
    conversation = begin(api, linda)
    assert people(put_contact(api, conversation, bob)) == [("sender", bob)]
    assert roles(api, linda) == {}


def test_a_participant_can_become_the_sender(api: Api) -> None:
    received = receive(api, cc=[{"email": BOB}])
    linda = received["contact"]["id"]
    bob = api.get("/contacts/search", query_string={"q": BOB})[0]["id"]
    answer = put_contact(api, received["conversation"], bob)
    assert people(answer) == [("sender", bob), ("participant", linda)]


def test_the_same_contact_again_changes_nothing(api: Api) -> None:
    received = receive(api)
    before = api.get(f"/conversations/{received['conversation']['uuid']}")
    assert put_contact(api, received["conversation"], received["contact"]["id"]) == before


def test_a_conversation_with_nobody_gets_a_sender(api: Api) -> None:
    bob = api.make_contact(BOB)["id"]
    mail = b"From: robot@example.com\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n"
    answer = api.call(
        "POST", "/inbound/messages", 201, data=mail, content_type="message/rfc822"
    ).get_json()["data"]
    assert people(api.get(f"/conversations/{answer['conversation']['uuid']}")) == []
    assert people(put_contact(api, answer["conversation"], bob)) == [("sender", bob)]


def test_unknown_contact_is_refused(api: Api) -> None:
    conversation = receive(api)["conversation"]
    error = put_contact(api, conversation, 999, 400)
    assert error["errors"] == {"json": {"contact_id": ["There is no such contact."]}}
    api.put(f"/conversations/{UNKNOWN_UUID}/contact", {"contact_id": 1}, 404)


@pytest.mark.parametrize(
    ("channel", "sender", "address"),
    [
        ("email", {"email": "Linda@Example.com"}, ("email", "linda@example.com")),
        ("chat", {"identifier": "visitor-7", "email": BOB}, ("chat", "visitor-7")),
        ("sms", {"phone": "+61 412 345 678"}, ("phone", "+61 412 345 678")),
        ("phone", {"phone": "0412 345 678", "email": BOB}, ("phone", "0412 345 678")),
        ("chat", {"email": BOB}, ("email", BOB)),
    ],
)
def test_a_message_says_which_address_it_came_from(
    api: Api, channel: str, sender: Answer, address: tuple[str, str]
) -> None:
    conversation = receive(api, sender, channel=channel)["conversation"]
    [shown] = messages_of(api, conversation)
    assert shown["from"] == {"channel": address[0], "identifier": address[1]}


def test_a_message_of_an_agent_came_from_no_address(api: Api) -> None:
    conversation = begin(api, api.make_contact(BOB)["id"])
    assert messages_of(api, conversation)[0]["from"] is None
