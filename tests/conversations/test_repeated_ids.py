"""One message_id for several messages: which are one, and where an answer belongs."""

import pytest
from flask import Flask
from sqlalchemy import update

from contacts_service.db.models import Message
from contacts_service.db.session import unit_of_work
from tests.client import Api
from tests.conversations.mails import mail
from tests.threads import INBOUND, LINDA, Answer, begin, messages_of, receive, stored

BOB = "bob@example.com"
ID = "<1@mail.example.com>"
MONDAY, TUESDAY = "Date: Mon, 4 May 2026 10:00:00 +0000", "Date: Tue, 5 May 2026 10:00:00 +0000"


def hand_over(api: Api, *headers: str, status: int = 201) -> Answer:
    raw = mail(f"Message-ID: {ID}", *headers, body="Hello.")
    answer = api.call("POST", INBOUND, status, data=raw, headers={"Content-Type": "message/rfc822"})
    told: Answer = answer.get_json()["data"]
    return told


def test_the_same_id_of_another_sender_is_another_message(api: Api) -> None:
    first = receive(api, LINDA, message_id=ID)
    second = receive(api, BOB, message_id=ID)
    assert second["duplicate"] is False
    assert second["contact"]["email"] == BOB
    assert second["message"]["uuid"] != first["message"]["uuid"]
    for sender, answer in ((LINDA, first), (BOB, second)):
        assert receive(api, sender, 200, message_id=ID) == answer | {"duplicate": True}


def test_the_same_id_of_the_same_sender_is_the_same_message(app: Flask, api: Api) -> None:
    first = receive(api, LINDA, message_id=ID)
    before = stored(app)
    again = receive(api, LINDA.upper(), 200, message_id=ID.strip("<>"), content="Another text.")
    assert again == first | {"duplicate": True}
    assert stored(app) == before


def test_a_mail_with_another_date_is_another_message(api: Api) -> None:
    first = hand_over(api, f"From: {LINDA}", MONDAY)
    second = hand_over(api, f"From: {LINDA}", TUESDAY)
    assert second["message"]["uuid"] != first["message"]["uuid"]
    assert hand_over(api, f"From: {LINDA}", MONDAY, status=200) == first | {"duplicate": True}
    assert hand_over(api, f"From: {LINDA}", TUESDAY, status=200) == second | {"duplicate": True}


@pytest.mark.parametrize("dates", [(MONDAY, None), (None, MONDAY), (None, None)])
def test_a_date_that_is_missing_tells_no_mails_apart(
    api: Api, dates: tuple[str | None, str | None]
) -> None:
    first, second = (filter(None, (f"From: {LINDA}", date)) for date in dates)
    hand_over(api, *first)
    assert hand_over(api, *second, status=200)["duplicate"] is True


def test_what_an_agent_wrote_is_known_from_whomever_it_comes(api: Api) -> None:
    begun = begin(api, api.make_contact(BOB)["id"], message_id=ID)
    answer = hand_over(api, f"From: {LINDA}", MONDAY, status=200)
    assert answer["duplicate"] is True
    assert answer["message"]["uuid"] == begun["message"]["uuid"]


def test_a_bounce_without_an_address_hides_no_mail_of_a_person(api: Api) -> None:
    bounce = hand_over(api, "From: <>", MONDAY)
    assert hand_over(api, "From: <>", MONDAY, status=200) == bounce | {"duplicate": True}
    assert hand_over(api, f"From: {LINDA}", MONDAY)["contact"]["email"] == LINDA


def test_what_was_recorded_before_addresses_were_kept_is_known_again(app: Flask, api: Api) -> None:
    first = hand_over(api, f"From: {LINDA}", MONDAY)
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Message).values(from_channel=None, from_identifier=None, date=None))
    assert hand_over(api, f"From: {LINDA}", MONDAY, status=200) == first | {"duplicate": True}


def test_an_answer_belongs_to_the_newest_of_several(api: Api) -> None:
    receive(api, LINDA, message_id=ID)
    newest = receive(api, BOB, message_id=ID)
    answer = receive(api, LINDA, in_reply_to=ID)
    assert answer["conversation"]["uuid"] == newest["conversation"]["uuid"]
    assert len(messages_of(api, newest["conversation"])) == 2


def test_an_agent_cannot_use_a_known_id(api: Api) -> None:
    receive(api, LINDA, message_id=ID)
    body = {"contact_id": 1, "channel": "email", "message": "Hi.", "message_id": ID}
    api.post("/conversations", body | {"contact_id": api.make_contact(BOB)["id"]}, 409)
