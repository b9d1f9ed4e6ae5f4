"""Whom a row of an imported file means, and what it would change about that person.

1. Whoever has the row's email, as the primary address or as a channel.
2. If nobody does, or the row has none: who has its phone number, as theirs or as a channel, by the
   digits. Families share phones, so a row with an email of its own means only people without one,
   and a row without email nobody whose email is elsewhere in the file. Of several people: the one
   with the row's names (and its `created_at`, if given), else the one updated last.
3. If the row has no email: who has one of its channels. If it has no address at all: a person
   without address who has its names (and its `created_at`, if given).

Otherwise the row adds a contact. A row changes nobody whom an earlier row of the file was about,
so that importing it again changes nothing: where email, channel, or phone and names say that it is
the same person, a row that differs is refused; where only the phone does, or where the `id` in the
file is another one, it adds a contact.
"""

import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from contacts_service.contacts.bulk import NewContact
from contacts_service.contacts.channels import Address
from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import UnitOfWork
from contacts_service.strict_json import Json, is_same_json, write_json
from contacts_service.text import fold, phone_digits

# What a row without email finds a person by: the digits of a phone, or for people without address
# the folded names, with `created_at` or without.
Clue = str | tuple[str, ...]

VALUES_AT_ONCE = 10_000  # in one statement; SQLite takes 32,766
CACHED = 1 << 12  # phones whose digits are kept at hand

_not_digits = re.compile("[^0-9]+")


@dataclass(slots=True)
class RowValues:
    """The cells of one row that hold something, in their stored spelling."""

    line: int
    values: Json
    number: str = ""  # the id in the file
    names: tuple[str, str] = field(init=False)
    email: str | None = field(init=False)
    phone: str | None = field(init=False)
    channels: list[Address] = field(init=False)
    clue: Clue | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        given = self.values.get
        self.names = fold(given("first_name", "")), fold(given("last_name", ""))
        self.email, self.phone = given("email"), given("phone")
        self.channels = given("contact_channels", [])
        if self.phone is not None:
            self.clue = phone_key(self.phone)
        elif self.email is None and not self.channels:
            moment = given("created_at")
            self.clue = self.names if moment is None else (*self.names, moment)

    @property
    def is_phone_alone(self) -> bool:
        """Whether a phone is all that tells whom the row means."""
        return self.names == ("", "") and not {"email", "created_at"} & self.values.keys()


@dataclass(slots=True, eq=False)
class Person:
    """A contact with its further addresses, and the line and the id of the row about it."""

    contact: Contact | NewContact
    channels: list[Address] = field(default_factory=list)
    line: int | None = None
    number: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return self.contact.first_name_folded, self.contact.last_name_folded

    @property
    def phone_channels(self) -> set[Clue]:
        return {phone_key(number) for channel, number in self.channels if channel == "phone"}

    @property
    def clues(self) -> set[Clue]:
        if self.contact.phone is not None:
            return self.phone_channels | {phone_key(self.contact.phone)}
        if self.addresses:
            return self.phone_channels
        return {self.names, (*self.names, self.contact.created_at)}

    @property
    def addresses(self) -> list[Address]:
        email = self.contact.email
        return self.channels if email is None else [("email", email), *self.channels]


@lru_cache(maxsize=CACHED)
def phone_key(phone: str) -> str:
    """What two spellings of a number share: its digits as search counts them, or all it has."""
    return phone_digits(phone) or _not_digits.sub("", phone)


def new_contact(row: RowValues) -> tuple[NewContact, list[Address]]:
    """A contact with what the row gives; a channel that is its email or phone is left out."""
    fields = dict(row.values)
    fields.pop("contact_channels", None)
    if "custom_attributes" in fields:
        fields["custom_attributes"] = write_json(fields["custom_attributes"]).decode()
    known = ("email", row.email), ("phone", row.phone)
    return NewContact(**fields), [address for address in row.channels if address not in known]


def differences(person: Person, row: RowValues) -> Json:
    """What the row would change. An address that the person has as a channel stays one."""
    contact, values = person.contact, row.values
    changes: Json = {
        name: values[name]
        for name in ("first_name", "last_name", "blocked", "created_at")
        if name in values and values[name] != getattr(contact, name)
    }
    email, phone = contact.email, contact.phone
    if row.email is not None and ("email", row.email) not in person.addresses:
        email = changes["email"] = row.email
    if row.phone not in (None, phone) and row.clue not in person.phone_channels:
        phone = changes["phone"] = row.phone
    attributes = values.get("custom_attributes")
    if attributes is not None and not is_same_json(attributes, contact.custom_attributes):
        changes["custom_attributes"] = attributes
    known = [*person.channels, ("email", email), ("phone", phone)]
    channels = [address for address in row.channels if address not in known]
    return changes | {"contact_channels": channels} if channels else changes


def owners(session: UnitOfWork, addresses: Iterable[Address]) -> dict[Address, int]:
    """The ids of the contacts that have these addresses, for those that anybody has."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for channel, identifier in addresses:
        wanted[channel].add(identifier)
    found = {}
    for channel, identifiers in wanted.items():
        for part in _parts(identifiers):
            query = select(ContactChannel.identifier, ContactChannel.contact_id).where(
                ContactChannel.channel == channel, ContactChannel.identifier.in_(part)
            )
            for identifier, contact_id in session.execute(query):
                found[channel, identifier] = contact_id
    return found


class People:
    """The people whom the rows of one file can mean, a batch of rows at a time.

    `emails` and `lone_phones` are what the file holds, as hashes: its emails in order, and the
    digits of the phones in rows without email.
    """

    def __init__(self, emails: Sequence[int], lone_phones: Collection[int]) -> None:
        self.emails = emails
        self.lone_phones = lone_phones
        self.lines = array("Q")  # by the id of the contact; 0 for none
        self.numbers: dict[int, str] = {}
        self.by_clue: dict[int, list[int]] = defaultdict(list)  # by the hash, which some share
        self.has_all_clues = False
        self.clear()

    def clear(self) -> None:
        self.people: list[Person] = []
        self.owners: dict[Address, Person] = {}
        self.sharing: dict[Clue, list[Person]] = defaultdict(list)

    def load(self, session: UnitOfWork, rows: Sequence[RowValues]) -> None:
        """Look up whom this batch of rows can mean."""
        self.clear()
        emails = [("email", row.email) for row in rows if row.email is not None]
        owner_ids = owners(session, [*emails, *(key for row in rows for key in row.channels)])
        unknown = [row for row in rows if ("email", row.email) not in owner_ids]
        ids = {*owner_ids.values(), *self._sharing(session, unknown)}
        for person in _load_people(session, ids):
            [line] = self.lines[person.contact.id : person.contact.id + 1] or [0]
            person.line = line or None
            person.number = self.numbers.get(person.contact.id, "")
            self.people.append(person)
            self._register(person)
        by_id = {person.contact.id: person for person in self.people}
        self.owners.update((key, by_id[owner_ids[key]]) for key in owner_ids)

    def find(self, row: RowValues) -> Person | None:
        """Whom the row means, or None for somebody new. `line` tells of an earlier row."""
        if row.email is not None and ("email", row.email) in self.owners:
            return self.owners["email", row.email]
        if row.clue is not None and row.clue in self.sharing:
            sharing = [one for one in self.sharing[row.clue] if row.clue in one.clues]
            person = self._best(row, sharing)
            if person is not None:
                return person
        if row.email is not None:
            return None
        return next((self.owners[key] for key in row.channels if key in self.owners), None)

    def claim(self, person: Person, row: RowValues) -> None:
        """Remember the first row that is about the person."""
        if person.line is None:
            person.line, person.number = row.line, row.number

    def add(self, person: Person) -> None:
        """Let the rows that follow find a person that is new or has new addresses."""
        self.people.append(person)
        for address in person.addresses:
            self.owners[address] = person
        self._register(person)

    def settle(self) -> None:
        """Remember of this batch, once it is written, what later ones have to know."""
        for person in self.people:
            contact = person.contact
            if person.line is not None:
                self.lines.extend([0] * (contact.id + 1 - len(self.lines)))
                self.lines[contact.id] = person.line
            for clue in person.clues:
                if self._is_telling(clue, contact.email):
                    self._note(clue, contact.id)
                    if person.number:
                        self.numbers[contact.id] = person.number
        self.clear()

    def _register(self, person: Person) -> None:
        for clue in person.clues:
            if person not in self.sharing[clue]:
                self.sharing[clue].append(person)

    def _sharing(self, session: UnitOfWork, rows: Iterable[RowValues]) -> Iterator[int]:
        clues = {row.clue for row in rows if row.clue is not None}
        if clues and not self.has_all_clues:
            self.has_all_clues = True
            for contact_id, email, clue in _all_clues(session):
                if self._is_telling(clue, email):
                    self._note(clue, contact_id)
        for clue in clues:
            yield from self.by_clue.get(hash(clue), ())

    def _is_telling(self, clue: Clue, email: str | None) -> bool:
        """Whether the clue can decide: for people without email, or for rows without."""
        return email is None or hash(clue) in self.lone_phones

    def _note(self, clue: Clue, contact_id: int) -> None:
        ids = self.by_clue[hash(clue)]
        if contact_id not in ids:
            ids.append(contact_id)

    def _best(self, row: RowValues, people: Iterable[Person]) -> Person | None:
        possible = (person for person in people if self._is_open(person, row))
        return max(
            (person for person in possible if person.line is None or _is_alike(person, row)),
            key=lambda person: _rank(person, row),
            default=None,
        )

    def _is_open(self, person: Person, row: RowValues) -> bool:
        """Whether a clue can lead from the row to the person."""
        email = person.contact.email
        if row.email is not None:
            return email is None and person.line is None
        if person.number and row.number and person.number != row.number:
            return False
        if email is None or person.line is not None:
            return True
        place = bisect_left(self.emails, hash(email))
        return hash(email) not in self.emails[place : place + 1]


def _is_alike(person: Person, row: RowValues) -> bool:
    """Whether nothing speaks against it that the row means this one of several people."""
    if row.values.get("created_at", person.contact.created_at) != person.contact.created_at:
        return False
    return row.names == person.names or row.is_phone_alone


def _rank(person: Person, row: RowValues) -> tuple[Any, ...]:
    contact_id = person.contact.id
    # Of rows that say the same about who is meant, each means the person that the first one does.
    alike = (_is_alike(person, row), person.line is not None)
    if not differences(person, row):
        return (True, *alike, -contact_id)
    return (False, *alike, person.contact.updated_at, contact_id)


def _all_clues(session: UnitOfWork) -> Iterator[tuple[int, str | None, Clue]]:
    """The id, the email and a clue of all people, as often as they have clues."""
    names = (Contact.first_name_folded, Contact.last_name_folded, Contact.created_at)
    people = select(Contact.id, Contact.email, Contact.phone, *names).where(
        Contact.phone.is_not(None) | Contact.email.is_(None)
    )
    phones = (
        select(Contact.id, Contact.email, ContactChannel.identifier)
        .join(ContactChannel, ContactChannel.contact_id == Contact.id)
        .where(ContactChannel.channel == "phone")
    )
    streaming = {"yield_per": VALUES_AT_ONCE}
    for contact_id, email, phone, *words in session.execute(people, execution_options=streaming):
        for clue in [phone_key(phone)] if phone else [tuple(words[:2]), tuple(words)]:
            yield contact_id, email, clue
    for contact_id, email, phone in session.execute(phones, execution_options=streaming):
        yield contact_id, email, phone_key(phone)


def _load_people(session: UnitOfWork, ids: Collection[int]) -> Iterator[Person]:
    for part in _parts(ids):
        people = {
            contact.id: Person(contact)
            for contact in session.scalars(select(Contact).where(Contact.id.in_(part)))
        }
        channels = session.execute(
            select(
                ContactChannel.contact_id, ContactChannel.channel, ContactChannel.identifier
            ).where(ContactChannel.contact_id.in_(part), ContactChannel.is_primary.is_(False))
        )
        for contact_id, channel, identifier in channels:
            people[contact_id].channels.append((channel, identifier))
        yield from people.values()


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    ordered = list(values)
    for start in range(0, len(ordered), VALUES_AT_ONCE):
        yield ordered[start : start + VALUES_AT_ONCE]
