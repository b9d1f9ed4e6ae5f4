"""Records what agents write (docs/messages.md). Sending it is the work of the gateway.

Agents may write to blocked contacts. An outgoing message never changes a status.
"""

from sqlalchemy import select

from contacts_service.auth.principal import Principal
from contacts_service.contacts.queries import contact_exists
from contacts_service.contacts.service import quick_create
from contacts_service.conversations import messages, service
from contacts_service.db.models import Conversation, Message, Participant
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import ConflictError, InputError
from contacts_service.limits import OUTGOING, TRASHED
from contacts_service.strict_json import Json
from contacts_service.timestamps import utc_now


def begin_conversation(session: UnitOfWork, written: Json, author: Principal) -> Json:
    """Begin a conversation with a contact, and record its first message.

    `written` has contact_id or contact, channel, subject, message and message_id. Raises InputError
    for a contact_id that does not exist, and ConflictError for a message_id that is taken.
    """
    contact_id = _contact_id_of(session, written)
    timestamp = utc_now()
    conversation = service.begin_conversation(
        session, channel=written["channel"], subject=written["subject"], timestamp=timestamp
    )
    message = _record_message(session, conversation, written, author, timestamp)
    service.add_sender(session, conversation, contact_id)
    return service.show_conversation(session, conversation) | {"message": message}


def _contact_id_of(session: UnitOfWork, written: Json) -> int:
    if "contact" in written:
        contact_id, _ = quick_create(session, **written["contact"])
        return contact_id
    require_known_contact(session, written["contact_id"])
    return int(written["contact_id"])


def require_known_contact(session: UnitOfWork, contact_id: int) -> None:
    """Raise InputError about `contact_id` if there is no such contact."""
    if not contact_exists(session.reads, contact_id):
        raise InputError({"contact_id": ["There is no such contact."]})


def reply(session: UnitOfWork, uuid: str, written: Json, author: Principal) -> Json:
    """Record an agent's message in a conversation, whose status stays as it is.

    `written` has message and message_id. A message for a trashed conversation begins a new one with
    the same people. Raises NotFoundError, and ConflictError for a message_id that is taken.
    """
    conversation = service.get_conversation(session, uuid)
    timestamp = utc_now()
    if conversation.status == TRASHED:
        conversation = _begin_successor(session, conversation, timestamp)
    return _record_message(session, conversation, written, author, timestamp)


def _begin_successor(session: UnitOfWork, trashed: Conversation, timestamp: str) -> Conversation:
    conversation = service.begin_conversation(
        session, channel=trashed.channel, subject=trashed.subject, timestamp=timestamp
    )
    session.flush()
    people = select(Participant).where(Participant.conversation_id == trashed.id)
    for participant in session.scalars(people):
        service.add_participant(session, conversation, participant.contact_id, participant.role)
    return conversation


def _record_message(
    session: UnitOfWork,
    conversation: Conversation,
    written: Json,
    author: Principal,
    timestamp: str,
) -> Json:
    message_id = written.get("message_id")
    if message_id is not None and messages.has_message(session, message_id):
        raise ConflictError("A message with this message_id is there already.")
    message = Message(
        direction=OUTGOING,
        content=written["message"],
        message_id=message_id,
        author_id=author.agent_id,
        author_name=author.agent_name,
        created_at=timestamp,
    )
    messages.append_message(session, conversation, message)
    session.add(message)
    return messages.show_message(session, message)
