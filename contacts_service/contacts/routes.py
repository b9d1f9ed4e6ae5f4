"""The routes of contacts."""

from collections.abc import Callable
from typing import TypeVar

from flask import Response, url_for

from contacts_service.auth.permissions import requires
from contacts_service.contacts import queries, service
from contacts_service.contacts.channels import Address
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork, read_connection, unit_of_work
from contacts_service.listing.lists import page_request
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import ETAG_HEADER, LOCATION_HEADER, alt_response
from contacts_service.web.responses import check_if_match, with_etag
from schemas.answers import DELETED, list_of, page_of
from schemas.channels import ChannelCreateSchema
from schemas.contacts import (
    BlockSchema,
    ContactCreateSchema,
    ContactDetailSchema,
    ContactSchema,
    ContactsQuerySchema,
    ContactUpdateSchema,
    QuickContactSchema,
    SearchQuerySchema,
)

# `quick` and `search` are other routes: GET /contacts/quick answers 405.
CONTACT_PATH = "/contacts/<id(quick, search):contact_id>"
CONTACT_PREFIX = "/contacts/<id:contact_id>"
CHANNELS_PATH = f"{CONTACT_PREFIX}/channels"
QUICK_EXAMPLE = {"first_name": "Linda", "last_name": "Olsen", "email": "linda@example.com"}
CHANNEL_EXAMPLE = {"channel": "email", "identifier": "linda@work.example"}
CREATE_EXAMPLE = {
    **QUICK_EXAMPLE,
    "phone": "+61 412 345 678",
    "contact_channels": [CHANNEL_EXAMPLE],
}
UPDATE_EXAMPLE = {"phone": "+61 412 345 678", "custom_attributes": {"tier": "gold"}}

T = TypeVar("T")

blueprint = Blueprint("contacts", __name__, description="The contacts of the directory.")


@blueprint.route("/contacts")
@requires("contacts:read_all")
@blueprint.response(200, page_of(ContactSchema))
@blueprint.arguments(ContactsQuerySchema(), location="query")
def list_contacts(query: Json) -> Json:
    """List the directory."""
    return queries.list_contacts(
        read_connection(),
        page_request(query),
        query["order_by"],
        is_descending=query["order"] == "desc",
        filters=query.get("filters"),
    )


@blueprint.route("/contacts", methods=["POST"])
@requires("contacts:write")
@alt_response(409)
@blueprint.response(201, ContactDetailSchema, headers=ETAG_HEADER | LOCATION_HEADER)
@blueprint.arguments(ContactCreateSchema(), example=CREATE_EXAMPLE)
def create_contact(body: Json) -> Response:
    """Create a contact. An address that somebody has is refused."""
    with unit_of_work() as session:
        contact_id = service.add_contact(session, body)
        contact = queries.read_contact(session.reads, contact_id)
    response = with_etag(contact, 201)
    response.headers["Location"] = url_for(".get_contact", contact_id=contact_id)
    return response


@blueprint.route("/contacts/search")
@requires("contacts:read")
@blueprint.response(200, list_of(ContactSchema))
@blueprint.arguments(SearchQuerySchema(), location="query")
def search_contacts(query: Json) -> list[Json]:
    """Find up to 20 contacts by name, email, phone or any further address.

    Every word of `q` must match, in any order and in any field.
    """
    return queries.search_contacts(read_connection(), query["q"])


@blueprint.route("/contacts/quick", methods=["POST"])
@requires("contacts:write")
@alt_response(200)
@blueprint.response(201, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(QuickContactSchema(), example=QUICK_EXAMPLE)
def quick_create_contact(body: Json) -> Response:
    """Create a contact, unless somebody has the address already.

    Answers 201 with the new contact, or 200 with the contact that has the address, unchanged.
    """
    with unit_of_work() as session:
        contact_id, is_new = service.quick_create(session, **body)
        contact = queries.read_contact(session.reads, contact_id)
    return with_etag(contact, 201 if is_new else 200)


@blueprint.route(CONTACT_PATH)
@requires("contacts:read")
@alt_response(304)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
def get_contact(contact_id: int) -> Response:
    """Get one contact, with its further addresses and custom attributes."""
    return with_etag(queries.read_contact(read_connection(), contact_id))


@blueprint.route(CONTACT_PATH, methods=["PUT"])
@requires("contacts:write")
@alt_response(409, 412)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(ContactUpdateSchema(), example=UPDATE_EXAMPLE)
def update_contact(changes: Json, contact_id: int) -> Response:
    """Change a contact. Fields that are not sent stay as they are.

    `null` clears email or phone. A replaced email address stays as a channel. `custom_attributes`
    replaces the whole object; `custom_attributes_changes` sets single keys, or removes them by null
    (RFC 7396).
    """
    contact, _ = _edit(
        contact_id, lambda session, contact: service.update_contact(session, contact, changes)
    )
    return with_etag(contact)


@blueprint.route(f"{CONTACT_PREFIX}/block", methods=["PUT"])
@requires("contacts:block")
@alt_response(412)
@blueprint.response(200, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(BlockSchema(), example={"blocked": True})
def block_contact(body: Json, contact_id: int) -> Response:
    """Block or unblock a contact.

    Incoming messages of a blocked contact land in Spam; replies to it are still allowed.
    """
    blocked: bool = body["blocked"]
    contact, _ = _edit(
        contact_id,
        lambda session, contact: service.block_contact(session, contact, is_blocked=blocked),
    )
    return with_etag(contact)


@blueprint.route(CHANNELS_PATH, methods=["POST"])
@requires("contacts:write")
@alt_response(200, 409, 412)
@blueprint.response(201, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(ChannelCreateSchema(), example=CHANNEL_EXAMPLE)
def add_channel(address: Address, contact_id: int) -> Response:
    """Add an address to a contact.

    Answers 200 if the contact has the address already.
    """
    contact, is_new = _edit(
        contact_id, lambda session, contact: service.add_channel(session, contact, address)
    )
    return with_etag(contact, 201 if is_new else 200)


@blueprint.route(f"{CHANNELS_PATH}/<id:channel_id>", methods=["DELETE"])
@requires("contacts:write")
@alt_response(412)
@blueprint.response(200, DELETED)
def remove_channel(contact_id: int, channel_id: int) -> bool:
    """Remove an address from a contact.

    The primary email and phone are cleared by changing the contact.
    """
    _edit(contact_id, lambda session, contact: service.remove_channel(session, contact, channel_id))
    return True


def _edit(contact_id: int, change: Callable[[UnitOfWork, Contact], T]) -> tuple[Json, T]:
    """Apply `change` to a contact. Returns the changed contact, and the result of `change`.

    Raises NotFoundError, and PreconditionError if `If-Match` names another version.
    """
    with unit_of_work() as session:
        contact = service.get_contact(session, contact_id)
        check_if_match(queries.read_contact(session.reads, contact_id))
        result = change(session, contact)
        return queries.read_contact(session.reads, contact_id), result
