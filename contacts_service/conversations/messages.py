"""The messages of a conversation, written by contacts and by agents. They never change."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import bindparam, select

from contacts_service.conversations.service import require_conversation
from contacts_service.db.models import Conversation, Message
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import UnitOfWork
from contacts_service.limits import PREVIEW_LENGTH
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import next_timestamp
from schemas.conversations import MessageAddressSchema, MessageSchema
from schemas.notes import AuthorSchema

MESSAGE_SHAPE = Shape(
    MessageSchema().fields,
    Message,
    conversation_uuid=Conversation.uuid,
    author=Shape(AuthorSchema().fields, id=Message.author_id, name=Message.author_name),
    **{
        "from": Shape(
            MessageAddressSchema().fields,
            channel=Message.from_channel,
            identifier=Message.from_identifier,
        )
    },
)
_conversation_id = (
    select(Conversation.id).where(Conversation.uuid == bindparam("uuid")).scalar_subquery()
)
MESSAGES_OF_CONVERSATION = ListQuery(
    "messages",
    select(Message)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == _conversation_id),
    Order(Message.created_at, Message.id),
    MESSAGE_SHAPE,
    require_conversation,
)
_BY_ID = CompiledStatement(
    select(*MESSAGE_SHAPE.columns)
    .join_from(Message, Conversation, Conversation.id == Message.conversation_id)
    .where(Message.id == bindparam("id"))
)


def list_messages(reads: ReadConnection, uuid: str, page: PageRequest) -> Json:
    """Read a page of a conversation's messages, newest first. Raises NotFoundError."""
    return read_list(reads, MESSAGES_OF_CONVERSATION, page, {"uuid": uuid})


def find_message(session: UnitOfWork, message_id: str) -> Message | None:
    """Find a message by the id that mail systems give it, without `<>`."""
    return session.scalar(select(Message).where(Message.message_id == message_id))


def find_conversation_of(session: UnitOfWork, message_ids: Sequence[str]) -> Conversation | None:
    """Find the conversation of the first of these messages that is recorded."""
    if not message_ids:
        return None
    query = select(Message.message_id, Message.conversation_id).where(
        Message.message_id.in_(message_ids)
    )
    found = {row.message_id: row.conversation_id for row in session.execute(query)}
    known = next((found[message_id] for message_id in message_ids if message_id in found), None)
    return None if known is None else session.get_one(Conversation, known)


def append_message(session: UnitOfWork, conversation: Conversation, message: Message) -> None:
    """Give a new message its conversation; the caller adds it to the session.

    Becomes the preview of the conversation unless a later message is. Flushes, which gives a new
    conversation its number.
    """
    message.uuid = str(uuid4())
    if conversation.last_message is None or message.created_at >= conversation.last_message_at:
        conversation.last_message = message.content[:PREVIEW_LENGTH]
        conversation.last_message_at = message.created_at
    conversation.updated_at = next_timestamp(conversation.updated_at)
    session.flush()
    message.conversation_id = conversation.id


def show_message(session: UnitOfWork, message: Message) -> Json:
    """Read the message as lists show it."""
    return MESSAGE_SHAPE.read(session.reads.row(_BY_ID, {"id": message.id}) or ())
