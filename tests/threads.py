"""Helpers for messages and conversations, and for comparing the whole database."""

from typing import Any

from flask import Flask
from sqlalchemy import select

from contacts_service.db.session import Base, db
from tests.client import Api

INBOUND = "/inbound/messages"
LINDA = "linda.olsen@example.com"
UNKNOWN_UUID = "b1946ac9-2f5c-4f4e-9d6a-3f1d1f1f2a11"  # no conversation has it

Answer = dict[str, Any]


def message(sender: Any = LINDA, **fields: Any) -> dict[str, Any]:
    """Build an incoming message. `sender` is an email address or all of `from`."""
    who = {"email": sender} if isinstance(sender, str) else sender
    return {"channel": "email", "from": who, "content": "Hello."} | fields


def receive(api: Api, sender: Any = LINDA, status: int = 201, **fields: Any) -> Answer:
    """Post an incoming message."""
    answer: Answer = api.post(INBOUND, message(sender, **fields), status)
    return answer


def begin(api: Api, contact_id: int, **fields: Any) -> Answer:
    """Begin a conversation as an agent."""
    body = {"contact_id": contact_id, "channel": "email", "message": "Dear customer."} | fields
    answer: Answer = api.post("/conversations", body)
    return answer


def set_status(api: Api, conversation: Answer, status: str) -> Answer:
    answer: Answer = api.put(f"/conversations/{conversation['uuid']}/status", {"status": status})
    return answer


def block(api: Api, contact_id: int, *, is_blocked: bool = True) -> None:
    api.put(f"/contacts/{contact_id}/block", {"blocked": is_blocked})


def conversations_of(api: Api, contact_id: int) -> list[Answer]:
    answer: list[Answer] = api.get(f"/contacts/{contact_id}/conversations")["results"]
    return answer


def roles(api: Api, contact_id: int) -> dict[str, str]:
    """Read the contact's roles by uuid of the conversation."""
    return {each["uuid"]: each["role"] for each in conversations_of(api, contact_id)}


def messages_of(api: Api, conversation: Answer) -> list[Answer]:
    answer: list[Answer] = api.get(f"/conversations/{conversation['uuid']}/messages")["results"]
    return answer


def channels_of(contact: Answer) -> list[tuple[str, str]]:
    return [(each["channel"], each["identifier"]) for each in contact["contact_channels"]]


def find(api: Api, typed: str) -> list[int]:
    """Search for contacts. Returns their ids."""
    return [each["id"] for each in api.get("/contacts/search", query_string={"q": typed})]


def stored(app: Flask) -> dict[str, list[Any]]:
    """Read every row of every table except api_keys, whose `last_used_at` changes."""
    with app.app_context():
        return {
            name: [
                tuple(row) for row in db.session.execute(select(table).order_by(*table.primary_key))
            ]
            for name, table in Base.metadata.tables.items()
            if name != "api_keys"
        }
