"""Shows what can happen to a contact, by doing it: a mail, a block, Spam, a reply."""

from collections.abc import Iterator

from sqlalchemy import func, select

from contacts_service.auth.principal import Principal
from contacts_service.contacts import service as contacts
from contacts_service.conversations import inbound, outbound
from contacts_service.conversations.incoming import Correspondent, IncomingMessage
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork, unit_of_work
from contacts_service.strict_json import Json

CONTACTS, CONVERSATIONS = 1, 2  # added by the story
AGENT = Principal("17", "Bob Smith", frozenset())


def tell() -> Iterator[str]:
    """Do the steps with a new contact, and yield a sentence after each."""
    with unit_of_work() as session:
        number = 1 + (session.scalar(select(func.max(Contact.id))) or 0)
    sender = Correspondent(email=f"nora.field{number}@example.net", display_name="Nora Field")
    with unit_of_work() as session:
        answer = _receive(session, sender, "Where is my parcel?")
    contact_id, thread = answer["contact"]["id"], answer["conversation"]
    yield f"A mail arrives from {sender.email}: Nora Field is contact {contact_id} from here on."
    yield f"It is in the {answer['bucket']}, as conversation {thread['reference_number']}."
    with unit_of_work() as session:
        contact = contacts.get_contact(session, contact_id)
        contacts.block_contact(session, contact, is_blocked=True)
    yield "An agent blocks her."
    with unit_of_work() as session:
        answer = _receive(session, sender, "Answer me!")
    reference = answer["conversation"]["reference_number"]
    yield f"Her next mail is in {answer['bucket']}, as conversation {reference}."
    with unit_of_work() as session:
        written = {"message": "Your parcel is on its way; please stay friendly."}
        outbound.reply(session, thread["uuid"], written, AGENT)
    yield f"A reply goes out all the same, in conversation {thread['reference_number']}."


def _receive(session: UnitOfWork, sender: Correspondent, content: str) -> Json:
    message = IncomingMessage("email", sender, subject="My parcel", content=content)
    answer, _ = inbound.receive_message(session, message)
    return answer
