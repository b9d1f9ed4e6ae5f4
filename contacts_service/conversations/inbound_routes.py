"""The route by which messages arrive: as JSON, or as the raw mail."""

from typing import Any

from flask import Response, request

from contacts_service.auth.permissions import requires
from contacts_service.conversations import inbound
from contacts_service.conversations.incoming import IncomingMessage
from contacts_service.conversations.mail import parser as mail
from contacts_service.db.session import unit_of_work
from contacts_service.errors import InputError
from contacts_service.limits import MAIL_BODY, MAIL_TYPE
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import alt_response
from contacts_service.web.parsing import read_arguments, read_body
from contacts_service.web.responses import ok
from schemas.inbound import DeliverySchema, IncomingMessageSchema

EXAMPLE = {
    "channel": "email",
    "from": {"email": "linda@example.com", "first_name": "Linda", "last_name": "Olsen"},
    "subject": "My invoice",
    "content": "Could you send it again?",
    "message_id": "<b1946ac9@mail.example.com>",
}
MAIL_EXAMPLE = """\
From: Linda Olsen <linda@example.com>
Subject: My invoice
Message-ID: <b1946ac9@mail.example.com>

Could you send it again?
"""
BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": IncomingMessageSchema, "example": EXAMPLE},
        MAIL_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": MAIL_EXAMPLE},
    },
}

blueprint = Blueprint("inbound", __name__, description="Messages that have arrived.")
schema = IncomingMessageSchema()


@blueprint.route("/inbound/messages", methods=["POST"])
@requires("messages:write_as_contact")
@alt_response(200, 413, 415)
@blueprint.doc(requestBody=BODY)
@blueprint.response(201, DeliverySchema)
def receive_message() -> Response:
    """Hand over a message that has arrived, as JSON or as the raw mail.

    Finds the sender or makes a contact, finds the conversation or begins one, and tells the bucket:
    messages of blocked contacts go to Spam. 200 for a message whose `message_id` was seen before.
    """
    message = _read_message()
    with unit_of_work() as session:
        answer, is_new = inbound.receive_message(session, message)
    return ok(answer, 201 if is_new else 200)


def _read_message() -> IncomingMessage:
    if request.mimetype != MAIL_TYPE:
        message: Any = read_arguments(schema, "json")
        return message  # type: ignore[no-any-return]
    try:
        return mail.read_mail(read_body(MAIL_BODY))
    except mail.UnusableMailError as error:
        raise InputError({"": [str(error)]}) from None
