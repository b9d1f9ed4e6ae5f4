"""The routes of conversations: what agents write, the Spam bucket, and statuses."""

from flask import g

from contacts_service.auth.permissions import requires
from contacts_service.conversations import messages, outbound
from contacts_service.conversations import service as conversations
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.listing.lists import page_request
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import alt_response
from schemas.conversations import (
    BegunConversationSchema,
    ConversationCreateSchema,
    ConversationOfContactSchema,
    ConversationSchema,
    ConversationsQuerySchema,
    MessageCreateSchema,
    MessageSchema,
    StatusSchema,
)
from schemas.lists import ListQuerySchema, page_of

MESSAGES = "/conversations/<uuid>/messages"
BEGIN_EXAMPLE = {
    "contact": {"first_name": "Linda", "last_name": "Olsen", "email": "linda@example.com"},
    "channel": "email",
    "subject": "Your invoice",
    "message": "Dear Linda, here it is.",
}

blueprint = Blueprint("conversations", __name__, description="What was written, and by whom.")


@blueprint.route("/conversations", methods=["POST"])
@requires("conversations:write")
@alt_response(409)
@blueprint.response(201, BegunConversationSchema)
@blueprint.arguments(ConversationCreateSchema(), example=BEGIN_EXAMPLE)
def begin_conversation(body: Json) -> Json:
    """Begin a conversation with a contact, who may be blocked.

    `contact` is made if nobody has the address. The message is recorded; sending it is up to you.
    """
    with unit_of_work() as session:
        return outbound.begin_conversation(session, body, g.principal)


@blueprint.route("/contacts/<id:contact_id>/conversations")
@requires("contacts:read")
@blueprint.response(200, page_of(ConversationOfContactSchema))
@blueprint.arguments(ConversationsQuerySchema(), location="query")
def list_conversations_of_contact(query: Json, contact_id: int) -> Json:
    """List every conversation the contact is or was part of, latest message first."""
    return conversations.list_conversations_of_contact(
        read_connection(), contact_id, page_request(query), query.get("statuses")
    )


@blueprint.route("/conversations/spam")
@requires("conversations:read_all")
@blueprint.response(200, page_of(ConversationSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_spam(query: Json) -> Json:
    """List the Spam bucket, latest message first."""
    return conversations.list_spam(read_connection(), page_request(query))


@blueprint.route(MESSAGES)
@requires("messages:read")
@blueprint.response(200, page_of(MessageSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_messages(query: Json, uuid: str) -> Json:
    """List the messages of a conversation, newest first."""
    return messages.list_messages(read_connection(), uuid, page_request(query))


@blueprint.route(MESSAGES, methods=["POST"])
@requires("messages:write")
@alt_response(409)
@blueprint.response(201, MessageSchema)
@blueprint.arguments(MessageCreateSchema(), example={"message": "We are on it."})
def write_message(body: Json, uuid: str) -> Json:
    """Write in a conversation, whose status stays; also to blocked contacts.

    The message is recorded; sending it is up to you. Where the conversation is trashed, the
    message begins a new one with the same people, which its `conversation_uuid` names.
    """
    with unit_of_work() as session:
        return outbound.reply(session, uuid, body, g.principal)


@blueprint.route("/conversations/<uuid>/status", methods=["PUT"])
@requires("conversations:update_status")
@blueprint.response(200, ConversationSchema)
@blueprint.arguments(StatusSchema(), example={"status": "Resolved"})
def update_status(body: Json, uuid: str) -> Json:
    """Say where a conversation stands."""
    with unit_of_work() as session:
        conversation = conversations.get_conversation(session, uuid)
        conversations.set_status(conversation, body["status"])
        return conversations.show_conversation(session, conversation)
