"""Channels: the addresses of contacts, and who has which.

The primary email is one of them (`ContactChannel.is_primary`), though it is not shown as one.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.queries import Prepared
from contacts_service.db.session import Base, insert_rows, reader_of
from contacts_service.db.sql_json import json_list, json_object
from contacts_service.errors import ConflictError, NotFoundError
from contacts_service.text import phone_digits
from contacts_service.timestamps import moment_after, now

EMAIL, PHONE = "email", "phone"

Address = tuple[str, str]  # channel, identifier in its stored spelling
Claim = tuple[int, Address, str]  # a contact's id, its address, since when

CHANNELS = Base.metadata.tables[ContactChannel.__tablename__]
COLUMNS = ("contact_id", "channel", "identifier", "is_primary", "created_at", "updated_at")

_OWNER = Prepared(
    select(ContactChannel.contact_id).where(
        ContactChannel.channel == bindparam("channel"),
        ContactChannel.identifier == bindparam("identifier"),
    )
)

# The channels of a contact that are shown, oldest first, as JSON.
FURTHER = json_list(
    select(
        json_object(
            ContactChannel.id,
            ContactChannel.channel,
            ContactChannel.identifier,
            ContactChannel.created_at,
            ContactChannel.updated_at,
        )
    )
    .where(ContactChannel.contact_id == Contact.id, ContactChannel.is_primary.is_(False))
    .order_by(ContactChannel.id)
    .correlate(Contact)
)


def find_owner(session: Session, channel: str, identifier: str) -> int | None:
    """The id of the contact that has this address, as its primary email or as a channel."""
    values = {"channel": channel, "identifier": identifier}
    owner: int | None = reader_of(session).value(_OWNER, values)
    return owner


def claim(session: Session, claims: Iterable[Claim], *, is_primary: bool = False) -> None:
    """Give contacts addresses that are free: see `find_owner`."""
    rows = [
        (contact_id, *address, is_primary, moment, moment) for contact_id, address, moment in claims
    ]
    insert_rows(session, CHANNELS, COLUMNS, rows)


def remove(session: Session, contact: Contact, channel_id: int) -> None:
    """Raises NotFoundError for a channel that the contact does not have."""
    channel = session.get(ContactChannel, channel_id)
    if channel is None or channel.contact_id != contact.id or channel.is_primary:
        raise NotFoundError("There is no such channel of this contact.")
    session.delete(channel)


def release_number(session: Session, contact: Contact, number: str) -> None:
    """Let go of the contact's channels that are this number, however they are written."""
    own = ContactChannel.contact_id == contact.id, ContactChannel.channel == PHONE
    for channel in session.scalars(select(ContactChannel).where(*own)):
        if phone_digits(channel.identifier) == phone_digits(number):
            session.delete(channel)


def change_primary(session: Session, contact: Contact, email: str | None) -> None:
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


def _find_email(session: Session, email: str) -> ContactChannel | None:
    return session.scalar(select(ContactChannel).where(*_is((EMAIL, email))))


def _is(address: Address) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    channel, identifier = address
    return ContactChannel.channel == channel, ContactChannel.identifier == identifier
