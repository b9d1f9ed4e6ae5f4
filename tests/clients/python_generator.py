"""A client of openapi-generator makes the calls that every caller needs."""

import json
import os

from contacts_client import (
    ApiClient,
    AttributeDefinitionCreate,
    Block,
    Configuration,
    ContactsApi,
    ContactUpdate,
    ConversationsApi,
    CustomAttributesApi,
    NoteCreate,
    NotesApi,
    QuickContact,
)
from contacts_client.exceptions import NotFoundException

NAME = "python_generator"
EMAIL = f"{NAME}@example.com"

client = ApiClient(Configuration(host=os.environ["SERVER"], access_token=os.environ["TOKEN"]))
contacts, notes = ContactsApi(client), NotesApi(client)

made = contacts.quick_create_contact(QuickContact(email=EMAIL)).data
assert contacts.get_contact(made.id).data.email == EMAIL
changed = contacts.update_contact(
    made.id, ContactUpdate(custom_attributes_changes={"tier": "gold"})
).data
assert changed.custom_attributes == {"tier": "gold"}
assert contacts.block_contact(made.id, Block(blocked=True)).data.blocked
assert [one.id for one in contacts.search_contacts(q=EMAIL).data] == [made.id]
filters = json.dumps([{"field": "email", "operator": "=", "value": EMAIL}])
found = contacts.list_contacts(filters=filters).data
assert (found.total, found.results[0].id) == (1, made.id)
assert isinstance(contacts.list_contacts(cursor="", page_size=1).data.next_cursor, str)
assert ConversationsApi(client).list_conversations_of_contact(made.id).data.results == []
note = notes.create_note(made.id, NoteCreate(content="Wants a call.")).data
assert [one.id for one in notes.list_notes(made.id).data.results] == [note.id]
assert notes.delete_note(made.id, note.id).data is True
definition = AttributeDefinitionCreate(key=NAME, name=NAME, data_type="text")
assert CustomAttributesApi(client).create_definition(definition).data.key == NAME
try:
    contacts.get_contact(999_999_999)
except NotFoundException as error:
    if error.data.data.type != "NotFoundError":
        raise
else:
    raise AssertionError("An unknown contact was found.")
