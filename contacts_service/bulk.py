"""Adding contacts and addresses by the thousand, in a few statements of the driver's own."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from contacts_service.database import Base
from contacts_service.matching import make_document
from contacts_service.models import Contact, ContactChannel
from contacts_service.search_index import add_documents
from contacts_service.text import fold

Address = tuple[str, str]  # channel, identifier

CONTACTS = Base.metadata.tables[Contact.__tablename__]
CHANNELS = Base.metadata.tables[ContactChannel.__tablename__]
CONTACT_COLUMNS = tuple(column.key for column in CONTACTS.columns)
CHANNEL_COLUMNS = tuple(column.key for column in CHANNELS.columns if not column.primary_key)

_contact_row = attrgetter(*CONTACT_COLUMNS)


@dataclass(slots=True)
class NewContact:
    """A contact to add, with the attributes of a `Contact`; `create_contacts` gives the id."""

    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    blocked: bool = False
    custom_attributes: str = "{}"
    created_at: str = ""
    updated_at: str = ""
    id: int = 0

    @property
    def first_name_folded(self) -> str:
        return fold(self.first_name)

    @property
    def last_name_folded(self) -> str:
        return fold(self.last_name)

    @property
    def email_folded(self) -> str | None:
        return None if self.email is None else fold(self.email)


def create_contacts(
    session: Session,
    people: Sequence[tuple[NewContact, Collection[Address]]],
    *,
    is_indexed: bool = True,
) -> None:
    """Add many new contacts with their further addresses, as `create_contact` adds one.

    The addresses must be free. Without `is_indexed`, search doesn't find them until the index is
    rebuilt.
    """
    for contact_id, (contact, _) in enumerate(people, next_id(session, CONTACTS)):
        contact.id = contact_id
    _insert(session, CONTACTS, CONTACT_COLUMNS, [_contact_row(contact) for contact, _ in people])
    primary = [(contact, ("email", contact.email)) for contact, _ in people if contact.email]
    add_channels(session, primary, is_primary=True)
    add_channels(session, [(contact, address) for contact, more in people for address in more])
    if is_indexed:
        add_documents(
            session,
            [
                (one.id, make_document(one.first_name, one.last_name, one.email, one.phone, more))
                for one, more in people
            ],
        )


def add_channels(
    session: Session,
    channels: Iterable[tuple[Contact | NewContact, Address]],
    *,
    is_primary: bool = False,
) -> None:
    """Give contacts addresses, which must be free, at the moment of their last update."""
    rows = [
        (contact.id, *address, is_primary, contact.updated_at, contact.updated_at)
        for contact, address in channels
    ]
    _insert(session, CHANNELS, CHANNEL_COLUMNS, rows)


def next_id(session: Session, table: Table) -> int:
    """The id after the last that was ever given; within the transaction nobody else takes it."""
    # Asking for the ids of many rows back would insert them one by one.
    last = session.connection().exec_driver_sql(
        "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
    )
    return int(last.scalar() or 0) + 1


def _insert(
    session: Session, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    if rows:
        places = ", ".join("?" * len(columns))
        session.connection().exec_driver_sql(
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
            rows,
        )
