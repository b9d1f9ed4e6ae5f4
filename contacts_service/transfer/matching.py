"""Finds the contact that a row of an imported file means, and what the row would change in it.

1. The contact that has the row's email, as its primary address or as a channel.
2. If no contact has it, or the row has no email: a contact that has the row's phone number, as its
   phone or as a channel. Two numbers are the same if the digits of one end the other's, as for the
   sender of a message (docs/messages.md). Families share phones, so a row with an email matches
   only contacts without one, and a row without email matches no contact whose email is elsewhere
   in the file. Of several contacts, the one with the row's names (and its `created_at`, if given)
   is taken, else the one that was updated last.
3. If the row has no email: a contact that has one of its channels. If the row has no address at
   all: a contact without address that has its names (and its `created_at`, if given).

Otherwise the row adds a contact.

A row does not change a contact that an earlier row of the file was about, so that importing the
file again changes nothing. Such a row is refused if it differs and email, channel, or phone and
names say that both are about the same contact. If only the phone says so, or if the rows have
different ids, it adds a contact.
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
from contacts_service.contacts.channels import Address, find_owners, in_parts
from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import UnitOfWork
from contacts_service.limits import PHONE
from contacts_service.search.query import is_same_number, number_endings
from contacts_service.strict_json import Json, is_same_json, write_json
from contacts_service.text import fold, phone_digits

# What a row and a contact have in common other than an address: a number (see `phone_keys`), or for
# rows and contacts without address the folded names, with or without `created_at`.
MatchKey = str | tuple[str, ...]

ROWS_AT_ONCE = 10_000
CACHED_PHONES = 4096

_not_digits = re.compile("[^0-9]+")


@dataclass(slots=True)
class RowValues:
    """The values of a row in their stored spelling; blank cells give none.

    `file_id` is the `id` in the file, which need not be one of ours.
    """

    line: int
    values: Json
    file_id: str = ""
    names: tuple[str, str] = field(init=False)
    email: str | None = field(init=False)
    phone: str | None = field(init=False)
    number: str = field(init=False, default="")  # the phone's digits
    channels: list[Address] = field(init=False)
    keys: Sequence[MatchKey] = field(init=False, default=())

    def __post_init__(self) -> None:
        given = self.values.get
        self.names = fold(given("first_name", "")), fold(given("last_name", ""))
        self.email, self.phone = given("email"), given("phone")
        self.channels = given("contact_channels", [])
        if self.phone is not None:
            self.number = phone_number(self.phone)
            self.keys = wanted_keys(self.phone)
        elif self.email is None and not self.channels:
            moment = given("created_at")
            self.keys = [self.names if moment is None else (*self.names, moment)]

    @property
    def is_phone_alone(self) -> bool:
        """Whether the row names its contact by the phone alone."""
        return self.names == ("", "") and not {"email", "created_at"} & self.values.keys()


@dataclass(slots=True, eq=False)
class Match:
    """A contact that rows can mean, with its channels.

    `line` and `file_id` are those of the first row of this file that is about the contact.
    """

    contact: Contact | NewContact
    channels: list[Address] = field(default_factory=list)
    line: int | None = None
    file_id: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return self.contact.first_name_folded, self.contact.last_name_folded

    @property
    def further_phones(self) -> list[str]:
        return [phone for channel, phone in self.channels if channel == PHONE]

    @property
    def keys(self) -> set[MatchKey]:
        if self.contact.phone is None and not self.addresses:
            return {self.names, (*self.names, self.contact.created_at)}
        phones = self.further_phones
        if self.contact.phone is not None:
            phones.append(self.contact.phone)
        return {key for phone in phones for key in phone_keys(phone)}

    @property
    def addresses(self) -> list[Address]:
        email = self.contact.email
        return self.channels if email is None else [("email", email), *self.channels]


@lru_cache(maxsize=CACHED_PHONES)
def phone_number(phone: str) -> str:
    """The digits of a number that are compared; all of them if search would drop them."""
    return phone_digits(phone) or _not_digits.sub("", phone)


@lru_cache(maxsize=CACHED_PHONES)
def phone_keys(phone: str) -> tuple[MatchKey, ...]:
    """The keys of a contact with this phone: the whole number, and its endings with a star."""
    number = phone_number(phone)
    return number, *(f"*{ending}" for ending in number_endings(number))


def wanted_keys(phone: str) -> list[MatchKey]:
    """The keys of which a contact with the same number has one, and no other contact has any."""
    number, *shorter = number_endings(phone_number(phone))
    return [f"*{number}", *shorter]


def new_contact(row: RowValues) -> tuple[NewContact, list[Address]]:
    """The contact that a row adds, and its channels without those equal to its email or phone."""
    fields = dict(row.values)
    fields.pop("contact_channels", None)
    if "custom_attributes" in fields:
        fields["custom_attributes"] = write_json(fields["custom_attributes"]).decode()
    known = ("email", row.email), ("phone", row.phone)
    return NewContact(**fields), [address for address in row.channels if address not in known]


def differences(match: Match, row: RowValues) -> Json:
    """What the row would change. An email or phone that is a channel already stays one."""
    contact, values = match.contact, row.values
    changes: Json = {
        name: values[name]
        for name in ("first_name", "last_name", "blocked", "created_at")
        if name in values and values[name] != getattr(contact, name)
    }
    email, phone = contact.email, contact.phone
    if row.email is not None and ("email", row.email) not in match.addresses:
        email = changes["email"] = row.email
    if row.phone not in (None, phone) and not _has_channel_of(match, row):
        phone = changes["phone"] = row.phone
    attributes = values.get("custom_attributes")
    if attributes is not None and not is_same_json(attributes, contact.custom_attributes):
        changes["custom_attributes"] = attributes
    known = [*match.channels, ("email", email), ("phone", phone)]
    channels = [address for address in row.channels if address not in known]
    return changes | {"contact_channels": channels} if channels else changes


def _has_channel_of(match: Match, row: RowValues) -> bool:
    """Whether one of the contact's channels is the phone number of the row, in any spelling."""
    numbers = map(phone_number, match.further_phones)
    return any(is_same_number(number, row.number) for number in numbers)


class Matcher:
    """Matches the rows of one file with contacts, one batch of rows at a time.

    `emails` are the sorted hashes of all emails in the file, `lone_phones` the hashes of the keys
    wanted by phones of rows without email.
    """

    def __init__(self, emails: Sequence[int], lone_phones: Collection[int]) -> None:
        self.emails = emails
        self.lone_phones = lone_phones
        self.lines = array("Q")  # by contact id; 0: no row so far
        self.file_ids: dict[int, str] = {}  # by contact id
        self.contact_ids: dict[int, list[int]] = defaultdict(list)  # by hash of a key
        self.has_all_keys = False
        self._clear()

    def _clear(self) -> None:
        self.matches: list[Match] = []
        self.owners: dict[Address, Match] = {}
        self.by_key: dict[MatchKey, list[Match]] = defaultdict(list)

    def load_batch(self, session: UnitOfWork, rows: Sequence[RowValues]) -> None:
        """Look up the contacts that this batch of rows can mean."""
        self._clear()
        emails = [("email", row.email) for row in rows if row.email is not None]
        channels = [address for row in rows for address in row.channels]
        owner_ids = find_owners(session, [*emails, *channels])
        unknown = [row for row in rows if ("email", row.email) not in owner_ids]
        ids = {*owner_ids.values(), *self._ids_by_key(session, unknown)}
        for match in _load_matches(session, ids):
            [line] = self.lines[match.contact.id : match.contact.id + 1] or [0]
            match.line = line or None
            match.file_id = self.file_ids.get(match.contact.id, "")
            self.matches.append(match)
            self._register(match)
        by_id = {match.contact.id: match for match in self.matches}
        self.owners.update((address, by_id[owner]) for address, owner in owner_ids.items())

    def find(self, row: RowValues) -> Match | None:
        """The contact that the row means, or None if it adds one."""
        if row.email is not None and ("email", row.email) in self.owners:
            return self.owners["email", row.email]
        with_key = {match: None for key in row.keys for match in self.by_key.get(key, ())}
        match = self._best(row, [one for one in with_key if not one.keys.isdisjoint(row.keys)])
        if match is not None:
            return match
        if row.email is not None:
            return None
        return next((self.owners[each] for each in row.channels if each in self.owners), None)

    def note_row(self, match: Match, row: RowValues) -> None:
        """Remember the first row that is about the contact."""
        if match.line is None:
            match.line, match.file_id = row.line, row.file_id

    def add(self, match: Match) -> None:
        """Let later rows find a contact that is new or has new addresses."""
        self.matches.append(match)
        for address in match.addresses:
            self.owners[address] = match
        self._register(match)

    def commit_batch(self) -> None:
        """Remember what later batches need of this one; call it when the batch is written."""
        for match in self.matches:
            contact = match.contact
            if match.line is not None:
                self.lines.extend([0] * (contact.id + 1 - len(self.lines)))
                self.lines[contact.id] = match.line
            for key in match.keys:
                if self._can_decide(key, contact.email):
                    self._note_key(key, contact.id)
                    if match.file_id:
                        self.file_ids[contact.id] = match.file_id
        self._clear()

    def _register(self, match: Match) -> None:
        for key in match.keys:
            if self._can_decide(key, match.contact.email) and match not in self.by_key[key]:
                self.by_key[key].append(match)

    def _ids_by_key(self, session: UnitOfWork, rows: Iterable[RowValues]) -> Iterator[int]:
        keys = {key for row in rows for key in row.keys}
        if keys and not self.has_all_keys:
            self.has_all_keys = True
            for contact_id, email, key in _all_keys(session):
                if self._can_decide(key, email):
                    self._note_key(key, contact_id)
        for key in keys:
            yield from self.contact_ids.get(hash(key), ())

    def _can_decide(self, key: MatchKey, email: str | None) -> bool:
        """Whether a row can match by this key: the contact or a row of the key has no email."""
        return email is None or hash(key) in self.lone_phones

    def _note_key(self, key: MatchKey, contact_id: int) -> None:
        ids = self.contact_ids[hash(key)]
        if contact_id not in ids:
            ids.append(contact_id)

    def _best(self, row: RowValues, matches: Iterable[Match]) -> Match | None:
        possible = (match for match in matches if self._is_open(match, row))
        return max(
            (match for match in possible if match.line is None or _is_alike(match, row)),
            key=lambda match: _rank(match, row),
            default=None,
        )

    def _is_open(self, match: Match, row: RowValues) -> bool:
        """Whether the row can mean this contact without having its email."""
        email = match.contact.email
        if row.email is not None:
            return email is None and match.line is None
        if match.file_id and row.file_id and match.file_id != row.file_id:
            return False
        if email is None or match.line is not None:
            return True
        place = bisect_left(self.emails, hash(email))
        return hash(email) not in self.emails[place : place + 1]


def _is_alike(match: Match, row: RowValues) -> bool:
    """Whether names and `created_at` of the row, if given, are the contact's."""
    if row.values.get("created_at", match.contact.created_at) != match.contact.created_at:
        return False
    return row.names == match.names or row.is_phone_alone


def _rank(match: Match, row: RowValues) -> tuple[Any, ...]:
    contact_id = match.contact.id
    # Rows with the same names and key must all match the contact that the first one matched.
    alike = (_is_alike(match, row), match.line is not None)
    if not differences(match, row):
        return (True, *alike, -contact_id)
    return (False, *alike, match.contact.updated_at, contact_id)


def _all_keys(session: UnitOfWork) -> Iterator[tuple[int, str | None, MatchKey]]:
    """Id, email and key of every contact, once for each of its keys."""
    names = (Contact.first_name_folded, Contact.last_name_folded, Contact.created_at)
    people = select(Contact.id, Contact.email, Contact.phone, *names).where(
        Contact.phone.is_not(None) | Contact.email.is_(None)
    )
    phones = (
        select(Contact.id, Contact.email, ContactChannel.identifier)
        .join(ContactChannel, ContactChannel.contact_id == Contact.id)
        .where(ContactChannel.channel == "phone")
    )
    streaming = {"yield_per": ROWS_AT_ONCE}
    for contact_id, email, phone, *words in session.execute(people, execution_options=streaming):
        for key in phone_keys(phone) if phone else [tuple(words[:2]), tuple(words)]:
            yield contact_id, email, key
    for contact_id, email, phone in session.execute(phones, execution_options=streaming):
        for key in phone_keys(phone):
            yield contact_id, email, key


def _load_matches(session: UnitOfWork, ids: Collection[int]) -> Iterator[Match]:
    for part in in_parts(ids):
        people = {
            contact.id: Match(contact)
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
