"""Conversations: what a contact has been part of, the Spam bucket, and each one's status."""

from collections.abc import Collection
from dataclasses import replace
from uuid import uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from contacts_service.contacts.queries import require_contact
from contacts_service.db.models import Conversation, Participant
from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.sql_json import json_object
from contacts_service.errors import NotFoundError
from contacts_service.listing.lists import Listing, Order, Part, read_list
from contacts_service.strict_json import Json
from contacts_service.timestamps import moment_after

OPEN, SPAM, TRASHED = "Open", "Spam", "Trashed"
STATUSES = (OPEN, "Snoozed", "Resolved", "Closed", SPAM, TRASHED)
SENDER, PARTICIPANT = "sender", "participant"
PREVIEW_LENGTH = 200  # characters of the last message that lists show
LATEST_FIRST = Order(Conversation.last_message_at, Conversation.id)

COLUMNS = (
    Conversation.uuid,
    Conversation.id.label("reference_number"),
    Conversation.subject,
    Conversation.status,
    Conversation.channel,
    Conversation.last_message,
    Conversation.last_message_at,
    Conversation.created_at,
    Conversation.updated_at,
)
NAMES = tuple(column.key for column in COLUMNS)

_IS_THERE = Prepared(select(Conversation.id).where(Conversation.uuid == bindparam("uuid")))

OF_CONTACT = Listing(
    "conversations",
    select(Conversation)
    .join(Participant, Participant.conversation_id == Conversation.id)
    .where(Participant.contact_id == bindparam("contact_id")),
    LATEST_FIRST,
    json_object(*COLUMNS, Participant.role),
    require_contact,
)
SPAM_LISTING = Listing(
    "spam",
    select(Conversation).where(Conversation.status == SPAM),
    LATEST_FIRST,
    json_object(*COLUMNS),
)


def list_conversations_of_contact(
    reader: Reader, contact_id: int, part: Part, statuses: Collection[str] | None
) -> Json:
    """A part of what the contact took part in, latest message first. Raises NotFoundError."""
    listing = OF_CONTACT
    if statuses is not None:
        listing = replace(
            listing, query=listing.query.where(Conversation.status.in_(tuple(statuses)))
        )
    return read_list(reader, listing, part, {"contact_id": contact_id})


def list_spam(reader: Reader, part: Part) -> Json:
    """A part of the Spam bucket, latest message first."""
    return read_list(reader, SPAM_LISTING, part)


def show_conversation(conversation: Conversation) -> Json:
    """The conversation as lists show it."""
    return {name: getattr(conversation, name) for name in NAMES}


def find_conversation(session: Session, uuid: str) -> Conversation | None:
    if "\0" in uuid:  # which a path may have, and PostgreSQL refuses to look for
        return None
    return session.scalar(select(Conversation).where(Conversation.uuid == uuid))


def get_conversation(session: Session, uuid: str) -> Conversation:
    """The conversation for changing. Raises NotFoundError."""
    conversation = find_conversation(session, uuid)
    if conversation is None:
        raise NotFoundError("There is no such conversation.")
    return conversation


def require_conversation(reader: Reader, uuid: str) -> None:
    """Raises NotFoundError if there is no such conversation."""
    if "\0" in uuid or reader.row(_IS_THERE, {"uuid": uuid}) is None:
        raise NotFoundError("There is no such conversation.")


def begin_conversation(
    session: Session, *, channel: str, subject: str, moment: str, status: str = OPEN
) -> Conversation:
    """A new conversation that nobody takes part in yet; it has its number once it is flushed."""
    conversation = Conversation(
        uuid=str(uuid4()),
        channel=channel,
        subject=subject,
        status=status,
        last_message=None,
        last_message_at=moment,
        created_at=moment,
        updated_at=moment,
    )
    session.add(conversation)
    return conversation


def set_status(conversation: Conversation, status: str) -> None:
    if conversation.status != status:
        conversation.status = status
        conversation.updated_at = moment_after(conversation.updated_at)


def add_sender(session: Session, conversation: Conversation, contact_id: int) -> None:
    """Let a new conversation be with this contact."""
    session.add(Participant(conversation_id=conversation.id, contact_id=contact_id, role=SENDER))


def add_participant(
    session: Session, conversation: Conversation, contact_id: int, role: str = PARTICIPANT
) -> None:
    """Let the contact take part, if it does not yet; nobody's role changes."""
    key = (conversation.id, contact_id)
    if session.get(Participant, key) is None:
        session.add(Participant(conversation_id=key[0], contact_id=key[1], role=role))


def sender_of(session: Session, conversation: Conversation) -> int | None:
    """The id of the contact that the conversation is with; None if that is nobody."""
    return session.scalar(
        select(Participant.contact_id).where(
            Participant.conversation_id == conversation.id, Participant.role == SENDER
        )
    )
