"""Records incoming messages (docs/messages.md): finds the contact, the conversation, the bucket.

Everything happens within the caller's transaction.
"""

from dataclasses import dataclass

import orjson

from contacts_service.contacts.channels import Address
from contacts_service.contacts.queries import read_contact
from contacts_service.contacts.service import get_contact
from contacts_service.conversations import messages, service
from contacts_service.conversations.addresses import OWN, is_listed, is_nobody
from contacts_service.conversations.incoming import (
    AUTOMATIC_ANSWER,
    BOUNCE,
    PERSON,
    IncomingMessage,
)
from contacts_service.conversations.senders import (
    address_of,
    find_contact,
    find_or_create_contact,
)
from contacts_service.db.models import Contact, Conversation, Message
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import InputError
from contacts_service.limits import INBOX, INCOMING, OPEN, SPAM, SPAM_BUCKET, STATUSES, TRASHED
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import utc_now

# The statuses of conversations that take another message: of anybody, and of a blocked sender.
CONTINUED = frozenset(STATUSES) - {TRASHED}
CONTINUED_BY_BLOCKED = frozenset({SPAM})


@dataclass(frozen=True)
class Routing:
    """Which contact and which conversation a message belongs to."""

    contact: Contact | None  # None for an automatic message of an unknown sender
    is_contact_new: bool
    conversation: Conversation
    is_conversation_new: bool
    timestamp: str

    @property
    def is_blocked(self) -> bool:
        return self.contact is not None and self.contact.blocked


def receive_message(session: UnitOfWork, message: IncomingMessage) -> tuple[Json, bool]:
    """Record a message. Returns the answer for its deliverer, and whether the message is new.

    A duplicate changes nothing and gets the answer of its first delivery. Raises InputError for a
    `conversation_uuid` that does not exist.
    """
    duplicate = find_duplicate(session, message)
    if duplicate is not None:
        return _first_answer(session, duplicate) | {"duplicate": True}, False
    routing = route_message(session, message)
    contact, conversation = routing.contact, routing.conversation
    from_channel, from_identifier = _came_from(message)
    recorded = Message(
        direction=INCOMING,
        content=message.content,
        message_id=message.message_id,
        contact_id=None if contact is None else contact.id,
        from_channel=from_channel,
        from_identifier=from_identifier,
        date=message.date,
        created_at=min(message.received_at or routing.timestamp, routing.timestamp),
    )
    messages.append_message(session, conversation, recorded)
    if contact is not None and routing.is_conversation_new:
        service.add_sender(session, conversation, contact.id)
    elif contact is not None:
        service.add_participant(session, conversation, contact.id)
    if not routing.is_blocked:
        add_copied_in(session, message, conversation)
    answer = _answer(session, routing, recorded)
    if message.message_id is not None:
        recorded.first_answer = write_json(answer).decode()
    session.add(recorded)
    return answer, True


def _came_from(message: IncomingMessage) -> Address | tuple[None, None]:
    address = message.sender and address_of(message.sender, message.channel)
    return address or (None, None)


def find_duplicate(session: UnitOfWork, message: IncomingMessage) -> Message | None:
    """Find the earlier delivery of this message.

    It has the same `message_id` and the same sender, or an agent wrote it; and of two mails the
    same `Date`. Senders exist that use one id for many mails.
    """
    if message.message_id is None:
        return None
    return messages.find_message(
        session, message.message_id, address=_came_from(message), date=message.date
    )


def route_message(session: UnitOfWork, message: IncomingMessage) -> Routing:
    """Find or create the sender and the conversation.

    A blocked sender's message continues only a conversation in Spam, else it begins one there.
    Some messages reopen their conversation.
    """
    contact, is_contact_new = _find_sender(session, message)
    is_blocked = contact is not None and contact.blocked
    thread = find_thread(session, message, must_exist=not is_blocked)
    timestamp = utc_now()
    if thread is not None and thread.status in (CONTINUED_BY_BLOCKED if is_blocked else CONTINUED):
        if reopens(message, contact):
            service.set_status(thread, OPEN)
        return Routing(contact, is_contact_new, thread, False, timestamp)
    begun = service.begin_conversation(
        session,
        channel=message.channel,
        subject=message.subject,
        timestamp=timestamp,
        status=SPAM if is_blocked else OPEN,
    )
    return Routing(contact, is_contact_new, begun, True, timestamp)


def reopens(message: IncomingMessage, contact: Contact | None) -> bool:
    """Whether it makes its conversation `Open`.

    A message of a contact who is not blocked does, but for automatic answers; and a bounce, for
    what an agent wrote did not arrive.
    """
    if contact is None:
        return message.origin == BOUNCE
    return not contact.blocked and message.origin != AUTOMATIC_ANSWER


def _find_sender(session: UnitOfWork, message: IncomingMessage) -> tuple[Contact | None, bool]:
    if message.sender is None or is_nobody(message.sender):
        return None, False
    # Machines would fill the directory.
    if message.origin != PERSON:
        return find_contact(session, message.sender, message.channel), False
    return find_or_create_contact(session, message.sender, message.channel)


def find_thread(
    session: UnitOfWork, message: IncomingMessage, *, must_exist: bool
) -> Conversation | None:
    """Find the conversation that the message names or answers.

    Raises InputError if `must_exist` and there is none with its `conversation_uuid`.
    """
    if message.conversation_uuid is not None:
        conversation = service.find_conversation(session, message.conversation_uuid)
        if conversation is None and must_exist:
            raise InputError({"conversation_uuid": ["There is no such conversation."]})
        return conversation
    answered = [message.in_reply_to] if message.in_reply_to else []
    return messages.find_conversation_of(session, [*answered, *reversed(message.references)])


def add_copied_in(
    session: UnitOfWork, message: IncomingMessage, conversation: Conversation
) -> None:
    """Let everybody who is copied in take part, but for ourselves. A machine makes no contacts."""
    for person in message.cc:
        if is_listed(person.email, OWN):
            continue
        if message.origin != PERSON:
            contact = find_contact(session, person, message.channel)
        else:
            contact, _ = find_or_create_contact(session, person, message.channel)
        if contact is not None:
            service.add_participant(session, conversation, contact.id)


def _first_answer(session: UnitOfWork, message: Message) -> Json:
    """Repeat the answer of the first delivery. A message of an agent gets one made up alike."""
    if message.first_answer is not None:
        answer: Json = orjson.loads(message.first_answer)
        return answer
    conversation = session.get_one(Conversation, message.conversation_id)
    contact_id = service.sender_of(session, conversation)
    contact = None if contact_id is None else get_contact(session, contact_id)
    return _answer(session, Routing(contact, False, conversation, False, ""), message)


def _answer(session: UnitOfWork, routing: Routing, message: Message) -> Json:
    contact, conversation = routing.contact, routing.conversation
    return {
        "contact": read_contact(session.reads, contact.id) if contact else None,
        "contact_created": routing.is_contact_new,
        "conversation": service.show_conversation(session, conversation),
        "conversation_created": routing.is_conversation_new,
        "message": {
            "uuid": message.uuid,
            "direction": message.direction,
            "created_at": message.created_at,
        },
        "bucket": SPAM_BUCKET if conversation.status == SPAM else INBOX,
        "duplicate": False,
    }
