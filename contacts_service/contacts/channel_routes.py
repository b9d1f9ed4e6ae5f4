"""The routes of a contact's further addresses."""

from flask import Response

from contacts_service.auth.permissions import requires
from contacts_service.contacts import service as contacts
from contacts_service.contacts.channels import Address
from contacts_service.contacts.queries import read_contact
from contacts_service.db.session import reader_of, unit_of_work
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import DELETED, ETAG_HEADER, answers_also
from contacts_service.web.responses import require_match, resource
from schemas.channels import ChannelCreateSchema
from schemas.contacts import ContactDetailSchema

CHANNELS = "/contacts/<id:contact_id>/channels"
EXAMPLE = {"channel": "email", "identifier": "linda@work.example"}

blueprint = Blueprint("channels", __name__, description="Further addresses of contacts.")


@blueprint.route(CHANNELS, methods=["POST"])
@requires("contacts:write")
@answers_also(200, 409, 412)
@blueprint.response(201, ContactDetailSchema, headers=ETAG_HEADER)
@blueprint.arguments(ChannelCreateSchema(), example=EXAMPLE)
def add_channel(address: Address, contact_id: int) -> Response:
    """Add an address to a contact; 200 where the contact has it already."""
    with unit_of_work() as session:
        contact = contacts.get_contact(session, contact_id)
        require_match(read_contact(reader_of(session), contact_id))
        is_new = contacts.add_channel(session, contact, address)
        answer = read_contact(reader_of(session), contact_id)
    return resource(answer, 201 if is_new else 200)


@blueprint.route(f"{CHANNELS}/<id:channel_id>", methods=["DELETE"])
@requires("contacts:write")
@answers_also(412)
@blueprint.response(200, DELETED)
def remove_channel(contact_id: int, channel_id: int) -> bool:
    """Take an address away from a contact; the primary ones are changed with the contact."""
    with unit_of_work() as session:
        contact = contacts.get_contact(session, contact_id)
        require_match(read_contact(reader_of(session), contact_id))
        contacts.remove_channel(session, contact, channel_id)
    return True
