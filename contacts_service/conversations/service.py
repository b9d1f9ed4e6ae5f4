"""Conversations: lists of them, their status, and who takes part."""

from collections.abc import Collection
from uuid import uuid4

from sqlalchemy import bindparam, select

from contacts_service.contacts.queries import SUMMARY, require_contact
from contacts_service.db.models import Contact, Conversation, Message, Participant
from contacts_service.db.queries import CompiledStatement, ReadConnection, Row, Shape
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import NotFoundError
from contacts_service.limits import OPEN, PARTICIPANT, SENDER, SPAM
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import next_timestamp
from schemas.conversations import (
    ConversationOfContactSchema,
    ConversationSchema,
    ParticipantSchema,
)

LATEST_FIRST = Order(Conversation.last_message_at, Conversation.id)

CONVERSATION_SHAPE = Shape(
    ConversationSchema().fields, Conversation, reference_number=Conversation.id
)
CONVERSATION_OF_CONTACT_SHAPE = Shape(
    ConversationOfContactSchema().fields,
    Conversation,
    reference_number=Conversation.id,
    role=Participant.role,
)
PARTICIPANT_SHAPE = Shape(ParticipantSchema().fields, role=Participant.role, contact=SUMMARY)

_BY_ID = CompiledStatement(
    select(*CONVERSATION_SHAPE.columns).where(Conversation.id == bindparam("id"))
)
_BY_UUID = CompiledStatement(
    select(*CONVERSATION_SHAPE.columns).where(Conversation.uuid == bindparam("uuid"))
)
_CONTACTS = CompiledStatement(
    select(*PARTICIPANT_SHAPE.columns)
    .join_from(Participant, Contact, Contact.id == Participant.contact_id)
    .where(Participant.conversation_id == bindparam("id"))
    .order_by(Participant.role == PARTICIPANT, Participant.contact_id)
)
_EXISTS = CompiledStatement(select(Conversation.id).where(Conversation.uuid == bindparam("uuid")))

CONVERSATIONS_OF_CONTACT = ListQuery(
    "conversations",
    select(Conversation)
    .join(Participant, Participant.conversation_id == Conversation.id)
    .where(Participant.contact_id == bindparam("contact_id")),
    LATEST_FIRST,
    CONVERSATION_OF_CONTACT_SHAPE,
    require_contact,
)
ALL_CONVERSATIONS = ListQuery(
    "all conversations", select(Conversation), LATEST_FIRST, CONVERSATION_SHAPE
)
CONVERSATIONS_IN_SPAM = ListQuery(
    "spam",
    select(Conversation).where(Conversation.status == SPAM),
    LATEST_FIRST,
    CONVERSATION_SHAPE,
)


def list_conversations(
    reads: ReadConnection, page: PageRequest, statuses: Collection[str] | None
) -> Json:
    """Read a page of all conversations, latest message first."""
    return read_list(reads, _in_statuses(ALL_CONVERSATIONS, statuses), page)


def list_conversations_of_contact(
    reads: ReadConnection, contact_id: int, page: PageRequest, statuses: Collection[str] | None
) -> Json:
    """Read a page of a contact's conversations, latest message first. Raises NotFoundError."""
    query = _in_statuses(CONVERSATIONS_OF_CONTACT, statuses)
    return read_list(reads, query, page, {"contact_id": contact_id})


def _in_statuses(query: ListQuery, statuses: Collection[str] | None) -> ListQuery:
    if statuses is None:
        return query
    return query.where(Conversation.status.in_(tuple(statuses)))


def list_spam(reads: ReadConnection, page: PageRequest) -> Json:
    """Read a page of the Spam bucket, latest message first."""
    return read_list(reads, CONVERSATIONS_IN_SPAM, page)


def read_conversation(reads: ReadConnection, uuid: str) -> Json:
    """Read a conversation with the contacts in it. Raises NotFoundError."""
    row = reads.row(_BY_UUID, {"uuid": uuid}) if _may_be_known(uuid) else None
    return _with_contacts(reads, row)


def read_conversation_by_number(reads: ReadConnection, reference_number: int) -> Json:
    """Read a conversation with the contacts in it. Raises NotFoundError."""
    return _with_contacts(reads, reads.row(_BY_ID, {"id": reference_number}))


def _with_contacts(reads: ReadConnection, row: Row | None) -> Json:
    if row is None:
        raise NotFoundError("There is no such conversation.")
    conversation = CONVERSATION_SHAPE.read(row)
    contacts = reads.rows(_CONTACTS, {"id": conversation["reference_number"]})
    return conversation | {"contacts": [PARTICIPANT_SHAPE.read(each) for each in contacts]}


def show_conversation(session: UnitOfWork, conversation: Conversation) -> Json:
    """Read the conversation as lists show it."""
    session.flush()
    return CONVERSATION_SHAPE.read(session.reads.row(_BY_ID, {"id": conversation.id}) or ())


def _may_be_known(uuid: str) -> bool:
    """False for a text with a NUL, which a path may have; PostgreSQL raises an error for it."""
    return "\0" not in uuid


def find_conversation(session: UnitOfWork, uuid: str) -> Conversation | None:
    if not _may_be_known(uuid):
        return None
    return session.scalar(select(Conversation).where(Conversation.uuid == uuid))


def get_conversation(session: UnitOfWork, uuid: str) -> Conversation:
    """Load a conversation to change it. Raises NotFoundError."""
    conversation = find_conversation(session, uuid)
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    return conversation


def require_conversation(reads: ReadConnection, uuid: str) -> None:
    """Raise NotFoundError if there is no such conversation."""
    if not _may_be_known(uuid) or reads.row(_EXISTS, {"uuid": uuid}) is None:
        raise NotFoundError("There is no such conversation.")


def begin_conversation(
    session: UnitOfWork, *, channel: str, subject: str, timestamp: str, status: str = OPEN
) -> Conversation:
    """Add a conversation without participants. A flush gives it its number."""
    conversation = Conversation(
        uuid=str(uuid4()),
        channel=channel,
        subject=subject,
        status=status,
        last_message=None,
        last_message_at=timestamp,
        created_at=timestamp,
        updated_at=timestamp,
    )
    session.add(conversation)
    return conversation


def set_status(conversation: Conversation, status: str) -> None:
    """Set the status. If it differs, `updated_at` moves forward."""
    if conversation.status != status:
        conversation.status = status
        conversation.updated_at = next_timestamp(conversation.updated_at)


def add_sender(session: UnitOfWork, conversation: Conversation, contact_id: int) -> None:
    """Make the contact the sender of a new conversation."""
    session.add(Participant(conversation_id=conversation.id, contact_id=contact_id, role=SENDER))


def add_participant(
    session: UnitOfWork, conversation: Conversation, contact_id: int, role: str = PARTICIPANT
) -> None:
    """Add the contact to the conversation. One who takes part already keeps the role."""
    key = (conversation.id, contact_id)
    if session.get(Participant, key) is None:
        session.add(Participant(conversation_id=key[0], contact_id=key[1], role=role))


def replace_sender(session: UnitOfWork, conversation: Conversation, contact_id: int) -> None:
    """Make a contact the one whom the conversation is with.

    The former one stays as a participant if they wrote in it, else leaves.
    """
    former = sender_of(session, conversation)
    if former == contact_id:
        return
    if former is not None:
        wrote = select(Message.id).where(
            Message.conversation_id == conversation.id, Message.contact_id == former
        )
        place = session.get_one(Participant, (conversation.id, former))
        if session.scalar(wrote.limit(1)) is None:
            session.delete(place)
        else:
            place.role = PARTICIPANT
    add_participant(session, conversation, contact_id)
    session.get_one(Participant, (conversation.id, contact_id)).role = SENDER
    conversation.updated_at = next_timestamp(conversation.updated_at)


def sender_of(session: UnitOfWork, conversation: Conversation) -> int | None:
    """Find the id of the contact that the conversation is with, if there is one."""
    return session.scalar(
        select(Participant.contact_id).where(
            Participant.conversation_id == conversation.id, Participant.role == SENDER
        )
    )
