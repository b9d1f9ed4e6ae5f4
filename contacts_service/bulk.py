"""Adding contacts by the thousand, in a few statements."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import insert
from sqlalchemy.orm import Session

from contacts_service.contacts import fold_columns
from contacts_service.database import Base
from contacts_service.models import Contact, ContactChannel
from contacts_service.search_index import index_contacts
from contacts_service.strict_json import Json

Address = tuple[str, str]  # channel, identifier

CONTACTS = Base.metadata.tables[Contact.__tablename__]
CHANNELS = Base.metadata.tables[ContactChannel.__tablename__]
CONTACT_COLUMNS = tuple(column.key for column in CONTACTS.columns if not column.primary_key)


def create_contacts(session: Session, people: Sequence[tuple[Contact, Iterable[Address]]]) -> None:
    """Add many new contacts with their further addresses, as `create_contact` adds one.

    They are complete but for the id and the folded columns, which are filled in, and stay outside
    of the session. The addresses must be free.
    """
    if not people:
        return
    for contact, _ in people:
        fold_columns(contact)
    rows = [{name: getattr(contact, name) for name in CONTACT_COLUMNS} for contact, _ in people]
    ids = session.scalars(
        insert(CONTACTS).returning(CONTACTS.c.id, sort_by_parameter_order=True), rows
    )
    for (contact, _), contact_id in zip(people, ids, strict=True):
        contact.id = contact_id
    channels = [
        channel_values(contact, address, is_primary=is_primary)
        for contact, further in people
        for address, is_primary in _addresses(contact, further)
    ]
    if channels:
        session.execute(insert(CHANNELS), channels)
    index_contacts(session, [contact.id for contact, _ in people])


def _addresses(contact: Contact, further: Iterable[Address]) -> Iterator[tuple[Address, bool]]:
    """What the contact claims, each with whether it is its primary email."""
    if contact.email is not None:
        yield ("email", contact.email), True
    for address in further:
        yield address, False


def channel_values(contact: Contact, address: Address, *, is_primary: bool) -> Json:
    channel, identifier = address
    return {
        "contact_id": contact.id,
        "channel": channel,
        "identifier": identifier,
        "is_primary": is_primary,
        "created_at": contact.updated_at,
        "updated_at": contact.updated_at,
    }
