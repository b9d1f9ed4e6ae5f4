"""Messages: what was written in a conversation, by a contact or by an agent. Never changed."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import bindparam, select

from contacts_service import limits
from contacts_service.conversations import service as conversations
from contacts_service.db.models import Conversation, Message
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import UnitOfWork
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import moment_after
from schemas.conversations import MessageSchema
from schemas.notes import AuthorSchema

MESSAGE = Shape(
    MessageSchema().fields,
    Message,
    conversation_uuid=Conversation.uuid,
    author=Shape(AuthorSchema().fields, id=Message.author_id, name=Message.author_name),
)
_conversation_id = (
    select(Conversation.id).where(Conversation.uuid == bindparam("uuid")).scalar_subquery()
)
OF_CONVERSATION = ListQuery(
    "messages",
    select(Message)
    .join(Conversation, Conversation.id == Message.conversation_id)
    .where(Message.conversation_id == _conversation_id),
    Order(Message.created_at, Message.id),
    MESSAGE,
    conversations.require_conversation,
)
_BY_ID = CompiledStatement(
    select(*MESSAGE.columns)
    .join_from(Message, Conversation, Conversation.id == Message.conversation_id)
    .where(Message.id == bindparam("id"))
)


def list_messages(reads: ReadConnection, uuid: str, page: PageRequest) -> Json:
    """A page of a conversation's messages, newest first. Raises NotFoundError."""
    return read_list(reads, OF_CONVERSATION, page, {"uuid": uuid})


def find_message(session: UnitOfWork, message_id: str) -> Message | None:
    """The message that a mail system knows by this id, without `<>`."""
    return session.scalar(select(Message).where(Message.message_id == message_id))


def find_thread(session: UnitOfWork, message_ids: Sequence[str]) -> Conversation | None:
    """The conversation of the first of these messages that is known."""
    if not message_ids:
        return None
    query = select(Message.message_id, Message.conversation_id).where(
        Message.message_id.in_(message_ids)
    )
    found = {row.message_id: row.conversation_id for row in session.execute(query)}
    known = next((found[message_id] for message_id in message_ids if message_id in found), None)
    return None if known is None else session.get_one(Conversation, known)


def place(session: UnitOfWork, conversation: Conversation, message: Message) -> None:
    """Make a message, which is still to be added, one of a conversation.

    It is the preview if none is later. A new conversation has its number from here on.
    """
    message.uuid = str(uuid4())
    if conversation.last_message is None or message.created_at >= conversation.last_message_at:
        conversation.last_message = message.content[: limits.PREVIEW_LENGTH]
        conversation.last_message_at = message.created_at
    conversation.updated_at = moment_after(conversation.updated_at)
    session.flush()
    message.conversation_id = conversation.id


def show_message(session: UnitOfWork, message: Message) -> Json:
    """The message as lists show it."""
    return MESSAGE.read(session.reads.row(_BY_ID, {"id": message.id}) or ())
