"""Adding contacts by the thousand, in a few statements."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from contacts_service.contacts import fold_columns
from contacts_service.database import Base
from contacts_service.models import Contact, ContactChannel
from contacts_service.search_index import index_contacts
from contacts_service.strict_json import Json

Address = tuple[str, str]  # channel, identifier

CONTACTS = Base.metadata.tables[Contact.__tablename__]
CHANNELS = Base.metadata.tables[ContactChannel.__tablename__]
# Left to their default: names that come by the thousand are given, not guessed.
NOT_GIVEN = {"is_first_name_guessed", "is_last_name_guessed"}
CONTACT_COLUMNS = tuple(column.key for column in CONTACTS.columns if column.key not in NOT_GIVEN)


def create_contacts(
    session: Session,
    people: Sequence[tuple[Contact, Iterable[Address]]],
    *,
    is_indexed: bool = True,
) -> None:
    """Add many new contacts with their further addresses, as `create_contact` adds one.

    They are complete but for the id and the folded columns, which are filled in, and stay outside
    of the session. The addresses must be free. Without `is_indexed`, search doesn't find them
    until the index is rebuilt.
    """
    if not people:
        return
    for contact, _ in people:
        fold_columns(contact)
    for contact_id, (contact, _) in enumerate(people, next_id(session, CONTACTS)):
        contact.id = contact_id
    rows = [{name: getattr(contact, name) for name in CONTACT_COLUMNS} for contact, _ in people]
    session.execute(insert(CONTACTS), rows)
    channels = [
        channel_values(contact, address, is_primary=is_primary)
        for contact, further in people
        for address, is_primary in _addresses(contact, further)
    ]
    if channels:
        session.execute(insert(CHANNELS), channels)
    if is_indexed:
        index_contacts(session, [contact.id for contact, _ in people])


def next_id(session: Session, table: Table) -> int:
    """The id after the last that was ever given; within the transaction nobody else takes it."""
    # Asking for the ids of many rows back would insert them one by one.
    last = session.connection().exec_driver_sql(
        "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
    )
    return int(last.scalar() or 0) + 1


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
