"""The routes of contacts."""

from flask import Response
from orjson import Fragment

from contacts_service.auth.permissions import requires
from contacts_service.contacts import queries as directory
from contacts_service.contacts import service as contacts
from contacts_service.conversations import service as conversations
from contacts_service.db.session import reader, reader_of, unit_of_work
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import ETAG_HEADER, answers_also
from contacts_service.web.responses import require_match, resource
from schemas.contacts import (
    BlockSchema,
    ContactDetailSchema,
    ContactSchema,
    ContactsQuerySchema,
    ContactUpdateSchema,
    QuickContactSchema,
    SearchQuerySchema,
)
from schemas.conversations import ConversationOfContactSchema, ConversationsQuerySchema
from schemas.lists import list_of, page_of

# "quick" and "search" are routes of their own; GET /contacts/quick is 405, not a contact.
CONTACT = "/contacts/<id(quick, search):contact_id>"
OF_CONTACT = "/contacts/<id:contact_id>"
QUICK_EXAMPLE = {"first_name": "Linda", "last_name": "Olsen", "email": "linda@example.com"}
UPDATE_EXAMPLE = {"phone": "+61 412 345 678", "custom_attributes": {"tier": "gold"}}

blueprint = Blueprint("contacts", __name__, description="The directory.")


@blueprint.route("/contacts")
@requires("contacts:read_all")
@blueprint.response(200, page_of(ContactSchema))
@blueprint.arguments(ContactsQuerySchema(), location="query")
def list_contacts(query: Json) -> Json:
    """List the directory."""
    return directory.list_contacts(
        reader(),
        query["part"],
        query["order_by"],
        is_descending=query["order"] == "desc",
        filters_json=query.get("filters"),
    )


@blueprint.route("/contacts/search")
@requires("contacts:read")
@blueprint.response(200, list_of(ContactSchema))
@blueprint.arguments(SearchQuerySchema(), location="query")
def search_contacts(query: Json) -> Fragment:
    """Find up to 20 contacts by name, email, phone or any further address.

    Every word must match, in any order and in any field.
    """
    return directory.search_contacts(reader(), query["q"])


@blueprint.route("/contacts/quick", methods=["POST"])
@requires("contacts:write")
@answers_also(200)
@blueprint.response(201, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(QuickContactSchema(), example=QUICK_EXAMPLE)
def quick_create_contact(body: Json) -> Response:
    """Make a contact, unless the address is in the directory already.

    201 with the new contact; 200 with the contact that has the address, unchanged.
    """
    with unit_of_work() as session:
        contact_id, is_new = contacts.quick_create(session, **body)
        contact = directory.read_contact(reader_of(session), contact_id)
    return resource(contact, 201 if is_new else 200)


@blueprint.route(CONTACT)
@requires("contacts:read")
@answers_also(304)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
def get_contact(contact_id: int) -> Response:
    """Get one contact, with its further addresses and custom attributes."""
    return resource(directory.read_contact(reader(), contact_id))


@blueprint.route(CONTACT, methods=["PUT"])
@requires("contacts:write")
@answers_also(409, 412)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(ContactUpdateSchema(), example=UPDATE_EXAMPLE)
def update_contact(changes: Json, contact_id: int) -> Response:
    """Correct a contact; what is not sent stays.

    `null` clears email or phone. An email address that is replaced stays as a channel.
    """
    with unit_of_work() as session:
        contact = contacts.get_contact(session, contact_id)
        require_match(directory.read_contact(reader_of(session), contact_id))
        contacts.update_contact(session, contact, changes)
        answer = directory.read_contact(reader_of(session), contact_id)
    return resource(answer)


@blueprint.route(f"{OF_CONTACT}/block", methods=["PUT"])
@requires("contacts:block")
@answers_also(412)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(BlockSchema(), example={"blocked": True})
def block_contact(body: Json, contact_id: int) -> Response:
    """Block or unblock a contact.

    Incoming messages of a blocked contact land in Spam; replies to it are still allowed.
    """
    with unit_of_work() as session:
        contact = contacts.get_contact(session, contact_id)
        require_match(directory.read_contact(reader_of(session), contact_id))
        contacts.block_contact(session, contact, is_blocked=body["blocked"])
        answer = directory.read_contact(reader_of(session), contact_id)
    return resource(answer)


@blueprint.route(f"{OF_CONTACT}/conversations")
@requires("contacts:read")
@blueprint.response(200, page_of(ConversationOfContactSchema))
@blueprint.arguments(ConversationsQuerySchema(), location="query")
def list_conversations(query: Json, contact_id: int) -> Json:
    """List every conversation the contact is or was part of, latest message first."""
    return conversations.list_conversations_of_contact(
        reader(), contact_id, query["part"], query.get("statuses")
    )
