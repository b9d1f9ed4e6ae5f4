"""The messages of a conversation, written by contacts and by agents. They never change."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import bindparam, func, select, true

from contacts_service.conversations.service import require_conversation
from contacts_service.db.models import Conversation, Message
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import UnitOfWork
from contacts_service.limits import OUTGOING, PREVIEW_LENGTH
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


def has_message(session: UnitOfWork, message_id: str) -> bool:
    """Whether there is a message with this id of mail systems, without `<>`."""
    known = select(Message.id).where(Message.message_id == message_id).limit(1)
    return session.scalar(known) is not None


def find_message(
    session: UnitOfWork,
    message_id: str,
    *,
    address: tuple[str | None, str | None],
    date: str | None,
) -> Message | None:
    """Find the message with this id that an agent wrote, or that came from this address.

    Its `Date` must be this one where both are known. What a contact wrote before addresses were
    kept may have come from any.
    """
    channel, identifier = address
    same_sender = Message.from_channel.is_not_distinct_from(channel) & (
        Message.from_identifier.is_not_distinct_from(identifier)
    )
    is_older = Message.from_identifier.is_(None) & Message.contact_id.is_not(None)
    same_date = Message.date.is_(None) | (Message.date == date) if date else true()
    is_it = (same_sender | is_older) & same_date
    query = select(Message).where(
        Message.message_id == message_id, (Message.direction == OUTGOING) | is_it
    )
    return session.scalar(query.order_by(Message.id.desc()).limit(1))


def find_conversation_of(session: UnitOfWork, message_ids: Sequence[str]) -> Conversation | None:
    """Find the conversation of the first of these messages that is recorded.

    Of several messages with one id it is that of the newest.
    """
    if not message_ids:
        return None
    newest = (
        select(Message.message_id, func.max(Message.id).label("id"))
        .where(Message.message_id.in_(message_ids))
        .group_by(Message.message_id)
    )
    found = {row.message_id: row.id for row in session.execute(newest)}
    known = next((found[message_id] for message_id in message_ids if message_id in found), None)
    if known is None:
        return None
    return session.get_one(Conversation, session.get_one(Message, known).conversation_id)


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
