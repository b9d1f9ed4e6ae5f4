"""A raw mail over HTTP: the same meaning as the same message in JSON."""

from typing import Any

import pytest
from flask import Flask

from contacts_service.limits import MAIL_BODY
from tests.client import Api
from tests.threads import INBOUND, message, messages_of, receive, stored

LETTER = """\
From: Jo Meyer <jo@example.com>
Cc: Linda Olsen <linda.olsen@example.com>
Subject: My parcel
Message-ID: <1@mail.example.com>

Where is it?
"""
AS_JSON = message(
    {"email": "jo@example.com", "first_name": "Jo", "last_name": "Meyer"},
    cc=[{"email": "linda.olsen@example.com"}],
    subject="My parcel",
    content="Where is it?",
    message_id="<1@mail.example.com>",
)


def post(api: Api, mail: str | bytes, status: int = 201, **headers: str) -> Any:
    sent = {"Content-Type": "message/rfc822", **headers}
    return api.call("POST", INBOUND, status, data=mail, headers=sent).json["data"]


def test_mail_is_taken_in_as_the_same_message_in_json_would_be(app: Flask, api: Api) -> None:
    answer = post(api, LETTER)
    assert (answer["contact"]["first_name"], answer["contact"]["last_name"]) == ("Jo", "Meyer")
    assert (answer["bucket"], answer["contact_created"]) == ("inbox", True)
    assert answer["conversation"]["subject"] == "My parcel"
    [stored_message] = messages_of(api, answer["conversation"])
    assert stored_message["content"] == "Where is it?"
    assert stored_message["message_id"] == "1@mail.example.com"
    assert api.get("/contacts")["total"] == 2


@pytest.mark.parametrize("first", ["mail", "json"])
def test_the_same_message_by_the_other_way_is_a_duplicate(app: Flask, api: Api, first: str) -> None:
    ways = {"mail": lambda s: post(api, LETTER, s), "json": lambda s: api.post(INBOUND, AS_JSON, s)}
    other = "json" if first == "mail" else "mail"
    answer = ways[first](201)
    before = stored(app)
    assert ways[other](200) == answer | {"duplicate": True}
    assert stored(app) == before


@pytest.mark.parametrize("written", ["<a b@x>", "<a@x>;", "<a@x> (c)", " a@x ", "<<a@x>>"])
def test_an_id_means_the_same_however_it_came(api: Api, written: str) -> None:
    begun = receive(api, message_id=written)["conversation"]
    answer = post(api, f"From: jo@example.com\nIn-Reply-To: {written}\n\nHello.")
    assert answer["conversation"]["uuid"] == begun["uuid"]


def test_mail_without_a_sender_is_refused_and_kept_nowhere(app: Flask, api: Api) -> None:
    before = stored(app)
    error = post(api, "Subject: Hello\n\nHello.", 400)
    assert error["errors"] == {"json": {"": ["The mail has no usable sender address."]}}
    assert stored(app) == before


def test_a_defect_of_ours_is_no_fault_of_the_mail(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("utf8")

    monkeypatch.setattr("contacts_service.conversations.mail.parser.plain_text", fail)
    assert post(api, LETTER, 500)["type"] == "GeneralError"


def test_mail_may_have_25_mib_and_no_byte_more(api: Api) -> None:
    letter = LETTER + "x" * (MAIL_BODY - len(LETTER))
    post(api, letter)
    assert post(api, letter + "x", 413)["type"] == "PayloadTooLargeError"


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Content-Type": "text/plain"}, "application/json or message/rfc822"),
        ({"Content-Encoding": "gzip"}, "compressed"),
    ],
)
def test_another_kind_of_body_is_415(api: Api, headers: dict[str, str], sentence: str) -> None:
    assert sentence in post(api, LETTER, 415, **headers)["message"]
