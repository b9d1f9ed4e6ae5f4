"""Messages of blocked senders land in Spam and touch no other conversation."""

from typing import Any

import pytest
from flask import Flask

from tests.client import Api
from tests.threads import (
    INBOUND,
    LINDA,
    Answer,
    begin,
    block,
    conversations_of,
    messages_of,
    receive,
    roles,
    set_status,
    stored,
)

PHONE = "+61 412 345 678"
RAW_MAIL = b"""\
From: Linda Olsen <Linda.Olsen@example.com>
To: desk@example.org
Cc: eva@example.com
Subject: Answer me
Message-ID: <raw@mail.example>

Hello.
"""

# Each way in which the blocked contact can write.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "primary address": ("email", {"email": LINDA.upper()}),
    "other address": ("email", {"email": "linda@work.example"}),
    "phone": ("sms", {"phone": "0412 345 678"}),
    "phone channel": ("sms", {"phone": "+61 3 9000 1234"}),
    "identifier": ("chat", {"identifier": "u-1"}),
    "address on another channel": ("chat", {"email": LINDA}),
    "new address, known phone": ("email", {"email": "new@example.com", "phone": PHONE}),
}
any_way = pytest.mark.parametrize(("channel", "sender"), WAYS.values(), ids=WAYS.keys())


@pytest.fixture
def linda(api: Api) -> Answer:
    """A blocked contact with every kind of address."""
    contact = api.make_contact(LINDA, first_name="Linda", last_name="Olsen", phone=PHONE)
    path = f"/contacts/{contact['id']}"
    for channel, identifier in (
        ("email", "linda@work.example"),
        ("phone", "(03) 9000-1234"),
        ("chat", "u-1"),
    ):
        api.post(f"{path}/channels", {"channel": channel, "identifier": identifier})
    blocked: Answer = api.put(f"{path}/block", {"blocked": True})
    return blocked


@pytest.fixture
def thread(api: Api) -> Answer:
    """An open conversation of another contact. Its first message is <open@x>."""
    conversation: Answer = receive(api, "bob@example.com", message_id="open@x")["conversation"]
    return conversation


def spam(api: Api) -> list[Answer]:
    answer = api.get("/conversations/spam")
    assert answer["total"] == len(answer["results"])
    results: list[Answer] = answer["results"]
    return results


def rows_of(app: Flask, conversation: Answer) -> dict[str, Any]:
    """Read all rows of a conversation."""
    rows = stored(app)
    number = conversation["reference_number"]
    return {
        "conversation": [row for row in rows["conversations"] if row[0] == number],
        "people": [row for row in rows["conversation_participants"] if row[0] == number],
        "messages": [row for row in rows["messages"] if row[2] == number],
    }


@any_way
def test_blocked_sender_lands_in_spam(
    api: Api, linda: Answer, channel: str, sender: dict[str, str]
) -> None:
    answer = receive(api, sender, channel=channel)
    assert (answer["bucket"], answer["conversation"]["status"]) == ("spam", "Spam")
    assert (answer["contact"]["id"], answer["contact_created"]) == (linda["id"], False)
    assert answer["conversation_created"] is True
    assert answer["contact"]["blocked"] is True
    assert spam(api) == [answer["conversation"]]
    assert conversations_of(api, linda["id"]) == [answer["conversation"] | {"role": "sender"}]
    assert messages_of(api, answer["conversation"])[0]["content"] == "Hello."


@any_way
def test_reply_of_a_blocked_sender_touches_no_other_conversation(
    app: Flask, api: Api, linda: Answer, thread: Answer, channel: str, sender: dict[str, str]
) -> None:
    before = rows_of(app, thread)
    answer = receive(api, sender, channel=channel, in_reply_to="<open@x>")
    assert answer["bucket"] == "spam"
    assert answer["conversation"]["uuid"] != thread["uuid"]
    assert rows_of(app, thread) == before
    assert spam(api) == [answer["conversation"]]
    assert list(roles(api, linda["id"])) == [answer["conversation"]["uuid"]]


@pytest.mark.parametrize("way", ["in_reply_to", "references", "conversation_uuid"])
@pytest.mark.parametrize("status", ["Open", "Snoozed", "Resolved", "Closed", "Trashed"])
def test_blocked_sender_reopens_not_even_their_own_conversation(
    app: Flask, api: Api, linda: Answer, status: str, way: str
) -> None:
    own = set_status(api, begin(api, linda["id"], message_id="<own@x>"), status)
    before = rows_of(app, own)
    found = {
        "in_reply_to": "own@x",
        "references": ["<own@x>", "unknown@x"],
        "conversation_uuid": own["uuid"],
    }
    answer = receive(api, **{way: found[way]})
    assert (answer["bucket"], answer["conversation_created"]) == ("spam", True)
    assert rows_of(app, own) == before


def test_raw_mail_of_a_blocked_sender_lands_in_spam(api: Api, linda: Answer) -> None:
    options = {"data": RAW_MAIL, "content_type": "message/rfc822"}
    answer = api.call("POST", INBOUND, 201, **options).json["data"]
    assert (answer["bucket"], answer["contact"]["id"]) == ("spam", linda["id"])
    assert spam(api) == [answer["conversation"]]
    assert api.get("/contacts")["total"] == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_people_copied_in_by_a_blocked_sender_are_ignored(
    api: Api, linda: Answer, is_known: bool
) -> None:
    cc = [{"email": "eva@example.com", "first_name": "Eva"}, {"phone": "555 1234"}]
    eva = api.make_contact("eva@example.com") if is_known else None
    before = api.get("/contacts")
    assert receive(api, cc=cc)["bucket"] == "spam"
    assert api.get("/contacts") == before
    if eva is not None:
        assert conversations_of(api, eva["id"]) == []


@any_way
def test_reply_in_spam_continues_its_conversation(
    api: Api, linda: Answer, channel: str, sender: dict[str, str]
) -> None:
    first = receive(api, message_id="1@x")
    answer = receive(api, sender, channel=channel, in_reply_to="1@x", content="More.")
    assert (answer["bucket"], answer["conversation_created"]) == ("spam", False)
    assert answer["conversation"]["uuid"] == first["conversation"]["uuid"]
    assert answer["conversation"]["last_message"] == "More."
    assert [each["content"] for each in messages_of(api, first["conversation"])] == [
        "More.",
        "Hello.",
    ]
    assert spam(api) == [answer["conversation"]]


def test_every_new_message_begins_a_conversation_in_spam(api: Api, linda: Answer) -> None:
    answers = [receive(api) for _ in range(3)]
    assert spam(api) == [answer["conversation"] for answer in answers[::-1]]


def test_duplicate_in_spam_changes_nothing(app: Flask, api: Api, linda: Answer) -> None:
    first = receive(api, message_id="1@x")
    before = stored(app)
    assert receive(api, message_id="<1@x>", status=200) == first | {"duplicate": True}
    assert stored(app) == before


def test_messages_after_unblocking_land_in_the_inbox(api: Api, linda: Answer) -> None:
    spammed = receive(api, message_id="1@x")
    block(api, linda["id"], is_blocked=False)
    fresh = receive(api)
    assert (fresh["bucket"], fresh["conversation"]["status"]) == ("inbox", "Open")
    assert spam(api) == [spammed["conversation"]]
    answer = receive(api, in_reply_to="1@x", cc=[{"email": "eva@example.com"}])
    assert (answer["bucket"], answer["conversation"]["status"]) == ("inbox", "Open")
    assert answer["conversation"]["uuid"] == spammed["conversation"]["uuid"]
    assert spam(api) == []
    assert api.get("/contacts")["total"] == 2


def test_blocking_moves_no_conversation(api: Api) -> None:
    first = receive(api)
    block(api, first["contact"]["id"])
    assert spam(api) == []
    assert conversations_of(api, first["contact"]["id"])[0]["status"] == "Open"


def test_message_of_another_contact_reopens_a_spam_thread(api: Api, linda: Answer) -> None:
    spammed = receive(api, message_id="1@x")["conversation"]
    answer = receive(api, "bob@example.com", in_reply_to="1@x")
    assert (answer["bucket"], answer["conversation"]["status"]) == ("inbox", "Open")
    assert answer["conversation"]["uuid"] == spammed["uuid"]


def test_bucket_lists_latest_message_first(api: Api, linda: Answer, thread: Answer) -> None:
    days = ("2026-05-02", "2026-05-03", "2026-05-01")
    for day in days:
        receive(api, content=day, received_at=f"{day}T00:00:00Z")
    moved = set_status(api, thread, "Spam")
    assert [each["last_message"] for each in spam(api)] == ["Hello.", *sorted(days, reverse=True)]
    assert spam(api)[0] == moved
    page = api.get("/conversations/spam?page=2&page_size=3")
    assert (page["total"], page["total_pages"], len(page["results"])) == (4, 2, 1)
    assert set(page["results"][0]) == set(thread)


def test_empty_bucket_has_no_pages(api: Api) -> None:
    empty = {"results": [], "total": 0, "total_pages": 0, "page": 1, "page_size": 50}
    assert api.get("/conversations/spam") == empty


@pytest.mark.parametrize("status", ["Open", "Spam", "Closed", "Snoozed", "Resolved"])
def test_agents_write_to_blocked_contacts_and_no_status_changes(
    api: Api, linda: Answer, status: str
) -> None:
    begun = begin(api, linda["id"])
    assert begun["status"] == "Open"
    set_status(api, begun, status)
    path = f"/conversations/{begun['uuid']}/messages"
    written = api.post(path, {"message": "Please stay friendly."})
    assert written["conversation_uuid"] == begun["uuid"]
    [conversation] = conversations_of(api, linda["id"])
    assert conversation["status"] == status
    assert conversation["last_message"] == "Please stay friendly."
    assert api.get(f"/contacts/{linda['id']}")["blocked"] is True


def test_agents_write_to_blocked_contacts_by_address(api: Api, linda: Answer) -> None:
    body = {"contact": {"email": LINDA}, "channel": "email", "message": "You are blocked."}
    begun = api.post("/conversations", body)
    assert (begun["status"], spam(api)) == ("Open", [])
    assert conversations_of(api, linda["id"])[0]["uuid"] == begun["uuid"]
