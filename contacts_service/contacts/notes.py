"""Notes of agents on contacts. A note has an author and never changes."""

from sqlalchemy import bindparam, delete, select

from contacts_service.auth.principal import Principal
from contacts_service.contacts.queries import require_contact
from contacts_service.db.models import Note
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import UnitOfWork, read_connection
from contacts_service.errors import NotFoundError
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import utc_now
from schemas.notes import AuthorSchema, NoteSchema

NOTE_SHAPE = Shape(
    NoteSchema().fields,
    Note,
    author=Shape(AuthorSchema().fields, id=Note.author_id, name=Note.author_name),
)
NOTES_OF_CONTACT = ListQuery(
    "notes",
    select(Note).where(Note.contact_id == bindparam("contact_id")),
    Order(Note.created_at, Note.id),
    NOTE_SHAPE,
    require_contact,
)
_BY_ID = CompiledStatement(select(*NOTE_SHAPE.columns).where(Note.id == bindparam("id")))
_AUTHOR = CompiledStatement(
    select(Note.author_id).where(
        Note.id == bindparam("id"), Note.contact_id == bindparam("contact_id")
    )
)


def list_notes(reads: ReadConnection, contact_id: int, page: PageRequest) -> Json:
    """Read a page of a contact's notes, newest first. Raises NotFoundError."""
    return read_list(reads, NOTES_OF_CONTACT, page, {"contact_id": contact_id})


def create_note(session: UnitOfWork, contact_id: int, content: str, author: Principal) -> Json:
    """Write a note. Raises NotFoundError if there is no such contact."""
    require_contact(session.reads, contact_id)
    note = Note(
        contact_id=contact_id,
        content=content,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=utc_now(),
    )
    session.add(note)
    session.flush()
    return NOTE_SHAPE.read(session.reads.row(_BY_ID, {"id": note.id}) or ())


def is_author(principal: Principal, contact_id: int, note_id: int) -> bool:
    """Whether the principal's agent wrote this note on this contact."""
    author = read_connection().value(_AUTHOR, {"id": note_id, "contact_id": contact_id})
    return bool(author == principal.agent_id)


def delete_note(session: UnitOfWork, contact_id: int, note_id: int) -> None:
    """Delete a note. Raises NotFoundError if this contact does not have it."""
    deleted = session.execute(
        delete(Note).where(Note.id == note_id, Note.contact_id == contact_id).returning(Note.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such note on this contact.")
