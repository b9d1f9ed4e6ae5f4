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
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service.bulk import Address
from contacts_service.models import Contact, ContactChannel
from contacts_service.strict_json import Json
from contacts_service.text import fold, phone_digits

VALUES_AT_ONCE = 10_000  # in one statement; SQLite takes 32,766

_not_digits = re.compile("[^0-9]+")


@dataclass(slots=True)
class RowValues:
    """The cells of one row that hold something, in their stored spelling."""

    line: int
    values: Json
    number: str = ""  # the id in the file
    names: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        given = (self.values.get("first_name", ""), self.values.get("last_name", ""))
        self.names = fold(given[0]), fold(given[1])

    @property
    def email(self) -> str | None:
        return self.values.get("email")

    @property
    def phone(self) -> str | None:
        return self.values.get("phone")

    @property
    def is_phone_alone(self) -> bool:
        """Whether a phone is all that tells whom the row means."""
        return self.names == ("", "") and not {"email", "created_at"} & self.values.keys()

    @property
    def channels(self) -> list[Address]:
        addresses: list[Address] = self.values.get("contact_channels", [])
        return addresses


@dataclass(slots=True, eq=False)
class Person:
    """A contact with its further addresses, and the line and the id of the row about it."""

    contact: Contact
    channels: list[Address] = field(default_factory=list)
    line: int | None = None
    number: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return self.contact.first_name_folded, self.contact.last_name_folded

    @property
    def phones(self) -> set[str]:
        """The digits of the numbers it has."""
        numbers = [identifier for channel, identifier in self.channels if channel == "phone"]
        return {phone_key(number) for number in [*numbers, self.contact.phone or ""] if number}

    @property
    def addresses(self) -> list[Address]:
        email = self.contact.email
        return self.channels if email is None else [("email", email), *self.channels]


def phone_key(phone: str) -> str:
    """What two spellings of a number share: its digits as search counts them, or all it has."""
    return phone_digits(phone) or _not_digits.sub("", phone)


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
    if row.phone is not None and row.phone != phone and not _has_phone_channel(person, row.phone):
        phone = changes["phone"] = row.phone
    if "custom_attributes" in values and not _is_same_json(values, contact.custom_attributes):
        changes["custom_attributes"] = values["custom_attributes"]
    known = [*person.channels, ("email", email), ("phone", phone)]
    channels = [address for address in row.channels if address not in known]
    return changes | {"contact_channels": channels} if channels else changes


def _has_phone_channel(person: Person, phone: str) -> bool:
    digits = phone_key(phone)
    return any(
        phone_key(identifier) == digits
        for channel, identifier in person.channels
        if channel == "phone"
    )


def _is_same_json(values: Json, stored: str) -> bool:
    given = values["custom_attributes"]
    if orjson.dumps(given).decode() == stored:
        return True
    # As sorted text, because Python takes 1, 1.0 and True for equal.
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        orjson.loads(stored), option=orjson.OPT_SORT_KEYS
    )


def owners(session: Session, addresses: Iterable[Address]) -> dict[Address, int]:
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

    `emails` and `lone_phones` are what the file holds: the hashes of its emails, and the digits of
    the phones in rows without email.
    """

    def __init__(self, emails: Collection[int], lone_phones: Collection[str]) -> None:
        self.emails = emails
        self.lone_phones = lone_phones
        self.lines: dict[int, int] = {}
        self.numbers: dict[int, str] = {}
        self.by_phone: dict[str, list[int]] | None = None
        self.clear()

    def clear(self) -> None:
        self.people: dict[int, Person] = {}
        self.new: list[Person] = []
        self.owners: dict[Address, Person] = {}
        self.sharing: dict[str, list[Person]] = defaultdict(list)
        self.namesakes: dict[tuple[str, str], list[Person]] = defaultdict(list)

    def load(self, session: Session, rows: Sequence[RowValues]) -> None:
        """Look up whom this batch of rows can mean."""
        self.clear()
        emails = [("email", row.email) for row in rows if row.email is not None]
        owner_ids = owners(session, [*emails, *(key for row in rows for key in row.channels)])
        unknown = [row for row in rows if ("email", row.email or "") not in owner_ids]
        phones = {phone_key(row.phone) for row in unknown if row.phone is not None}
        ids = {*owner_ids.values(), *self._sharing(session, phones)}
        ids.update(_without_address(session, unknown))
        for person in _load_people(session, ids):
            person.line = self.lines.get(person.contact.id)
            person.number = self.numbers.get(person.contact.id, "")
            self.people[person.contact.id] = person
            self._register(person)
        self.owners.update((key, self.people[owner_ids[key]]) for key in owner_ids)

    def find(self, row: RowValues) -> Person | None:
        """Whom the row means, or None for somebody new. `line` tells of an earlier row."""
        if row.email is not None and ("email", row.email) in self.owners:
            return self.owners["email", row.email]
        if row.email is not None and row.phone is None:
            return None
        if row.phone is not None:
            digits = phone_key(row.phone)
            sharing = [one for one in self.sharing.get(digits, ()) if digits in one.phones]
            person = self._best(row, sharing)
            if person is not None or row.email is not None:
                return person
        if row.channels:
            return next((self.owners[key] for key in row.channels if key in self.owners), None)
        if row.phone is None:
            namesakes = self.namesakes.get(row.names, ())
            return self._best(row, [one for one in namesakes if _is_alike(one, row)])
        return None

    def claim(self, person: Person, row: RowValues) -> None:
        """Remember the first row that is about the person."""
        if person.line is None:
            person.line, person.number = row.line, row.number

    def add(self, person: Person) -> None:
        """Let the rows that follow find a person that is new or has new addresses."""
        self.owners.update(dict.fromkeys(person.addresses, person))
        self._register(person)

    def settle(self) -> None:
        """Remember of this batch, once it is written, what later ones have to know."""
        for person in (*self.people.values(), *self.new):
            if person.line is not None:
                self.lines[person.contact.id] = person.line
            if person.number and (person.contact.email is None or self._has_lone_phone(person)):
                self.numbers[person.contact.id] = person.number
        for digits, people in self.sharing.items():
            for person in people:
                self._note_phone(digits, person.contact.id, person.contact.email)
        self.clear()

    def _register(self, person: Person) -> None:
        for digits in person.phones:
            if person not in self.sharing[digits]:
                self.sharing[digits].append(person)
        if not person.phones and not person.addresses:
            self.namesakes[person.names].append(person)

    def _sharing(self, session: Session, phones: Collection[str]) -> Iterator[int]:
        if phones and self.by_phone is None:
            self.by_phone = {}
            streamed = session.execute(_PHONES, execution_options={"yield_per": VALUES_AT_ONCE})
            for contact_id, email, phone in streamed:
                self._note_phone(phone_key(phone or ""), contact_id, email)
        for digits in phones:
            yield from (self.by_phone or {}).get(digits, ())

    def _note_phone(self, digits: str, contact_id: int, email: str | None) -> None:
        # A phone decides for people without email, or for rows without.
        if self.by_phone is not None and (email is None or digits in self.lone_phones):
            ids = self.by_phone.setdefault(digits, [])
            if contact_id not in ids:
                ids.append(contact_id)

    def _has_lone_phone(self, person: Person) -> bool:
        return bool(self.lone_phones) and not person.phones.isdisjoint(self.lone_phones)

    def _best(self, row: RowValues, people: Iterable[Person]) -> Person | None:
        possible = (person for person in people if self._is_open(person, row))
        return max(
            (person for person in possible if person.line is None or _is_alike(person, row)),
            key=lambda person: _rank(person, row),
            default=None,
        )

    def _is_open(self, person: Person, row: RowValues) -> bool:
        """Whether a phone can lead from the row to the person."""
        email = person.contact.email
        if row.email is not None:
            return email is None and person.line is None
        if person.number and row.number and person.number != row.number:
            return False
        return email is None or person.line is not None or hash(email) not in self.emails


def _is_alike(person: Person, row: RowValues) -> bool:
    """Whether nothing speaks against it that the row means this one of several people."""
    if row.values.get("created_at", person.contact.created_at) != person.contact.created_at:
        return False
    return row.names == person.names or row.is_phone_alone


def _rank(person: Person, row: RowValues) -> tuple[Any, ...]:
    contact_id = person.contact.id or 0
    # Of rows that say the same about who is meant, each means the person that the first one does.
    alike = (_is_alike(person, row), person.line is not None)
    if not differences(person, row):
        return (True, *alike, -contact_id)
    return (False, *alike, person.contact.updated_at, contact_id)


_PHONES = (
    select(Contact.id, Contact.email, Contact.phone)
    .where(Contact.phone.is_not(None))
    .union_all(
        select(Contact.id, Contact.email, ContactChannel.identifier)
        .join(ContactChannel, ContactChannel.contact_id == Contact.id)
        .where(ContactChannel.channel == "phone")
    )
)


def _without_address(session: Session, rows: Iterable[RowValues]) -> Iterator[int]:
    """The ids of those without address whom rows without one can mean."""
    lone = [row for row in rows if not (row.email or row.phone or row.channels)]
    moments = {row.values["created_at"] for row in lone if "created_at" in row.values}
    names = {row.names[1] for row in lone if "created_at" not in row.values}
    for column, values in ((Contact.created_at, moments), (Contact.last_name_folded, names)):
        for part in _parts(values):
            yield from session.scalars(
                select(Contact.id).where(
                    column.in_(part), Contact.email.is_(None), Contact.phone.is_(None)
                )
            )


def _load_people(session: Session, ids: Collection[int]) -> Iterator[Person]:
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
