"""What agents write: conversations, replies and statuses."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.client import Api
from tests.threads import (
    LINDA,
    Answer,
    begin,
    conversations_of,
    messages_of,
    receive,
    roles,
    set_status,
    stored,
)

AGENT = {"id": "17", "name": "Bob Smith"}
STATUSES = ["Open", "Snoozed", "Resolved", "Closed", "Spam", "Trashed"]
MESSAGE = {
    "uuid", "conversation_uuid", "direction", "content", "message_id", "contact_id", "author",
    "created_at", "from",
}  # fmt: skip


@pytest.fixture
def linda(api: Api) -> Answer:
    return api.make_contact(LINDA, first_name="Linda")


@pytest.fixture
def begun(api: Api, linda: Answer) -> Answer:
    return begin(api, linda["id"], message="One.")


def messages_path(conversation: Answer) -> str:
    return f"/conversations/{conversation['uuid']}/messages"


def test_begun_conversation_has_every_field_in_its_answer(api: Api, linda: Answer) -> None:
    body = {
        "channel": "email",
        "subject": " Your invoice ",
        "message": "Dear Linda,\r\nhere it is.",
    }
    answer = api.post("/conversations", {"contact_id": linda["id"], **body, "message_id": "<1@x>"})
    sent = answer["message"]
    assert answer == {
        "uuid": answer["uuid"],
        "reference_number": answer["reference_number"],
        "subject": "Your invoice",
        "status": "Open",
        "channel": "email",
        "last_message": "Dear Linda,\nhere it is.",
        "last_message_at": sent["created_at"],
        "created_at": answer["created_at"],
        "updated_at": answer["updated_at"],
        "message": {
            "uuid": sent["uuid"],
            "conversation_uuid": answer["uuid"],
            "direction": "outgoing",
            "content": "Dear Linda,\nhere it is.",
            "message_id": "1@x",
            "contact_id": None,
            "author": AGENT,
            "created_at": sent["created_at"],
            "from": None,
        },
    }
    UUID(answer["uuid"])
    UUID(sent["uuid"])
    assert messages_of(api, answer) == [sent]
    listed = {name: answer[name] for name in answer if name != "message"}
    assert conversations_of(api, linda["id"]) == [listed | {"role": "sender"}]


def test_subject_and_message_id_are_optional(api: Api, begun: Answer) -> None:
    assert (begun["subject"], begun["message"]["message_id"]) == ("", None)


def test_unknown_contact_is_created(api: Api) -> None:
    contact = {"first_name": " Linda ", "last_name": "Olsen", "email": " LINDA@Example.com "}
    begun = api.post(
        "/conversations", {"contact": contact, "channel": "email", "message": "Dear Linda"}
    )
    [made] = api.get("/contacts")["results"]
    assert (made["first_name"], made["last_name"]) == ("Linda", "Olsen")
    assert made["email"] == "linda@example.com"
    assert roles(api, made["id"]) == {begun["uuid"]: "sender"}


@pytest.mark.parametrize("address", ["old@example.com", " NEW@example.com"])
def test_known_contact_is_not_changed(api: Api, address: str) -> None:
    known = api.make_contact("old@example.com", email="new@example.com", first_name="Linda")
    contact = {"email": address, "first_name": "Somebody"}
    begun = api.post("/conversations", {"contact": contact, "channel": "email", "message": "Dear"})
    assert api.get(f"/contacts/{known['id']}") == known
    assert roles(api, known["id"]) == {begun["uuid"]: "sender"}
    assert api.get("/contacts")["total"] == 1


GOOD = {"contact": {"email": LINDA}, "channel": "email", "message": "Dear"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"contact": ...}, ""),
        ({"contact_id": 1}, ""),
        ({"contact": ..., "contact_id": 999}, "contact_id"),
        ({"contact": ..., "contact_id": 0}, "contact_id"),
        ({"contact": ..., "contact_id": -1}, "contact_id"),
        ({"contact": ..., "contact_id": 2**63 - 1}, "contact_id"),
        *(({"contact": ..., "contact_id": v}, "contact_id") for v in (None, "1", 1.0, True, [])),
        ({"contact": None}, "contact"),
        ({"contact": LINDA}, "contact"),
        ({"contact": {}}, "contact.email"),
        ({"contact": {"first_name": "Linda"}}, "contact.email"),
        ({"contact": {"email": "linda"}}, "contact.email"),
        ({"contact": {"email": LINDA, "first_name": "x" * 141}}, "contact.first_name"),
        ({"contact": {"email": LINDA, "phone": "1"}}, "contact.phone"),
        *(({"channel": value}, "channel") for value in (..., None, "", "Email", "x" * 33)),
        *(({"subject": value}, "subject") for value in (None, "x" * 999, "a\nb")),
        *(({"message": value}, "message") for value in (..., None, "", " \n", 5, "a\x00")),
        ({"message": "x" * 1_000_001}, "message"),
        *(({"message_id": value}, "message_id") for value in ("", "<>", ", ", "x" * 999, 5)),
        ({"status": "Open"}, "status"),
        ({"role": "sender"}, "role"),
    ],
)
def test_invalid_field_is_named_and_changes_nothing(
    app: Flask, api: Api, change: dict[str, Any], path: str
) -> None:
    before = stored(app)
    body = {name: value for name, value in (GOOD | change).items() if value is not ...}
    assert list(api.post("/conversations", body, 400)["errors"]["json"]) == [path]
    assert stored(app) == before


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "message"),
        *(({"message": value}, "message") for value in (None, "", " \n", 5, "a\x1b")),
        ({"message": "x" * 1_000_001}, "message"),
        ({"message": "Hi", "message_id": "<>"}, "message_id"),
        ({"message": "Hi", "content": "Hi"}, "content"),
        (["Hi"], ""),
    ],
)
def test_invalid_field_of_a_reply_is_named(
    app: Flask, api: Api, begun: Answer, body: Any, path: str
) -> None:
    before = stored(app)
    assert list(api.post(messages_path(begun), body, 400)["errors"]["json"]) == [path]
    assert stored(app) == before


def test_reply_is_a_message_of_its_agent(
    api: Api, client: FlaskClient, make_key: Callable[..., str], linda: Answer, begun: Answer
) -> None:
    alice = Api(client, make_key("messages:write", agent="23", name="Alice Ågren"))
    written = alice.post(messages_path(begun), {"message": "Two.", "message_id": " <2@x> "})
    assert set(written) == MESSAGE
    assert written == {
        "uuid": written["uuid"],
        "conversation_uuid": begun["uuid"],
        "direction": "outgoing",
        "content": "Two.",
        "message_id": "2@x",
        "contact_id": None,
        "author": {"id": "23", "name": "Alice Ågren"},
        "created_at": written["created_at"],
        "from": None,
    }
    assert messages_of(api, begun)[0] == written
    [conversation] = conversations_of(api, linda["id"])
    assert conversation["last_message"] == "Two."
    assert conversation["last_message_at"] == written["created_at"]
    assert conversation["updated_at"] > begun["updated_at"]


def test_incoming_message_names_its_sender_and_no_author(api: Api, begun: Answer) -> None:
    answer = receive(api, conversation_uuid=begun["uuid"], message_id="in@x")
    shown = messages_of(api, begun)[0]
    assert set(shown) == MESSAGE
    assert shown["direction"] == "incoming"
    assert (shown["contact_id"], shown["author"]) == (answer["contact"]["id"], None)
    assert shown["message_id"] == "in@x"


def test_newest_message_comes_first_on_pages_of_any_size(api: Api, begun: Answer) -> None:
    written = [begun["message"]]
    for text in ("Two.", "Three.", "Four."):
        written.append(api.post(messages_path(begun), {"message": text}))
    assert messages_of(api, begun) == written[::-1]
    for size in (1, 3):
        pages = [
            api.get(f"{messages_path(begun)}?page_size={size}&page={page}")
            for page in range(1, -(-4 // size) + 1)
        ]
        assert [each for page in pages for each in page["results"]] == written[::-1]
        assert {(page["total"], page["total_pages"]) for page in pages} == {(4, -(-4 // size))}


def test_messages_are_listed_with_their_conversation_alone(api: Api, linda: Answer) -> None:
    one, two = begin(api, linda["id"]), begin(api, linda["id"])
    assert messages_of(api, one) == [one["message"]]
    assert messages_of(api, two) == [two["message"]]


@pytest.mark.parametrize("status", STATUSES)
def test_reply_never_changes_a_status(api: Api, linda: Answer, begun: Answer, status: str) -> None:
    set_status(api, begun, status)
    api.post(messages_path(begun), {"message": "Two."})
    by_uuid = {each["uuid"]: each["status"] for each in conversations_of(api, linda["id"])}
    assert by_uuid[begun["uuid"]] == status


def test_reply_to_a_trashed_conversation_begins_a_new_one(api: Api, linda: Answer) -> None:
    first = receive(api, cc=[{"email": "eva@example.com"}], subject="My invoice", channel="chat")
    trashed = set_status(api, first["conversation"], "Trashed")
    written = api.post(messages_path(trashed), {"message": "Two."})
    assert written["conversation_uuid"] != trashed["uuid"]
    assert len(messages_of(api, trashed)) == 1
    new, old = conversations_of(api, linda["id"])
    assert old == trashed | {"role": "sender"}
    assert (new["uuid"], new["status"]) == (written["conversation_uuid"], "Open")
    assert (new["subject"], new["channel"], new["role"]) == ("My invoice", "chat", "sender")
    [eva] = [each for each in api.get("/contacts")["results"] if each["email"] != LINDA]
    assert roles(api, eva["id"])[new["uuid"]] == "participant"


KNOWN = ["in@x", "begun@x", "reply@x"]


@pytest.mark.parametrize("known", [*KNOWN, "<in@x>", " <reply@x> "])
@pytest.mark.parametrize("way", ["begin", "begin with a new contact", "reply"])
def test_taken_message_id_is_a_conflict_and_changes_nothing(
    app: Flask, api: Api, linda: Answer, known: str, way: str
) -> None:
    receive(api, message_id="<in@x>")
    begun = begin(api, linda["id"], message_id="<begun@x>")
    api.post(messages_path(begun), {"message": "Two.", "message_id": "reply@x"})
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "begin": ("/conversations", {"contact_id": linda["id"], "channel": "email"}),
        "begin with a new contact": (
            "/conversations",
            {"contact": {"email": "new@example.com"}, "channel": "email"},
        ),
        "reply": (messages_path(begun), {}),
    }
    path, body = bodies[way]
    before = stored(app)
    answer = api.post(path, body | {"message": "Again.", "message_id": known}, 409)
    assert answer["type"] == "ConflictError"
    assert stored(app) == before


def test_messages_without_an_id_never_conflict(api: Api, begun: Answer) -> None:
    for _ in range(2):
        api.post(messages_path(begun), {"message": "Same.", "message_id": None})
    assert len(messages_of(api, begun)) == 3


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("before", ["Open", "Trashed"])
def test_agent_sets_any_status(
    api: Api, linda: Answer, begun: Answer, before: str, status: str
) -> None:
    set_status(api, begun, before)
    answer = set_status(api, begun, status)
    assert answer["status"] == status
    assert set(answer) == set(begun) - {"message"}
    assert conversations_of(api, linda["id"]) == [answer | {"role": "sender"}]
    assert set_status(api, begun, status) == answer
    in_spam = [each["uuid"] for each in api.get("/conversations/spam")["results"]]
    assert in_spam == ([begun["uuid"]] if status == "Spam" else [])


def test_updated_at_moves_with_the_status(api: Api, begun: Answer) -> None:
    closed = set_status(api, begun, "Closed")
    assert closed["updated_at"] > begun["updated_at"]
    assert closed["last_message_at"] == begun["last_message_at"]
    assert set_status(api, begun, "Closed")["updated_at"] == closed["updated_at"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "status"),
        *(({"status": v}, "status") for v in (None, "", "open", "Spammy", "Open,Spam", 1, [])),
        ({"status": "Open", "subject": "x"}, "subject"),
        (["Open"], ""),
    ],
)
def test_unknown_status_is_refused(
    api: Api, linda: Answer, begun: Answer, body: Any, path: str
) -> None:
    answer = api.put(f"/conversations/{begun['uuid']}/status", body, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert conversations_of(api, linda["id"])[0]["status"] == "Open"
