"""Fills the directory with made-up people, conversations and notes.

Names are drawn at random and addresses are at the domains that RFC 2606 reserves, so that nobody
is real. Into an empty database, the same number of people always gives the same directory except
for times, which end now.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, insert, select

from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.contacts.channels import find_owners
from contacts_service.db.models import Contact, Conversation, Message, Note, Participant
from contacts_service.db.session import Base, UnitOfWork, reserve_ids, unit_of_work
from contacts_service.demo.people import MadeUp, PeopleMaker
from contacts_service.demo.words import AGENTS, FOLLOW_UPS, NOTES, REPLIES, SPAM, TOPICS
from contacts_service.limits import PREVIEW_LENGTH
from contacts_service.strict_json import Json
from contacts_service.timestamps import format_timestamp

ROWS_PER_TRANSACTION = 1000
CONVERSATIONS_PER_CONTACT = 0.6
NOTES_PER_CONTACT = 0.3

# In percent.
CHANNELS = {"email": 70, "chat": 20, "sms": 10}
STATUSES = {"Open": 28, "Snoozed": 8, "Resolved": 28, "Closed": 30, "Spam": 3, "Trashed": 3}
MAX_MESSAGES = 4

TABLES = Base.metadata.tables


@dataclass(frozen=True, slots=True)
class Person:
    """A contact that was added, as far as conversations and notes need it."""

    contact_id: int
    created_at: datetime
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """The rows of a conversation, which has no id yet."""

    conversation: Json
    participants: list[Json]
    messages: list[Json]


class Demo:
    """People to add, with conversations and notes; `total` counts the rows of all three."""

    def __init__(self, contacts: int) -> None:
        self.contacts = contacts
        self.conversations = round(contacts * CONVERSATIONS_PER_CONTACT)
        self.notes = round(contacts * NOTES_PER_CONTACT)
        self.total = contacts + self.conversations + self.notes
        self.now = datetime.now(UTC)
        with unit_of_work() as session:  # a reader would keep its snapshot to the end
            number = 1 + (session.scalar(select(func.max(Contact.id))) or 0)
        self.random = random.Random(f"contacts from {number}")  # noqa: S311
        self.maker = PeopleMaker(self.random, self.now, number, contacts)
        self.people: list[Person] = []

    def batches(self) -> Iterator[int]:
        """Add the rows, and yield how many each committed transaction had.

        Search finds the people only after a rebuild of its index.
        """
        for first in range(0, self.contacts, ROWS_PER_TRANSACTION):
            made = [
                self.maker.make(i)
                for i in range(first, min(first + ROWS_PER_TRANSACTION, self.contacts))
            ]
            with unit_of_work() as session:
                _give_addresses(session, made)
                people = [(one.contact, one.channels) for one in made]
                create_contacts(session, people, is_indexed=False)
            self.people += [_person(one.contact) for one in made]
            yield len(made)
        for events in self._events(self.conversations):
            with unit_of_work() as session:
                _add_conversations(session, [self._conversation(*event) for event in events])
            yield len(events)
        for events in self._events(self.notes):
            with unit_of_work() as session:
                notes = [self._note(*event) for event in events]
                session.execute(insert(TABLES[Note.__tablename__]), notes)
            yield len(events)

    def _events(self, count: int) -> Iterator[list[tuple[datetime, Person]]]:
        """Times and people for `count` rows, ordered by time as if they had come in one by one."""
        events = []
        for person in self.random.choices(self.people, k=count):
            age = self.now - person.created_at
            events.append((person.created_at + age * self.random.random(), person))
        events.sort(key=lambda event: event[0])
        for start in range(0, count, ROWS_PER_TRANSACTION):
            yield events[start : start + ROWS_PER_TRANSACTION]

    def _conversation(self, moment: datetime, person: Person) -> Thread:
        chance = self.random
        is_spam = person.is_blocked
        subject, opening = chance.choice(SPAM if is_spam else TOPICS)
        number = chance.randrange(1000, 100_000)
        channel = _draw(chance, CHANNELS)
        texts = [opening.format(n=number)]
        while not is_spam and len(texts) < MAX_MESSAGES and chance.random() < 0.55:
            texts.append(chance.choice(REPLIES if len(texts) % 2 else FOLLOW_UPS).format(n=number))
        is_begun_by_agent = not is_spam and chance.random() < 0.08
        messages = []
        for position, text in enumerate(texts):
            if position:
                moment += (self.now - moment) * (chance.random() ** 4 / 4)
            is_incoming = position % 2 == int(is_begun_by_agent)
            messages.append(self._message(person, text, channel, moment, is_incoming=is_incoming))
        status = "Spam" if is_spam else _draw(chance, STATUSES)
        conversation = {
            "uuid": self._uuid(),
            "subject": subject.format(n=number),
            "status": status,
            "channel": channel,
            "last_message": texts[-1][:PREVIEW_LENGTH],
            "last_message_at": messages[-1]["created_at"],
            "created_at": messages[0]["created_at"],
            "updated_at": messages[-1]["created_at"],
        }
        return Thread(conversation, self._participants(person), messages)

    def _message(
        self, person: Person, text: str, channel: str, moment: datetime, *, is_incoming: bool
    ) -> Json:
        message_uuid = self._uuid()
        author_id, author_name = (None, None) if is_incoming else self.random.choice(AGENTS)
        return {
            "uuid": message_uuid,
            "direction": "incoming" if is_incoming else "outgoing",
            "content": text,
            "message_id": f"{message_uuid}@example.com" if channel == "email" else None,
            "contact_id": person.contact_id if is_incoming else None,
            "author_id": author_id,
            "author_name": author_name,
            "created_at": format_timestamp(moment),
        }

    def _participants(self, sender: Person) -> list[Json]:
        parts = {sender.contact_id: "sender"}
        while self.random.random() < 0.1:
            parts.setdefault(self.random.choice(self.people).contact_id, "participant")
        return [{"contact_id": contact_id, "role": role} for contact_id, role in parts.items()]

    def _note(self, moment: datetime, person: Person) -> Json:
        author_id, author_name = self.random.choice(AGENTS)
        return {
            "contact_id": person.contact_id,
            "content": self.random.choice(NOTES).format(n=self.random.randrange(1000, 100_000)),
            "author_id": author_id,
            "author_name": author_name,
            "created_at": format_timestamp(moment),
        }

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


def _draw(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _person(contact: NewContact) -> Person:
    return Person(contact.id, datetime.fromisoformat(contact.created_at), contact.blocked)


def _give_addresses(session: UnitOfWork, people: list[MadeUp]) -> None:
    """Give each address to the first person who wants it, unless a contact has it already."""
    wanted = [
        address
        for made in people
        for address in (*made.channels, *(("email", email) for email in made.emails))
    ]
    taken = set(find_owners(session, wanted))
    for made in people:
        free = (email for email in made.emails if ("email", email) not in taken)
        made.contact.email = next(free, None)
        taken.add(("email", made.contact.email or ""))
        made.channels = [address for address in made.channels if address not in taken]
        taken.update(made.channels)


def _add_conversations(session: UnitOfWork, threads: list[Thread]) -> None:
    table = TABLES[Conversation.__tablename__]
    conversations: list[Json] = []
    participants: list[Json] = []
    messages: list[Json] = []
    for conversation_id, thread in enumerate(threads, reserve_ids(session, table, len(threads))):
        conversations.append({"id": conversation_id} | thread.conversation)
        belonging = {"conversation_id": conversation_id}
        participants += [row | belonging for row in thread.participants]
        messages += [row | belonging for row in thread.messages]
    session.execute(insert(table), conversations)
    session.execute(insert(TABLES[Participant.__tablename__]), participants)
    session.execute(insert(TABLES[Message.__tablename__]), messages)
