"""Messages: what was written in a conversation, by a contact or by an agent. Never changed."""

from collections.abc import Sequence
from functools import partial
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service import conversations
from contacts_service.clock import moment_after
from contacts_service.listing import AnyRow, Listing, Order, Part, read_list
from contacts_service.models import Conversation, Message
from contacts_service.strict_json import Json

INCOMING, OUTGOING = "incoming", "outgoing"
NEWEST_FIRST = Order(Message.created_at, Message.id)

COLUMNS = (
    Message.uuid,
    Conversation.uuid.label("conversation_uuid"),
    Message.direction,
    Message.content,
    Message.message_id,
    Message.contact_id,
    Message.author_id,
    Message.author_name,
    Message.created_at,
)
_shown = select(*COLUMNS).join(Conversation, Conversation.id == Message.conversation_id)


def list_messages(session: Session, uuid: str, part: Part) -> Json:
    """A part of a conversation's messages, newest first. Raises NotFoundError."""
    require = partial(conversations.get_conversation, session, uuid)
    query = _shown.where(Conversation.uuid == uuid)
    listing = Listing(f"messages {uuid}", query, NEWEST_FIRST, message_json, require)
    return read_list(session, listing, part)


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


def show_message(session: Session, message: Message) -> Json:
    """The message as lists show it."""
    session.flush()
    return message_json(session.execute(_shown.where(Message.id == message.id)).one())


def message_json(row: AnyRow) -> Json:
    message = dict(row._mapping)
    author = {"id": message.pop("author_id"), "name": message.pop("author_name")}
    created_at = message.pop("created_at")
    return message | {"author": None if author["id"] is None else author, "created_at": created_at}
