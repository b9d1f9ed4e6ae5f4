"""Every writer is atomic: a defect at its last step changes nothing."""

import re
from typing import Any

import pytest
from flask import Flask

from contacts_service.contacts import attribute_definitions as definitions
from contacts_service.contacts import notes
from contacts_service.contacts import queries as directory
from contacts_service.contacts import service as contacts
from contacts_service.conversations import messages
from contacts_service.conversations import service as conversations
from tests.client import Api
from tests.threads import INBOUND, LINDA, message, stored

LETTER = {"channel": "email", "subject": "Hi", "message": "Dear Linda."}
MAIL = f"From: Jo <jo@example.com>\nCc: {LINDA}\nMessage-ID: <1@x>\n\nHello."
AS_MAIL = {"data": MAIL, "headers": {"Content-Type": "message/rfc822"}}

SOMEBODY_ELSE = object()  # the id of another contact

# Each writer: its request, and the function that it calls last.
WRITERS: dict[str, tuple[str, str, dict[str, Any], Any, str]] = {
    "quick-create": ("POST", "/contacts/quick", {"json": {"email": "new@x.example"}},
                     directory, "list_channels"),
    "create": ("POST", "/contacts", {"json": {"email": "new@x.example"}},
               directory, "list_channels"),
    "reassign": ("PUT", "/conversations/{uuid}/contact", {"json": {"contact_id": SOMEBODY_ELSE}},
                 conversations, "_with_contacts"),
    "status": ("PUT", "/conversations/{uuid}/status", {"json": {"status": "Closed"}},
               conversations, "show_conversation"),
    "update": ("PUT", "/contacts/{id}", {"json": {"first_name": "New", "email": "new@x.example"}},
               contacts, "index_contacts"),
    "block": ("PUT", "/contacts/{id}/block", {"json": {"blocked": True}},
              contacts, "index_contacts"),
    "add a channel": ("POST", "/contacts/{id}/channels",
                      {"json": {"channel": "chat", "identifier": "lin"}},
                      directory, "list_channels"),
    "remove a channel": ("DELETE", "/contacts/{id}/channels/{channel}", {},
                         contacts, "index_contacts"),
    "note": ("POST", "/contacts/{id}/notes", {"json": {"content": "Called."}}, notes, "_BY_ID"),
    "begin with somebody new": ("POST", "/conversations",
                                {"json": LETTER | {"contact": {"email": "new@x.example"}}},
                                conversations, "show_conversation"),
    "reply": ("POST", "/conversations/{uuid}/messages", {"json": {"message": "Hello."}},
              messages, "show_message"),
    "message of somebody new": ("POST", INBOUND, {"json": message("new@x.example")},
                                conversations, "show_conversation"),
    "message of somebody known": (
        "POST", INBOUND, {"json": message(cc=[{"email": "cc@x.example"}], message_id="1@x")},
        conversations, "show_conversation",
    ),
    "raw mail": ("POST", INBOUND, AS_MAIL, conversations, "show_conversation"),
    "define": ("POST", "/custom-attributes",
               {"json": {"key": "tier", "name": "Tier", "data_type": "text"}},
               definitions, "read_definition"),
}  # fmt: skip


# These write one row, which no defect can cut in half.
SINGLE = {
    ("DELETE", "/contacts/{id}/notes/{}"),
    ("DELETE", "/custom-attributes/{}"),
    ("PUT", "/custom-attributes/{}"),
}


def test_every_route_that_writes_is_tried_here(app: Flask) -> None:
    def plain(path: str) -> str:
        return re.sub(r"<[^>]*>|{[^}]*}", "{}", path)

    routes = {
        (method, plain(rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"GET", "HEAD"}
    }
    tried = {(method, plain(path)) for method, path, *_ in WRITERS.values()}
    assert tried | {(method, plain(path)) for method, path in SINGLE} == routes


@pytest.mark.parametrize("key", [None, "k-1"], ids=["", "with an Idempotency-Key"])
@pytest.mark.parametrize(
    ("method", "path", "asked", "module", "last"), WRITERS.values(), ids=WRITERS
)
def test_defect_at_the_last_step_changes_nothing(
    app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch, method: str, path: str,
    asked: dict[str, Any], module: Any, last: str, key: str | None,
) -> None:  # fmt: skip
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    contact = api.make_contact(LINDA)
    further = api.post(
        f"/contacts/{contact['id']}/channels", {"channel": "chat", "identifier": "linda"}
    )
    thread = api.post("/conversations", LETTER | {"contact_id": contact["id"]})
    names = {"id": contact["id"], "uuid": thread["uuid"]}
    names["channel"] = further["contact_channels"][0]["id"]
    somebody_else = api.make_contact("somebody@else.example")["id"]
    if asked.get("json") == {"contact_id": SOMEBODY_ELSE}:
        asked = {"json": {"contact_id": somebody_else}}
    before = stored(app)
    headers = asked.get("headers", {}) | ({"Idempotency-Key": key} if key else {})
    with monkeypatch.context() as broken:
        broken.setattr(module, last, fail)
        api.call(method, path.format_map(names), 500, **(asked | {"headers": headers}))
    assert stored(app) == before
