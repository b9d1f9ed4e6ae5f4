"""Incoming messages: from one that has arrived to its contact, conversation and bucket.

The rules are the contract's section 6; all of it happens within the caller's transaction.
"""

from dataclasses import dataclass

import orjson

from contacts_service import limits
from contacts_service.contacts import service as contacts
from contacts_service.contacts.queries import read_contact
from contacts_service.conversations import messages
from contacts_service.conversations import service as conversations
from contacts_service.conversations.incoming import IncomingMessage
from contacts_service.conversations.senders import find_contact, find_or_make_contact
from contacts_service.db.models import Contact, Conversation, Message
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import InputError
from contacts_service.limits import INBOX, OPEN, SPAM, SPAM_BUCKET, STATUSES, TRASHED
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import now

# The statuses in which a conversation takes an incoming message, and one of a blocked sender.
GO_ON = frozenset(STATUSES) - {TRASHED}
BLOCKED_GO_ON = frozenset({SPAM})


@dataclass(frozen=True)
class Delivery:
    """Where a message belongs."""

    contact: Contact | None  # None: an automatic message of somebody unknown
    is_contact_new: bool
    conversation: Conversation
    is_conversation_new: bool
    moment: str


def receive_message(session: UnitOfWork, message: IncomingMessage) -> tuple[Json, bool]:
    """What became of a message, and whether it is new.

    One whose id was seen before changes nothing, and is answered as its first delivery was. Raises
    InputError for a conversation that does not exist.
    """
    if message.message_id is not None:
        known = messages.find_message(session, message.message_id)
        if known is not None:
            return _first_answer(session, known) | {"duplicate": True}, False
    delivery = _route(session, message)
    contact, conversation = delivery.contact, delivery.conversation
    recorded = Message(
        direction=limits.INCOMING,
        content=message.content,
        message_id=message.message_id,
        contact_id=None if contact is None else contact.id,
        created_at=min(message.received_at or delivery.moment, delivery.moment),
    )
    if contact is not None and not contact.blocked:
        conversations.set_status(conversation, OPEN)
    messages.place(session, conversation, recorded)
    if contact is not None and delivery.is_conversation_new:
        conversations.add_sender(session, conversation, contact.id)
    elif contact is not None:
        conversations.add_participant(session, conversation, contact.id)
    if contact is None or not contact.blocked:
        _add_copied_in(session, message, conversation)
    answer = _answer(session, delivery, recorded)
    if message.message_id is not None:
        recorded.first_answer = write_json(answer).decode()
    session.add(recorded)
    return answer, True


def _route(session: UnitOfWork, message: IncomingMessage) -> Delivery:
    """Find or make the sender and the conversation."""
    contact, is_contact_new = _find_sender(session, message)
    is_blocked = contact is not None and contact.blocked
    thread = _find_thread(session, message, must_exist=not is_blocked)
    moment = now()
    if thread is not None and thread.status in (BLOCKED_GO_ON if is_blocked else GO_ON):
        return Delivery(contact, is_contact_new, thread, False, moment)
    begun = conversations.begin_conversation(
        session,
        channel=message.channel,
        subject=message.subject,
        moment=moment,
        status=SPAM if is_blocked else OPEN,
    )
    return Delivery(contact, is_contact_new, begun, True, moment)


def _find_sender(session: UnitOfWork, message: IncomingMessage) -> tuple[Contact | None, bool]:
    # What answers by itself would fill the directory, and two that answer each other would not end.
    if message.is_automatic:
        return find_contact(session, message.sender, message.channel), False
    return find_or_make_contact(session, message.sender, message.channel)


def _find_thread(
    session: UnitOfWork, message: IncomingMessage, *, must_exist: bool
) -> Conversation | None:
    """The conversation that the message names; InputError if there must be one and is none."""
    if message.conversation_uuid is not None:
        conversation = conversations.find_conversation(session, message.conversation_uuid)
        if conversation is None and must_exist:
            raise InputError({"conversation_uuid": ["There is no such conversation."]})
        return conversation
    answered = [message.in_reply_to] if message.in_reply_to else []
    return messages.find_thread(session, [*answered, *reversed(message.references)])


def _add_copied_in(
    session: UnitOfWork, message: IncomingMessage, conversation: Conversation
) -> None:
    for who in message.cc:
        if message.is_automatic:
            contact = find_contact(session, who, message.channel)
        else:
            contact, _ = find_or_make_contact(session, who, message.channel)
        if contact is not None:
            conversations.add_participant(session, conversation, contact.id)


def _first_answer(session: UnitOfWork, known: Message) -> Json:
    """What the first delivery of a message was answered; of one that an agent wrote, alike."""
    if known.first_answer is not None:
        answer: Json = orjson.loads(known.first_answer)
        return answer
    conversation = session.get_one(Conversation, known.conversation_id)
    contact_id = conversations.sender_of(session, conversation)
    contact = None if contact_id is None else contacts.get_contact(session, contact_id)
    return _answer(session, Delivery(contact, False, conversation, False, known.created_at), known)


def _answer(session: UnitOfWork, delivery: Delivery, message: Message) -> Json:
    contact, conversation = delivery.contact, delivery.conversation
    shown = read_contact(session.reads, contact.id) if contact else None
    return {
        "contact": shown,
        "contact_created": delivery.is_contact_new,
        "conversation": conversations.show_conversation(session, conversation),
        "conversation_created": delivery.is_conversation_new,
        "message": {
            "uuid": message.uuid,
            "direction": message.direction,
            "created_at": message.created_at,
        },
        "bucket": SPAM_BUCKET if conversation.status == SPAM else INBOX,
        "duplicate": False,
    }
