"""Bounces and automatic replies are recorded, but create no contacts.

Which mails are automatic is tested in test_mail.py.
"""

from typing import Any

import pytest
from flask import Flask

from tests.client import Api
from tests.conversations.header_samples import AUTOMATIC
from tests.conversations.mails import mail, multipart
from tests.threads import (
    INBOUND,
    LINDA,
    begin,
    block,
    conversations_of,
    messages_of,
    receive,
    roles,
    set_status,
    stored,
)

DAEMON = "From: Mail Delivery <mailer-daemon@mail.example.com>"
FROM_LINDA = f"From: Linda Olsen <{LINDA}>"
REPLIED = "Auto-Submitted: auto-replied"
COPIED = "Cc: Ann Lee <ann@example.com>, Bob <bob@example.com>"
STATUSES = ["Open", "Snoozed", "Resolved", "Closed", "Spam"]
# The samples that a machine sent, all of unknown senders.
SAMPLES = {name: raw for name, raw, fields in AUTOMATIC if fields["origin"] != "person"}
REPORT = multipart("report", mail(body="It could not be delivered."), headers=(DAEMON,))


def hand_over(api: Api, raw: bytes, status: int = 201) -> Any:
    """Post a raw mail."""
    headers = {"Content-Type": "message/rfc822"}
    return api.call("POST", INBOUND, status, data=raw, headers=headers).json["data"]


def thread(api: Api, status: str) -> Any:
    """Begin a conversation with Bob by the message <out@desk>, and set its status."""
    bob = api.make_contact("bob@example.com")
    return set_status(api, begin(api, bob["id"], message_id="out@desk"), status)


def answer_to_desk(*headers: str) -> bytes:
    return mail(*headers, REPLIED, "In-Reply-To: <out@desk>", "Message-ID: <auto@x>", body="Away")


@pytest.mark.parametrize("raw", [*SAMPLES.values(), REPORT], ids=[*SAMPLES, "report"])
def test_automatic_message_of_an_unknown_sender_creates_no_contact(api: Api, raw: bytes) -> None:
    answer = hand_over(api, raw)
    assert (answer["contact"], answer["contact_created"]) == (None, False)
    assert (answer["bucket"], answer["duplicate"]) == ("inbox", False)
    assert api.get("/contacts")["total"] == 0
    [message] = messages_of(api, answer["conversation"])
    assert (message["direction"], message["contact_id"], message["author"]) == (
        "incoming",
        None,
        None,
    )
    assert message["uuid"] == answer["message"]["uuid"]


def test_ordinary_message_of_an_unknown_sender_creates_a_contact(api: Api) -> None:
    answer = hand_over(api, mail(FROM_LINDA, "Auto-Submitted: no", COPIED))
    assert answer["contact_created"] is True
    assert api.get("/contacts")["total"] == 3


def test_automatic_message_that_answers_nothing_begins_a_conversation(app: Flask, api: Api) -> None:
    raw = mail(DAEMON, "Subject: Undeliverable", "In-Reply-To: <unknown@x>", body="Sorry.")
    answer = hand_over(api, raw)
    conversation = answer["conversation"]
    assert answer["conversation_created"] is True
    assert (conversation["status"], conversation["subject"]) == ("Open", "Undeliverable")
    assert conversation["last_message"] == "Sorry."
    assert stored(app)["conversation_participants"] == []


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("header", ["In-Reply-To: <out@desk>", "References: <a@x> <out@desk>"])
def test_automatic_answer_of_an_unknown_sender_keeps_the_status_of_its_thread(
    api: Api, status: str, header: str
) -> None:
    before = thread(api, status)
    answer = hand_over(api, mail(FROM_LINDA, REPLIED, header, body="Away"))
    after = answer["conversation"]
    assert (after["uuid"], after["status"]) == (before["uuid"], status)
    assert (answer["contact"], answer["conversation_created"]) == (None, False)
    assert answer["bucket"] == ("spam" if status == "Spam" else "inbox")
    newest, _ = messages_of(api, after)
    assert (newest["content"], newest["contact_id"]) == ("Away", None)


def test_automatic_answer_into_a_trashed_thread_begins_a_conversation(api: Api) -> None:
    trashed = thread(api, "Trashed")
    answer = hand_over(api, answer_to_desk(DAEMON))
    assert answer["conversation_created"] is True
    assert answer["conversation"]["uuid"] != trashed["uuid"]
    assert len(messages_of(api, trashed)) == 1


@pytest.mark.parametrize("sender", [DAEMON, FROM_LINDA])
def test_automatic_message_copies_in_known_contacts_only(api: Api, sender: str) -> None:
    ann = api.make_contact("ann@example.com", first_name="Ann")
    if sender == FROM_LINDA:
        api.make_contact(LINDA)
    known = api.get("/contacts")["total"]
    answer = hand_over(api, mail(sender, REPLIED, COPIED))
    assert api.get("/contacts")["total"] == known
    assert roles(api, ann["id"]) == {answer["conversation"]["uuid"]: "participant"}
    assert api.get(f"/contacts/{ann['id']}") == ann


@pytest.mark.parametrize("status", STATUSES)
def test_automatic_answer_of_a_known_contact_keeps_the_status_of_its_thread(
    api: Api, status: str
) -> None:
    linda = api.make_contact(LINDA)
    before = thread(api, status)
    answer = hand_over(api, answer_to_desk(FROM_LINDA))
    assert (answer["contact"], answer["contact_created"]) == (linda, False)
    assert answer["conversation"]["uuid"] == before["uuid"]
    bucket = "spam" if status == "Spam" else "inbox"
    assert (answer["conversation"]["status"], answer["bucket"]) == (status, bucket)
    assert messages_of(api, before)[0]["contact_id"] == linda["id"]
    assert roles(api, linda["id"]) == {before["uuid"]: "participant"}


ENCLOSED = {
    "the whole mail": mail("Content-Type: message/rfc822", body="Message-ID: <out@desk>\n\nDear"),
    "its headers": mail("Content-Type: text/rfc822-headers", body="Message-ID: <out@desk>\n"),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("enclosed", ENCLOSED.values(), ids=ENCLOSED)
def test_bounce_reopens_the_conversation_of_the_message_that_it_encloses(
    api: Api, status: str, enclosed: bytes
) -> None:
    before = thread(api, status)
    text = mail("Content-Type: text/plain", body="It could not be delivered.")
    answer = hand_over(api, multipart("report", text, enclosed, headers=(DAEMON,)))
    assert (answer["contact"], answer["conversation_created"]) == (None, False)
    assert answer["conversation"]["uuid"] == before["uuid"]
    assert (answer["conversation"]["status"], answer["bucket"]) == ("Open", "inbox")


@pytest.mark.parametrize(
    "sender",
    ["MAILER-DAEMON (Mail Delivery System)", '"" (Mail Delivery System)', "<>", "Postmaster"],
)
def test_bounce_needs_no_address(api: Api, sender: str) -> None:
    answer = hand_over(api, mail(f"From: {sender}", "Subject: Undelivered", body="Sorry."))
    assert (answer["contact"], answer["contact_created"]) == (None, False)
    [message] = messages_of(api, answer["conversation"])
    assert (message["content"], message["from"]) == ("Sorry.", None)


def test_mail_of_a_person_needs_an_address(api: Api) -> None:
    hand_over(api, mail("From: Linda Olsen"), 400)


def test_automatic_message_of_a_known_contact_begins_their_conversation(api: Api) -> None:
    linda = api.make_contact(LINDA)
    answer = hand_over(api, mail(FROM_LINDA, REPLIED))
    assert answer["conversation_created"] is True
    assert roles(api, linda["id"]) == {answer["conversation"]["uuid"]: "sender"}


def test_automatic_message_of_a_blocked_contact_lands_in_spam(api: Api) -> None:
    linda, ann = api.make_contact(LINDA), api.make_contact("ann@example.com")
    block(api, linda["id"])
    before = thread(api, "Closed")
    answer = hand_over(api, answer_to_desk(FROM_LINDA, "Cc: ann@example.com, new@example.com"))
    assert (answer["bucket"], answer["conversation"]["status"]) == ("spam", "Spam")
    assert answer["conversation_created"] is True
    assert answer["contact"]["id"] == linda["id"]
    assert api.get("/conversations/spam")["results"] == [answer["conversation"]]
    assert len(messages_of(api, before)) == 1
    assert conversations_of(api, ann["id"]) == []
    assert api.get("/contacts")["total"] == 3


@pytest.mark.parametrize("known", ["nobody", "sender", "blocked sender"])
@pytest.mark.parametrize("is_answer", [True, False])
def test_repeated_automatic_message_changes_nothing(
    app: Flask, api: Api, known: str, is_answer: bool
) -> None:
    if known != "nobody":
        contact = api.make_contact(LINDA)
        block(api, contact["id"], is_blocked=known == "blocked sender")
    if is_answer:
        thread(api, "Resolved")
    raw = answer_to_desk(FROM_LINDA, COPIED)
    first = hand_over(api, raw)
    before = stored(app)
    assert hand_over(api, raw, 200) == first | {"duplicate": True}
    assert stored(app) == before


def test_repeated_automatic_message_gets_the_first_answer(
    api: Api,
) -> None:
    raw = answer_to_desk(FROM_LINDA)
    first = hand_over(api, raw)
    api.make_contact(LINDA)
    assert hand_over(api, raw, 200) == first | {"duplicate": True}


def test_answer_to_an_automatic_message_joins_its_conversation(api: Api) -> None:
    first = hand_over(api, answer_to_desk(DAEMON))
    answer = receive(api, in_reply_to="auto@x")
    assert answer["conversation"]["uuid"] == first["conversation"]["uuid"]
    assert answer["conversation_created"] is False
    assert roles(api, answer["contact"]["id"]) == {first["conversation"]["uuid"]: "participant"}
