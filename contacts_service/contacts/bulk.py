"""Inserts contacts, one or thousands, in a few statements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from contacts_service.contacts.channels import Address, add_addresses
from contacts_service.db.models import Contact
from contacts_service.db.session import Base, UnitOfWork, insert_rows, reserve_ids
from contacts_service.limits import EMAIL
from contacts_service.search.index import add_contacts
from contacts_service.text import fold

CONTACTS_TABLE = Base.metadata.tables[Contact.__tablename__]
COLUMNS = tuple(column.key for column in CONTACTS_TABLE.columns)

row = attrgetter(*COLUMNS)


@dataclass(slots=True)
class NewContact:
    """A contact to insert, with the attributes of `Contact`. `create_contacts` sets the id."""

    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    blocked: bool = False
    custom_attributes: str = "{}"
    created_at: str = ""
    updated_at: str = ""
    are_names_guessed: bool = False
    id: int = 0

    @property
    def is_first_name_guessed(self) -> bool:
        return self.are_names_guessed

    @property
    def is_last_name_guessed(self) -> bool:
        return self.are_names_guessed

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
    session: UnitOfWork,
    people: Sequence[tuple[NewContact, Collection[Address]]],
    *,
    is_indexed: bool = True,
) -> None:
    """Insert contacts with their further addresses, which nobody may have yet.

    Without `is_indexed`, search does not find them until the index is rebuilt.
    """
    for contact_id, (contact, _) in enumerate(
        people, reserve_ids(session, CONTACTS_TABLE, len(people))
    ):
        contact.id = contact_id
    insert_rows(session, CONTACTS_TABLE, COLUMNS, [row(contact) for contact, _ in people])
    primary = [(one.id, (EMAIL, one.email), one.updated_at) for one, _ in people if one.email]
    add_addresses(session, primary, is_primary=True)
    further = [(one.id, address, one.updated_at) for one, more in people for address in more]
    add_addresses(session, further)
    if is_indexed:
        add_contacts(
            session,
            [
                (one.id, one.first_name, one.last_name, one.email, one.phone, more)
                for one, more in people
            ],
        )
