"""Incoming messages: what is accepted, as JSON and as raw mail, and duplicates."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from contacts_service.limits import MAIL_BODY
from tests.client import Api
from tests.threads import (
    INBOUND,
    LINDA,
    UNKNOWN_UUID,
    begin,
    conversations_of,
    message,
    messages_of,
    receive,
    set_status,
    stored,
)

BOB = "bob@example.com"


def mail(sender: Any = LINDA, **fields: Any) -> dict[str, Any]:
    return message(sender, message_id="<first@mail.example>", **fields)


def test_first_message_has_every_field_in_its_answer(api: Api) -> None:
    answer = receive(api, subject="My invoice", content="Could you send it again?")
    assert answer == {
        "contact": api.get(f"/contacts/{answer['contact']['id']}"),
        "contact_created": True,
        "conversation": {
            "uuid": answer["conversation"]["uuid"],
            "reference_number": answer["conversation"]["reference_number"],
            "subject": "My invoice",
            "status": "Open",
            "channel": "email",
            "last_message": "Could you send it again?",
            "last_message_at": answer["message"]["created_at"],
            "created_at": answer["conversation"]["created_at"],
            "updated_at": answer["conversation"]["updated_at"],
        },
        "conversation_created": True,
        "message": {
            "uuid": answer["message"]["uuid"],
            "direction": "incoming",
            "created_at": answer["message"]["created_at"],
        },
        "bucket": "inbox",
        "duplicate": False,
    }
    assert answer["contact"]["contact_channels"] == []
    UUID(answer["message"]["uuid"])
    UUID(answer["conversation"]["uuid"])


def test_answer_equals_what_is_read_afterwards(api: Api) -> None:
    answer = receive(api, content="One\r\ntwo", message_id="<1@x>")
    assert conversations_of(api, answer["contact"]["id"]) == [
        answer["conversation"] | {"role": "sender"}
    ]
    [shown] = messages_of(api, answer["conversation"])
    assert shown == answer["message"] | {
        "conversation_uuid": answer["conversation"]["uuid"],
        "content": "One\ntwo",
        "message_id": "1@x",
        "contact_id": answer["contact"]["id"],
        "author": None,
        "from": {"channel": "email", "identifier": LINDA},
    }


def test_message_of_a_known_contact_creates_none(api: Api) -> None:
    linda = api.make_contact(LINDA, first_name="Linda", last_name="Olsen")
    answer = receive(api)
    assert (answer["contact"], answer["contact_created"]) == (linda, False)
    assert answer["conversation_created"] is True
    assert api.get("/contacts")["total"] == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        *(({"channel": value}, "channel") for value in (None, 5, "", "Email", "e mail", "1", "é")),
        ({"channel": "x" * 33}, "channel"),
        ({"channel": "email\n"}, "channel"),
        *(({"from": value}, "from") for value in (None, {}, {"first_name": "Linda"})),
        ({"from": {"email": None, "phone": None, "identifier": None}}, "from"),
        ({"from": {"phone": ""}}, "from"),
        ({"from": LINDA}, "from"),
        ({"from": [LINDA]}, "from"),
        ({"from": {"email": "linda"}}, "from.email"),
        ({"from": {"email": ""}}, "from.email"),
        ({"from": {"email": 5}}, "from.email"),
        ({"from": {"email": LINDA, "phone": "none"}}, "from.phone"),
        ({"from": {"email": LINDA, "phone": "1" * 33}}, "from.phone"),
        ({"from": {"email": LINDA, "identifier": " "}}, "from.identifier"),
        ({"from": {"email": LINDA, "identifier": "x" * 255}}, "from.identifier"),
        ({"from": {"identifier": "linda"}}, "from.identifier"),  # must be an email address
        ({"channel": "phone", "from": {"identifier": "linda"}}, "from.identifier"),
        ({"from": {"email": LINDA, "first_name": "x" * 141}}, "from.first_name"),
        ({"from": {"email": LINDA, "last_name": "x" * 141}}, "from.last_name"),
        ({"from": {"email": LINDA, "last_name": None}}, "from.last_name"),
        ({"from": {"email": LINDA, "first_name": "a\x00"}}, "from.first_name"),
        ({"from": {"email": LINDA, "name": "Linda"}}, "from.name"),
        ({"cc": None}, "cc"),
        ({"cc": BOB}, "cc"),
        ({"cc": [BOB]}, "cc[0]"),
        ({"cc": [{"email": BOB}, {}]}, "cc[1]"),
        ({"cc": [{"email": "bob"}]}, "cc[0].email"),
        ({"cc": [{"email": BOB}, {"email": BOB, "first_name": 5}]}, "cc[1].first_name"),
        ({"cc": [{"identifier": "bob"}]}, "cc[0].identifier"),
        ({"cc": [{"email": BOB, "role": "x"}]}, "cc[0].role"),
        ({"subject": None}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"content": None}, "content"),
        ({"content": "x" * 1_000_001}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": "\x85"}, "content"),
        *(({"message_id": value}, "message_id") for value in ("", "<>", ", ", 5, "a\nb")),
        ({"message_id": "x" * 999}, "message_id"),
        *(({"in_reply_to": value}, "in_reply_to") for value in ("", "<>", 5, [])),
        ({"references": None}, "references"),
        ({"references": "<a@b>"}, "references"),
        ({"references": ["a@b", ""]}, "references[1]"),
        ({"references": ["a@b", None]}, "references[1]"),
        *(({"conversation_uuid": v}, "conversation_uuid") for v in ("", "x", 5, UNKNOWN_UUID)),
        *(({"received_at": v}, "received_at") for v in ("", 5, "2026-05-13", "yesterday")),
        ({"received_at": "2026-05-13T21:47:44"}, "received_at"),
        ({"received_at": "2026-13-13T21:47:44Z"}, "received_at"),
        ({"status": "Open"}, "status"),
        ({"to": [{"email": BOB}]}, "to"),
    ],
)
def test_invalid_field_is_named_and_changes_nothing(
    app: Flask, api: Api, fields: dict[str, Any], path: str
) -> None:
    before = stored(app)
    answer = api.post(INBOUND, mail() | fields, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert stored(app) == before


@pytest.mark.parametrize("field", ["channel", "from"])
def test_missing_field_is_named(api: Api, field: str) -> None:
    body = {name: value for name, value in mail().items() if name != field}
    assert list(api.post(INBOUND, body, 400)["errors"]["json"]) == [field]


def test_longest_text_is_accepted(api: Api) -> None:
    answer = receive(
        api,
        {"email": LINDA, "first_name": f" {'f' * 140} ", "last_name": "l" * 140},
        subject="e\u0301" * 998,
        content="😀" * 1_000_000,
        message_id="<" + "x" * 998 + ">",
    )
    assert answer["contact"]["first_name"] == "f" * 140
    assert answer["conversation"]["subject"] == "é" * 998
    [shown] = messages_of(api, answer["conversation"])
    assert (len(shown["content"]), len(shown["message_id"])) == (1_000_000, 998)


def test_optional_fields_may_be_null(api: Api) -> None:
    optional = ("message_id", "in_reply_to", "conversation_uuid", "received_at")
    who = {"email": LINDA, "phone": None, "identifier": None}
    answer = receive(api, who, **dict.fromkeys(optional))
    assert answer["bucket"] == "inbox"
    [shown] = messages_of(api, answer["conversation"])
    assert shown["message_id"] is None


def test_subject_and_content_may_be_missing(api: Api) -> None:
    body = {"channel": "chat", "from": {"identifier": "u-1"}}
    answer = api.post(INBOUND, body)
    assert (answer["conversation"]["subject"], answer["conversation"]["channel"]) == ("", "chat")
    assert messages_of(api, answer["conversation"])[0]["content"] == ""


def padded(size: int) -> bytes:
    """Build a body of this many bytes."""
    body = b'{"channel": "email", "from": {"email": "linda@example.com"}, "content": "Hi"}'
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(("size", "status"), [(1 << 20, 201), (8 << 20, 201), (8 << 20 | 1, 413)])
def test_json_body_may_have_8_mib(api: Api, size: int, status: int) -> None:
    options = {"data": padded(size), "content_type": "application/json"}
    answer = api.call("POST", INBOUND, status, **options).json["data"]
    assert (status == 201) == ("message" in answer and "bucket" in answer)


@pytest.mark.parametrize("path", ["/conversations", f"/conversations/{UNKNOWN_UUID}/messages"])
def test_json_body_of_an_agent_may_have_8_mib(api: Api, path: str) -> None:
    for size, statuses in ((8 << 20, (400, 404)), (8 << 20 | 1, (413,))):
        body = b'{"message": "Hi"}' + b" " * (size - 17)
        response = api.client.post(
            f"/api/v1{path}",
            data=body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {api.token}"},
        )
        assert response.status_code in statuses


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", f"/conversations/{UNKNOWN_UUID}/status"), ("POST", "/contacts/1/notes")],
)
def test_other_json_bodies_may_have_1_mib(api: Api, method: str, path: str) -> None:
    options = {"data": b"{" + b" " * (1 << 20), "content_type": "application/json"}
    api.call(method, path, 413, **options)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "message/delivery"])
def test_other_content_type_is_refused(api: Api, content_type: str) -> None:
    options = {"data": b"From: linda@example.com\n\nHi", "content_type": content_type}
    answer = api.call("POST", INBOUND, 415, **options).json["data"]
    assert answer["type"] == "UnsupportedMediaTypeError"
    assert "application/json or message/rfc822" in answer["message"]


@pytest.mark.parametrize("content_type", ["application/json", "message/rfc822"])
def test_body_is_required(api: Api, content_type: str) -> None:
    answer = api.call("POST", INBOUND, 400, data=b"", content_type=content_type).json["data"]
    assert list(answer["errors"]["json"]) == [""]


@pytest.mark.parametrize("spelling", ["first@mail.example", "<first@mail.example>"])
@pytest.mark.parametrize("first_spelling", ["first@mail.example", "<first@mail.example>"])
def test_duplicate_gets_the_first_answer_and_changes_nothing(
    app: Flask, api: Api, first_spelling: str, spelling: str
) -> None:
    body = message(cc=[{"email": BOB}], subject="My invoice")
    first = api.post(INBOUND, body | {"message_id": first_spelling})
    receive(api, in_reply_to=first_spelling, content="What has changed since is not told.")
    api.put(f"/contacts/{first['contact']['id']}", {"first_name": "Somebody"})
    set_status(api, first["conversation"], "Closed")
    before = stored(app)
    assert api.post(INBOUND, body | {"message_id": spelling}, 200) == first | {"duplicate": True}
    assert stored(app) == before


def test_id_and_sender_make_a_duplicate_whatever_else_differs(app: Flask, api: Api) -> None:
    first = api.post(INBOUND, mail())
    before = stored(app)
    other = mail(content="Other", cc=[{"email": "eva@example.com"}], channel="sms")
    assert api.post(INBOUND, other, 200) == first | {"duplicate": True}
    assert stored(app) == before


@pytest.mark.parametrize("way", ["begun", "reply"])
def test_message_of_an_agent_is_a_duplicate_when_it_comes_back(
    app: Flask, api: Api, way: str
) -> None:
    linda = api.make_contact(LINDA)
    begun = begin(api, linda["id"], message_id="begun@x")
    path = f"/conversations/{begun['uuid']}/messages"
    api.post(path, {"message": "And more.", "message_id": "<reply@x>"})
    before = stored(app)
    answer = api.post(INBOUND, message(BOB, message_id=f"<{way}@x>"), 200)
    assert stored(app) == before
    assert answer["duplicate"] is True
    assert (answer["contact"], answer["contact_created"]) == (linda, False)
    assert answer["conversation"]["uuid"] == begun["uuid"]
    assert (answer["conversation_created"], answer["bucket"]) == (False, "inbox")
    [written] = [m for m in messages_of(api, begun) if m["message_id"] == f"{way}@x"]
    assert answer["message"] == {
        name: written[name] for name in ("uuid", "direction", "created_at")
    }
    assert answer["message"]["direction"] == "outgoing"


def test_messages_without_an_id_are_all_new(api: Api) -> None:
    answers = [receive(api) for _ in range(3)]
    assert len({answer["message"]["uuid"] for answer in answers}) == 3
    assert {answer["duplicate"] for answer in answers} == {False}


def test_message_ids_are_case_sensitive(api: Api) -> None:
    receive(api, message_id="<A@x>")
    assert receive(api, message_id="<a@x>")["duplicate"] is False


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


def test_mail_is_recorded_like_json(app: Flask, api: Api) -> None:
    answer = post(api, LETTER)
    assert (answer["contact"]["first_name"], answer["contact"]["last_name"]) == ("Jo", "Meyer")
    assert (answer["bucket"], answer["contact_created"]) == ("inbox", True)
    assert answer["conversation"]["subject"] == "My parcel"
    [stored_message] = messages_of(api, answer["conversation"])
    assert stored_message["content"] == "Where is it?"
    assert stored_message["message_id"] == "1@mail.example.com"
    assert api.get("/contacts")["total"] == 2


@pytest.mark.parametrize("first", ["mail", "json"])
def test_mail_and_json_of_one_message_are_duplicates(app: Flask, api: Api, first: str) -> None:
    ways = {"mail": lambda s: post(api, LETTER, s), "json": lambda s: api.post(INBOUND, AS_JSON, s)}
    other = "json" if first == "mail" else "mail"
    answer = ways[first](201)
    before = stored(app)
    assert ways[other](200) == answer | {"duplicate": True}
    assert stored(app) == before


@pytest.mark.parametrize("written", ["<a b@x>", "<a@x>;", "<a@x> (c)", " a@x ", "<<a@x>>"])
def test_ids_in_mail_and_json_are_compared_alike(api: Api, written: str) -> None:
    begun = receive(api, message_id=written)["conversation"]
    answer = post(api, f"From: jo@example.com\nIn-Reply-To: {written}\n\nHello.")
    assert answer["conversation"]["uuid"] == begun["uuid"]


def test_mail_without_a_sender_is_refused(app: Flask, api: Api) -> None:
    before = stored(app)
    error = post(api, "Subject: Hello\n\nHello.", 400)
    assert error["errors"] == {"json": {"": ["The mail has no usable sender address."]}}
    assert stored(app) == before


def test_defect_of_the_parser_answers_500(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("utf8")

    monkeypatch.setattr("contacts_service.conversations.mail.parser.plain_text", fail)
    assert post(api, LETTER, 500)["type"] == "GeneralError"


def test_mail_may_have_25_mib(api: Api) -> None:
    letter = LETTER + "x" * (MAIL_BODY - len(LETTER))
    post(api, letter)
    assert post(api, letter + "x", 413)["type"] == "PayloadTooLargeError"


def test_compressed_mail_is_refused(api: Api) -> None:
    assert "compressed" in post(api, LETTER, 415, **{"Content-Encoding": "gzip"})["message"]
