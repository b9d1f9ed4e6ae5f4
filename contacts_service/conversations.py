"""Conversations: what a contact has been part of."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service.contacts import require_contact
from contacts_service.listing import AnyRow, Order, Page, read_page
from contacts_service.models import Conversation, Participant
from contacts_service.strict_json import Json

STATUSES = ("Open", "Snoozed", "Resolved", "Closed", "Spam", "Trashed")
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


def list_conversations_of_contact(
    session: Session, contact_id: int, page: Page, statuses: Collection[str] | None
) -> Json:
    """One page of what the contact took part in, latest message first. Raises NotFoundError."""
    require_contact(session, contact_id)
    query = (
        select(*COLUMNS, Participant.role)
        .join(Participant, Participant.conversation_id == Conversation.id)
        .where(Participant.contact_id == contact_id)
    )
    if statuses is not None:
        query = query.where(Conversation.status.in_(statuses))
    return read_page(session, query, LATEST_FIRST, page, conversation_json)


def conversation_json(row: AnyRow) -> Json:
    return dict(row._mapping)
