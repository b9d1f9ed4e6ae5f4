"""The routes of notes."""

from flask import g

from contacts_service.auth.permissions import requires
from contacts_service.contacts import notes
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.listing.lists import page_request
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from schemas.answers import DELETED, page_of
from schemas.lists import ListQuerySchema
from schemas.notes import NoteCreateSchema, NoteSchema

NOTES_PATH = "/contacts/<id:contact_id>/notes"

blueprint = Blueprint("notes", __name__, description="Private notes of agents on contacts.")


@blueprint.route(NOTES_PATH)
@requires("contact_notes:read")
@blueprint.response(200, page_of(NoteSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_notes(query: Json, contact_id: int) -> Json:
    """List the notes on a contact, newest first."""
    return notes.list_notes(read_connection(), contact_id, page_request(query))


@blueprint.route(NOTES_PATH, methods=["POST"])
@requires("contact_notes:write")
@blueprint.response(201, NoteSchema)
@blueprint.arguments(
    NoteCreateSchema(), example={"content": "Wants invoices on the first of the month."}
)
def create_note(body: Json, contact_id: int) -> Json:
    """Write a note on a contact.

    The caller becomes its author. Notes cannot be changed.
    """
    with unit_of_work() as session:
        return notes.create_note(session, contact_id, body["content"], g.principal)


@blueprint.route(f"{NOTES_PATH}/<id:note_id>", methods=["DELETE"])
@requires("contact_notes:delete", or_author=notes.is_author)
@blueprint.response(200, DELETED)
def delete_note(contact_id: int, note_id: int) -> bool:
    """Delete a note."""
    with unit_of_work() as session:
        notes.delete_note(session, contact_id, note_id)
    return True
