"""Notes: what agents write about a contact. Authored, never changed, deleted by few."""

import orjson
from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from contacts_service.auth.principal import Principal
from contacts_service.contacts.queries import require_contact
from contacts_service.db.models import Note
from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.session import reader, reader_of
from contacts_service.db.sql_json import json_object
from contacts_service.errors import NotFoundError
from contacts_service.listing.lists import Listing, Order, Part, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import now

NOTE_LENGTH = 10_000

AS_JSON = json_object(
    Note.id,
    Note.contact_id,
    Note.content,
    author=json_object(id=Note.author_id, name=Note.author_name),
    created_at=Note.created_at,
)
NOTES_OF_CONTACT = Listing(
    "notes",
    select(Note).where(Note.contact_id == bindparam("contact_id")),
    Order(Note.created_at, Note.id),
    AS_JSON,
    require_contact,
)
_BY_ID = Prepared(select(AS_JSON).where(Note.id == bindparam("id")))
_AUTHOR = Prepared(
    select(Note.author_id).where(
        Note.id == bindparam("id"), Note.contact_id == bindparam("contact_id")
    )
)


def list_notes(reader: Reader, contact_id: int, part: Part) -> Json:
    """A part of a contact's notes, newest first. Raises NotFoundError."""
    return read_list(reader, NOTES_OF_CONTACT, part, {"contact_id": contact_id})


def create_note(
    session: Session, contact_id: int, content: str, author: Principal
) -> orjson.Fragment:
    """The new note. Raises NotFoundError if there is no such contact."""
    require_contact(reader_of(session), contact_id)
    note = Note(
        contact_id=contact_id,
        content=content,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=now(),
    )
    session.add(note)
    session.flush()
    return orjson.Fragment(reader_of(session).value(_BY_ID, {"id": note.id}))


def is_author(principal: Principal, contact_id: int, note_id: int) -> bool:
    """Whether the principal's agent wrote this note on this contact."""
    author = reader().value(_AUTHOR, {"id": note_id, "contact_id": contact_id})
    return bool(author == principal.agent_id)


def delete_note(session: Session, contact_id: int, note_id: int) -> None:
    """Raises NotFoundError for a note that does not exist or is another contact's."""
    deleted = session.execute(
        delete(Note).where(Note.id == note_id, Note.contact_id == contact_id).returning(Note.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such note on this contact.")
