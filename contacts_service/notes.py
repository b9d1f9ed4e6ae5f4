"""Notes: what agents write about a contact. Authored, never changed, deleted by few."""

from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from contacts_service.clock import now
from contacts_service.contacts import require_contact
from contacts_service.database import db
from contacts_service.errors import NotFoundError
from contacts_service.listing import AnyRow, AnySelect, Listing, Order, Part, read_list
from contacts_service.models import Note
from contacts_service.principal import Principal
from contacts_service.strict_json import Json

NOTE_LENGTH = 10_000
NEWEST_FIRST = Order(Note.created_at, Note.id)


def list_notes(session: Session, contact_id: int, part: Part) -> Json:
    """A part of a contact's notes, newest first. Raises NotFoundError."""
    require = partial(require_contact, session, contact_id)
    query = _notes_query(contact_id)
    listing = Listing(f"notes {contact_id}", query, NEWEST_FIRST, note_json, require)
    return read_list(session, listing, part)


def create_note(session: Session, contact_id: int, content: str, author: Principal) -> Json:
    """The new note. Raises NotFoundError if there is no such contact."""
    require_contact(session, contact_id)
    note = Note(
        contact_id=contact_id,
        content=content,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=now(),
    )
    session.add(note)
    session.flush()
    query = _notes_query(contact_id).where(Note.id == note.id)
    return note_json(session.execute(query).one())


def is_author(principal: Principal, contact_id: int, note_id: int) -> bool:
    """Whether the principal's agent wrote this note on this contact."""
    author = select(Note.author_id).where(Note.id == note_id, Note.contact_id == contact_id)
    return db.session.scalar(author) == principal.agent_id


def delete_note(session: Session, contact_id: int, note_id: int) -> None:
    """Raises NotFoundError for a note that does not exist or is another contact's."""
    deleted = session.execute(
        delete(Note).where(Note.id == note_id, Note.contact_id == contact_id).returning(Note.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such note on this contact.")


def _notes_query(contact_id: int) -> AnySelect:
    return select(
        Note.id,
        Note.contact_id,
        Note.content,
        Note.author_id,
        Note.author_name,
        Note.created_at,
    ).where(Note.contact_id == contact_id)


def note_json(row: AnyRow) -> Json:
    note = dict(row._mapping)
    author = {"id": note.pop("author_id"), "name": note.pop("author_name")}
    created_at = note.pop("created_at")
    return note | {"author": author, "created_at": created_at}
