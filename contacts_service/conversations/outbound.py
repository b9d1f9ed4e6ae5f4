"""Outgoing messages: what agents write, to blocked contacts too; it never changes a status.

The service records; sending is the gateway's work.
"""

from sqlalchemy import select

from contacts_service import limits
from contacts_service.auth.principal import Principal
from contacts_service.contacts import service as contacts
from contacts_service.contacts.queries import contact_exists
from contacts_service.conversations import messages
from contacts_service.conversations import service as conversations
from contacts_service.db.models import Conversation, Message, Participant
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import ConflictError, InputError
from contacts_service.limits import TRASHED
from contacts_service.strict_json import Json
from contacts_service.timestamps import now


def begin_conversation(session: UnitOfWork, written: Json, author: Principal) -> Json:
    """A conversation that an agent begins with a contact, with the message in it.

    `written` has contact_id or contact, channel, subject, message and message_id. Raises InputError
    for a contact that does not exist, ConflictError for a message_id that is known.
    """
    contact_id = _contact(session, written)
    moment = now()
    conversation = conversations.begin_conversation(
        session, channel=written["channel"], subject=written["subject"], moment=moment
    )
    message = _write(session, conversation, written, author, moment)
    conversations.add_sender(session, conversation, contact_id)
    return conversations.show_conversation(session, conversation) | {"message": message}


def _contact(session: UnitOfWork, written: Json) -> int:
    if "contact" in written:
        contact_id, _ = contacts.quick_create(session, **written["contact"])
        return contact_id
    if not contact_exists(session.reads, written["contact_id"]):
        raise InputError({"contact_id": ["There is no such contact."]})
    return int(written["contact_id"])


def reply(session: UnitOfWork, uuid: str, written: Json, author: Principal) -> Json:
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


def _begin_again(session: UnitOfWork, trashed: Conversation, moment: str) -> Conversation:
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
    session: UnitOfWork, conversation: Conversation, written: Json, author: Principal, moment: str
) -> Json:
    message_id = written.get("message_id")
    if message_id is not None and messages.find_message(session, message_id) is not None:
        raise ConflictError("A message with this message_id is there already.")
    message = Message(
        direction=limits.OUTGOING,
        content=written["message"],
        message_id=message_id,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=moment,
    )
    messages.place(session, conversation, message)
    session.add(message)
    return messages.show_message(session, message)
