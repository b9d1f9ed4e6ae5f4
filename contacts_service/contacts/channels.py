"""Channels: the addresses of contacts, and who has which.

The primary email is one of them (`ContactChannel.is_primary`), though it is not shown as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, bindparam, select

from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import Base, UnitOfWork, insert_rows
from contacts_service.errors import ConflictError, NotFoundError
from contacts_service.limits import EMAIL, PHONE
from contacts_service.strict_json import Json
from contacts_service.text import phone_digits
from contacts_service.timestamps import moment_after, now
from schemas.contacts import ContactChannelSchema

T = TypeVar("T")

Address = tuple[str, str]  # channel, identifier in its stored spelling
Claim = tuple[int, Address, str]  # a contact's id, its address, since when

CHANNELS = Base.metadata.tables[ContactChannel.__tablename__]
COLUMNS = ("contact_id", "channel", "identifier", "is_primary", "created_at", "updated_at")

_OWNER = CompiledStatement(
    select(ContactChannel.contact_id).where(
        ContactChannel.channel == bindparam("channel"),
        ContactChannel.identifier == bindparam("identifier"),
    )
)

CHANNEL = Shape(ContactChannelSchema().fields, ContactChannel)

_SHOWN = CompiledStatement(
    select(*CHANNEL.columns)
    .where(
        ContactChannel.contact_id == bindparam("contact_id"), ContactChannel.is_primary.is_(False)
    )
    .order_by(ContactChannel.id)
)


def list_channels(reads: ReadConnection, contact_id: int) -> list[Json]:
    """The further addresses of a contact, oldest first, without the primary email."""
    return [CHANNEL.read(row) for row in reads.rows(_SHOWN, {"contact_id": contact_id})]


def find_owner(session: UnitOfWork, channel: str, identifier: str) -> int | None:
    """The id of the contact that has this address, as its primary email or as a channel."""
    values = {"channel": channel, "identifier": identifier}
    owner: int | None = session.reads.value(_OWNER, values)
    return owner


def find_owners(session: UnitOfWork, addresses: Iterable[Address]) -> dict[Address, int]:
    """The ids of the contacts that have these addresses; free addresses are left out."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for channel, identifier in addresses:
        wanted[channel].add(identifier)
    found = {}
    for channel, identifiers in wanted.items():
        for part in in_parts(identifiers):
            query = select(ContactChannel.identifier, ContactChannel.contact_id).where(
                ContactChannel.channel == channel, ContactChannel.identifier.in_(part)
            )
            for identifier, contact_id in session.execute(query):
                found[channel, identifier] = contact_id
    return found


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most 10,000 values, as SQLite takes 32,766 in one statement."""
    rest = iter(values)
    while part := list(islice(rest, 10_000)):
        yield part


def claim(session: UnitOfWork, claims: Iterable[Claim], *, is_primary: bool = False) -> None:
    """Give contacts addresses that are free: see `find_owner`."""
    rows = [
        (contact_id, *address, is_primary, moment, moment) for contact_id, address, moment in claims
    ]
    insert_rows(session, CHANNELS, COLUMNS, rows)


def remove(session: UnitOfWork, contact: Contact, channel_id: int) -> None:
    """Raises NotFoundError for a channel that the contact does not have."""
    channel = session.get(ContactChannel, channel_id)
    if channel is None or channel.contact_id != contact.id or channel.is_primary:
        raise NotFoundError("There is no such channel of this contact.")
    session.delete(channel)


def release_number(session: UnitOfWork, contact: Contact, number: str) -> None:
    """Let go of the contact's channels that are this number, however they are written."""
    own = ContactChannel.contact_id == contact.id, ContactChannel.channel == PHONE
    for channel in session.scalars(select(ContactChannel).where(*own)):
        if phone_digits(channel.identifier) == phone_digits(number):
            session.delete(channel)


def change_primary(session: UnitOfWork, contact: Contact, email: str | None) -> None:
    """Let another email be the contact's primary one, or none.

    The old one stays as a channel where another takes its place. Raises ConflictError for an
    address that is somebody else's.
    """
    claimed = None if email is None else _find_email(session, email)
    if claimed is not None and claimed.contact_id != contact.id:
        raise ConflictError("The email address is already taken.")
    old = None if contact.email is None else _find_email(session, contact.email)
    if old is not None and email is not None:
        old.is_primary = False
        old.updated_at = moment_after(old.updated_at)
    elif old is not None:
        session.delete(old)
    contact.email = email
    if claimed is not None:
        claimed.is_primary = True
        claimed.updated_at = moment_after(claimed.updated_at)
    elif email is not None:
        claim(session, [(contact.id, (EMAIL, email), now())], is_primary=True)


def _find_email(session: UnitOfWork, email: str) -> ContactChannel | None:
    return session.scalar(select(ContactChannel).where(*_is((EMAIL, email))))


def _is(address: Address) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    channel, identifier = address
    return ContactChannel.channel == channel, ContactChannel.identifier == identifier
