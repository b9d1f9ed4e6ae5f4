"""A client of openapi-python-client makes the calls that every caller needs."""

import json
import os
from http import HTTPStatus
from typing import Any

from made.openapi_python_client import AuthenticatedClient
from made.openapi_python_client.api.contacts import (
    block_contact,
    get_contact,
    list_contacts,
    quick_create_contact,
    search_contacts,
    update_contact,
)
from made.openapi_python_client.api.conversations import list_conversations_of_contact
from made.openapi_python_client.api.custom_attributes import create_definition
from made.openapi_python_client.api.notes import create_note, delete_note, list_notes
from made.openapi_python_client.models import (
    AttributeDefinitionCreate,
    AttributeDefinitionCreateDataType,
    Block,
    ContactUpdate,
    ContactUpdateCustomAttributesChanges,
    NoteCreate,
    QuickContact,
)

NAME = "python_client"
EMAIL = f"{NAME}@example.com"

client = AuthenticatedClient(base_url=os.environ["SERVER"], token=os.environ["TOKEN"])


def call(operation: Any, *path: int, **arguments: Any) -> Any:
    """What an operation answers, out of its envelope."""
    answer = operation.sync_detailed(*path, client=client, **arguments)
    assert answer.status_code < HTTPStatus.BAD_REQUEST, answer
    return answer.parsed.data


made = call(quick_create_contact, body=QuickContact(email=EMAIL))
assert call(get_contact, made.id).email == EMAIL
changes = ContactUpdateCustomAttributesChanges.from_dict({"tier": "gold"})
changed = call(update_contact, made.id, body=ContactUpdate(custom_attributes_changes=changes))
assert changed.custom_attributes["tier"] == "gold"
assert call(block_contact, made.id, body=Block(blocked=True)).blocked
assert [one.id for one in call(search_contacts, q=EMAIL)] == [made.id]
filters = json.dumps([{"field": "email", "operator": "=", "value": EMAIL}])
found = call(list_contacts, filters=filters)
assert (found.total, found.results[0].id) == (1, made.id)
assert isinstance(call(list_contacts, cursor="", page_size=1).next_cursor, str)
assert call(list_conversations_of_contact, made.id).results == []
note = call(create_note, made.id, body=NoteCreate(content="Wants a call."))
assert [one.id for one in call(list_notes, made.id).results] == [note.id]
assert call(delete_note, made.id, note.id) is True
kind = AttributeDefinitionCreateDataType.TEXT
definition = AttributeDefinitionCreate(key=NAME, name=NAME, data_type=kind)
assert call(create_definition, body=definition).key == NAME
missing = get_contact.sync_detailed(999_999_999, client=client)
assert missing.parsed.data.type_ == "NotFoundError"
