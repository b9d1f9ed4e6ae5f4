"""Messages: what was written in a conversation, by a contact or by an agent. Never changed."""

from collections.abc import Sequence
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, case, select
from sqlalchemy.orm import Session

from contacts_service.conversations import service as conversations
from contacts_service.db.models import Conversation, Message
from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.session import reader_of
from contacts_service.db.sql_json import json_object
from contacts_service.listing.lists import Listing, Order, Part, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import moment_after

INCOMING, OUTGOING = "incoming", "outgoing"
_author = json_object(id=Message.author_id, name=Message.author_name)
AS_JSON = json_object(
    Message.uuid,
    Conversation.uuid.label("conversation_uuid"),
    Message.direction,
    Message.content,
    Message.message_id,
    Message.contact_id,
    author=case((Message.author_id.is_not(None), _author)),
    created_at=Message.created_at,
)
_conversation_id = (
    select(Conversation.id).where(Conversation.uuid == bindparam("uuid")).scalar_subquery()
)
OF_CONVERSATION = Listing(
    "messages",
    select(Message)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == _conversation_id),
    Order(Message.created_at, Message.id),
    AS_JSON,
    conversations.require_conversation,
)
_BY_ID = Prepared(
    select(AS_JSON)
    .join_from(Message, Conversation, Conversation.id == Message.conversation_id)
    .where(Message.id == bindparam("id"))
)


def list_messages(reader: Reader, uuid: str, part: Part) -> Json:
    """A part of a conversation's messages, newest first. Raises NotFoundError."""
    return read_list(reader, OF_CONVERSATION, part, {"uuid": uuid})


def find_message(session: Session, message_id: str) -> Message | None:
    """The message that a mail system knows by this id, without `<>`."""
    return session.scalar(select(Message).where(Message.message_id == message_id))


def find_thread(session: Session, message_ids: Sequence[str]) -> Conversation | None:
    """The conversation of the first of these messages that is known."""
    if not message_ids:
        return None
    query = select(Message.message_id, Message.conversation_id).where(
        Message.message_id.in_(message_ids)
    )
    found = {row.message_id: row.conversation_id for row in session.execute(query)}
    known = next((found[message_id] for message_id in message_ids if message_id in found), None)
    return None if known is None else session.get_one(Conversation, known)


def place(session: Session, conversation: Conversation, message: Message) -> None:
    """Make a message, which is still to be added, one of a conversation.

    It is the preview if none is later. A new conversation has its number from here on.
    """
    message.uuid = str(uuid4())
    if conversation.last_message is None or message.created_at >= conversation.last_message_at:
        conversation.last_message = message.content[: conversations.PREVIEW_LENGTH]
        conversation.last_message_at = message.created_at
    conversation.updated_at = moment_after(conversation.updated_at)
    session.flush()
    message.conversation_id = conversation.id


def show_message(session: Session, message: Message) -> orjson.Fragment:
    """The message as lists show it."""
    reader = reader_of(session)
    return orjson.Fragment(reader.value(_BY_ID, {"id": message.id}))
