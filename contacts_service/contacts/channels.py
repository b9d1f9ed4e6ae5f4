"""The addresses of contacts, and which contact has which.

The primary email is stored as a channel too (`ContactChannel.is_primary`), but not shown as one.
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
from contacts_service.timestamps import next_timestamp, utc_now
from schemas.contacts import ContactChannelSchema

T = TypeVar("T")

Address = tuple[str, str]  # channel, identifier in its stored spelling
NewAddress = tuple[int, Address, str]  # the contact's id, the address, the time of writing

CHANNELS_TABLE = Base.metadata.tables[ContactChannel.__tablename__]
COLUMNS = ("contact_id", "channel", "identifier", "is_primary", "created_at", "updated_at")

_OWNER = CompiledStatement(
    select(ContactChannel.contact_id).where(
        ContactChannel.channel == bindparam("channel"),
        ContactChannel.identifier == bindparam("identifier"),
    )
)

CHANNEL_SHAPE = Shape(ContactChannelSchema().fields, ContactChannel)

_SHOWN = CompiledStatement(
    select(*CHANNEL_SHAPE.columns)
    .where(
        ContactChannel.contact_id == bindparam("contact_id"), ContactChannel.is_primary.is_(False)
    )
    .order_by(ContactChannel.id)
)


def list_channels(reads: ReadConnection, contact_id: int) -> list[Json]:
    """Read the further addresses of a contact, oldest first, without the primary email."""
    return [CHANNEL_SHAPE.read(row) for row in reads.rows(_SHOWN, {"contact_id": contact_id})]


def find_owner(session: UnitOfWork, channel: str, identifier: str) -> int | None:
    """Find the id of the contact that has this address, as its primary email or as a channel."""
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


def add_addresses(
    session: UnitOfWork, addresses: Iterable[NewAddress], *, is_primary: bool = False
) -> None:
    """Add addresses to contacts. No contact may have them yet (`find_owner`)."""
    rows = [
        (contact_id, *address, is_primary, timestamp, timestamp)
        for contact_id, address, timestamp in addresses
    ]
    insert_rows(session, CHANNELS_TABLE, COLUMNS, rows)


def remove_channel(session: UnitOfWork, contact: Contact, channel_id: int) -> None:
    """Delete a channel. Raises NotFoundError if the contact does not have it."""
    channel = session.get(ContactChannel, channel_id)
    if channel is None or channel.contact_id != contact.id or channel.is_primary:
        raise NotFoundError("There is no such channel of this contact.")
    session.delete(channel)


def remove_phone_channels(session: UnitOfWork, contact: Contact, number: str) -> None:
    """Delete the contact's channels with this phone number, in any spelling."""
    own = ContactChannel.contact_id == contact.id, ContactChannel.channel == PHONE
    for channel in session.scalars(select(ContactChannel).where(*own)):
        if phone_digits(channel.identifier) == phone_digits(number):
            session.delete(channel)


def change_primary(session: UnitOfWork, contact: Contact, email: str | None) -> None:
    """Replace the contact's primary email, or clear it with None.

    A replaced email stays as a channel, a cleared one is deleted. Raises ConflictError if another
    contact has the address.
    """
    new = None if email is None else _find_email(session, email)
    if new is not None and new.contact_id != contact.id:
        raise ConflictError("The email address is already taken.")
    old = None if contact.email is None else _find_email(session, contact.email)
    if old is not None and email is not None:
        old.is_primary = False
        old.updated_at = next_timestamp(old.updated_at)
    elif old is not None:
        session.delete(old)
    contact.email = email
    if new is not None:
        new.is_primary = True
        new.updated_at = next_timestamp(new.updated_at)
    elif email is not None:
        add_addresses(session, [(contact.id, (EMAIL, email), utc_now())], is_primary=True)


def _find_email(session: UnitOfWork, email: str) -> ContactChannel | None:
    return session.scalar(select(ContactChannel).where(*_is((EMAIL, email))))


def _is(address: Address) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    channel, identifier = address
    return ContactChannel.channel == channel, ContactChannel.identifier == identifier
