"""The routes of conversations and messages, and the one by which messages arrive."""

from flask import Response, g

from contacts_service.auth.permissions import requires
from contacts_service.conversations import inbound, messages, outbound, service
from contacts_service.conversations.addresses import is_forwarder
from contacts_service.conversations.incoming import Correspondent, IncomingMessage
from contacts_service.conversations.mail.parser import UnusableMailError, parse_mail
from contacts_service.conversations.outbound import require_known_contact
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.errors import InputError
from contacts_service.limits import MAIL_TYPE
from contacts_service.listing.lists import page_request
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import alt_response
from contacts_service.web.responses import ok
from schemas.answers import page_of
from schemas.conversations import (
    BegunConversationSchema,
    ConversationContactSchema,
    ConversationCreateSchema,
    ConversationDetailSchema,
    ConversationOfContactSchema,
    ConversationSchema,
    ConversationsQuerySchema,
    MessageCreateSchema,
    MessageSchema,
    StatusSchema,
)
from schemas.inbound import DeliverySchema, IncomingMessageSchema
from schemas.lists import ListQuerySchema

CONVERSATION_PATH = "/conversations/<uuid>"
MESSAGES_PATH = f"{CONVERSATION_PATH}/messages"
BEGIN_EXAMPLE = {
    "contact": {"first_name": "Linda", "last_name": "Olsen", "email": "linda@example.com"},
    "channel": "email",
    "subject": "Your invoice",
    "message": "Dear Linda, here it is.",
}
INBOUND_EXAMPLE = {
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
MAIL_CONTENT = {"schema": {"type": "string", "format": "binary"}, "example": MAIL_EXAMPLE}

blueprint = Blueprint("conversations", __name__, description="Conversations and their messages.")
inbound_blueprint = Blueprint("inbound", __name__, description="Messages that have arrived.")


@blueprint.route("/conversations")
@requires("conversations:read_all")
@blueprint.response(200, page_of(ConversationSchema))
@blueprint.arguments(ConversationsQuerySchema(), location="query")
def list_conversations(query: Json) -> Json:
    """List all conversations, latest message first."""
    return service.list_conversations(read_connection(), page_request(query), query.get("statuses"))


@blueprint.route("/conversations", methods=["POST"])
@requires("conversations:write")
@alt_response(409)
@blueprint.response(201, BegunConversationSchema)
@blueprint.arguments(ConversationCreateSchema(), example=BEGIN_EXAMPLE)
def begin_conversation(body: Json) -> Json:
    """Begin a conversation with a contact, who may be blocked.

    Send `contact_id` for an existing contact, or `contact`, which is created if nobody has the
    address yet. The message is recorded; sending it is up to you.
    """
    with unit_of_work() as session:
        return outbound.begin_conversation(session, body, g.principal)


@blueprint.route("/contacts/<id:contact_id>/conversations")
@requires("contacts:read")
@blueprint.response(200, page_of(ConversationOfContactSchema))
@blueprint.arguments(ConversationsQuerySchema(), location="query")
def list_conversations_of_contact(query: Json, contact_id: int) -> Json:
    """List every conversation that the contact is or was part of, latest message first."""
    return service.list_conversations_of_contact(
        read_connection(), contact_id, page_request(query), query.get("statuses")
    )


@blueprint.route("/conversations/spam")
@requires("conversations:read_all")
@blueprint.response(200, page_of(ConversationSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_spam(query: Json) -> Json:
    """List the Spam bucket, latest message first."""
    return service.list_spam(read_connection(), page_request(query))


@blueprint.route(CONVERSATION_PATH)
@requires("conversations:read")
@blueprint.response(200, ConversationDetailSchema)
def get_conversation(uuid: str) -> Json:
    """Get one conversation, with the contacts in it."""
    return service.read_conversation(read_connection(), uuid)


@blueprint.route("/conversations/by-ref/<id:reference_number>")
@requires("conversations:read")
@blueprint.response(200, ConversationDetailSchema)
def get_conversation_by_number(reference_number: int) -> Json:
    """Get the conversation with the number that people quote."""
    return service.read_conversation_by_number(read_connection(), reference_number)


@blueprint.route(f"{CONVERSATION_PATH}/contact", methods=["PUT"])
@requires("conversations:update_status")
@blueprint.response(200, ConversationDetailSchema)
@blueprint.arguments(ConversationContactSchema(), example={"contact_id": 1})
def reassign_conversation(body: Json, uuid: str) -> Json:
    """Say whom a conversation is with.

    The former contact stays as a participant if they wrote in it, else leaves. Messages keep who
    wrote them.
    """
    with unit_of_work() as session:
        conversation = service.get_conversation(session, uuid)
        require_known_contact(session, body["contact_id"])
        service.replace_sender(session, conversation, body["contact_id"])
        return service.read_conversation(session.reads, uuid)


@blueprint.route(MESSAGES_PATH)
@requires("messages:read")
@blueprint.response(200, page_of(MessageSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_messages(query: Json, uuid: str) -> Json:
    """List the messages of a conversation, newest first."""
    return messages.list_messages(read_connection(), uuid, page_request(query))


@blueprint.route(MESSAGES_PATH, methods=["POST"])
@requires("messages:write")
@alt_response(409)
@blueprint.response(201, MessageSchema)
@blueprint.arguments(MessageCreateSchema(), example={"message": "We are on it."})
def write_message(body: Json, uuid: str) -> Json:
    """Write a message in a conversation, also to blocked contacts.

    The status of the conversation stays as it is. The message is recorded; sending it is up to
    you. A message for a trashed conversation begins a new one with the same people; the answer's
    `conversation_uuid` names it.
    """
    with unit_of_work() as session:
        return outbound.reply(session, uuid, body, g.principal)


@blueprint.route(f"{CONVERSATION_PATH}/status", methods=["PUT"])
@requires("conversations:update_status")
@blueprint.response(200, ConversationSchema)
@blueprint.arguments(StatusSchema(), example={"status": "Resolved"})
def update_status(body: Json, uuid: str) -> Json:
    """Set the status of a conversation."""
    with unit_of_work() as session:
        conversation = service.get_conversation(session, uuid)
        service.set_status(conversation, body["status"])
        return service.show_conversation(session, conversation)


@inbound_blueprint.route("/inbound/messages", methods=["POST"])
@requires("messages:write_as_contact")
@alt_response(200)
@inbound_blueprint.doc(requestBody={"content": {MAIL_TYPE: MAIL_CONTENT}})
@inbound_blueprint.response(201, DeliverySchema)
@inbound_blueprint.arguments(IncomingMessageSchema(), example=INBOUND_EXAMPLE)
def receive_message(body: Json | bytes) -> Response:
    """Hand over a message that has arrived, as JSON or as the raw mail.

    Finds the sender or creates a contact, finds the conversation or begins one, and answers with
    the bucket: messages of blocked contacts go to Spam. Answers 200 if the message was handed over
    before, which changes nothing.
    """
    message = _mail_message(body) if isinstance(body, bytes) else _json_message(body)
    with unit_of_work() as session:
        answer, is_new = inbound.receive_message(session, message)
    return ok(answer, 201 if is_new else 200)


def _mail_message(raw: bytes) -> IncomingMessage:
    try:
        return parse_mail(raw, is_forwarder)
    except UnusableMailError as error:
        raise InputError({"": [str(error)]}) from None


def _json_message(body: Json) -> IncomingMessage:
    sender = Correspondent(**body["sender"])
    cc = tuple(Correspondent(**person) for person in body["cc"])
    return IncomingMessage(**body | {"sender": sender, "cc": cc})
