"""Messages: what was written in a conversation, by a contact or by an agent. Never changed.

The service records; sending is the gateway's work.
"""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service import conversations
from contacts_service.clock import moment_after, now
from contacts_service.conversations import TRASHED
from contacts_service.errors import ConflictError
from contacts_service.listing import AnyRow, Listing, Order, Part, read_list
from contacts_service.models import Conversation, Message, Participant
from contacts_service.principal import Principal
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
_messages = select(*COLUMNS).join(Conversation, Conversation.id == Message.conversation_id)


def list_messages(session: Session, uuid: str, part: Part) -> Json:
    """One page of a conversation's messages, newest first. Raises NotFoundError."""
    conversation = conversations.get_conversation(session, uuid)
    query = _messages.where(Message.conversation_id == conversation.id)
    listing = Listing(f"messages {conversation.id}", query, NEWEST_FIRST, message_json)
    return read_list(session, listing, part)


def find_message(session: Session, message_id: str) -> Message | None:
    """The message that a mail system knows by this id, without `<>`."""
    return session.scalar(select(Message).where(Message.message_id == message_id))


def find_conversation(session: Session, message_ids: Sequence[str]) -> Conversation | None:
    """The conversation of the first of these messages that is known."""
    if not message_ids:
        return None
    query = select(Message.message_id, Message.conversation_id).where(
        Message.message_id.in_(message_ids)
    )
    found = {row.message_id: row.conversation_id for row in session.execute(query)}
    known = next((found[message_id] for message_id in message_ids if message_id in found), None)
    return None if known is None else session.get_one(Conversation, known)


def begin_conversation(
    session: Session, contact_id: int, written: Json, author: Principal
) -> tuple[Json, Json]:
    """A conversation that an agent begins with a contact, and the message in it.

    `written` has channel, subject, message and message_id. Raises ConflictError for an id that is
    known.
    """
    moment = now()
    conversation = conversations.begin_conversation(
        session, channel=written["channel"], subject=written["subject"], moment=moment
    )
    message = _write(session, conversation, written, author, moment)
    conversations.add_sender(session, conversation, contact_id)
    return conversations.show_conversation(conversation), message


def reply(session: Session, uuid: str, written: Json, author: Principal) -> Json:
    """The message of an agent in a conversation, whose status stays.

    `written` has message and message_id. A trashed conversation takes no more messages: it goes
    on as a new one with the same people. Raises NotFoundError, and ConflictError for an id that
    is known.
    """
    conversation = conversations.get_conversation(session, uuid)
    moment = now()
    if conversation.status == TRASHED:
        conversation = _begin_again(session, conversation, moment)
    return _write(session, conversation, written, author, moment)


def _begin_again(session: Session, trashed: Conversation, moment: str) -> Conversation:
    conversation = conversations.begin_conversation(
        session, channel=trashed.channel, subject=trashed.subject, moment=moment
    )
    session.flush()
    people = select(Participant).where(Participant.conversation_id == trashed.id)
    for participant in session.scalars(people):
        conversations.add_participant(
            session, conversation, participant.contact_id, participant.role
        )
    return conversation


def _write(
    session: Session, conversation: Conversation, written: Json, author: Principal, moment: str
) -> Json:
    message_id = written.get("message_id")
    if message_id is not None and find_message(session, message_id) is not None:
        raise ConflictError("A message with this message_id is there already.")
    message = Message(
        direction=OUTGOING,
        content=written["message"],
        message_id=message_id,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=moment,
    )
    place(session, conversation, message)
    session.add(message)
    session.flush()
    return message_json(session.execute(_messages.where(Message.id == message.id)).one())


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


def message_json(row: AnyRow) -> Json:
    message = dict(row._mapping)
    author = {"id": message.pop("author_id"), "name": message.pop("author_name")}
    created_at = message.pop("created_at")
    return message | {"author": None if author["id"] is None else author, "created_at": created_at}
