"""The index that search asks: kept by every writer, compared and rebuilt by command.

A row of `contact_documents` holds what search looks at of a contact; the table `contact_search`
holds the document's tokens and nothing else, as the database likes them (`search_sqlite`,
`search_postgresql`). Both are keyed by a number that every indexing takes anew, so that the index
streams the most recently updated contacts first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import backend, driver
from contacts_service.search.ranking import Document, make_document
from contacts_service.search.tokens import tokens

BATCH = 1000  # contacts in one step


@dataclass(frozen=True)
class Tables:
    """The two tables of an index."""

    documents: str
    search: str


LIVE = Tables("contact_documents", "contact_search")


def index_contacts(session: Session, contact_ids: Sequence[int], into: Tables = LIVE) -> None:
    """Bring the index up to these contacts and their channels as they stand in this transaction.

    They count as the most recently updated from here on, the last one most.
    """
    session.flush()
    _remove(session, contact_ids, into)
    add_documents(session, documents(session, contact_ids), into)


def add_documents(
    session: Session, indexed: Iterable[tuple[int, Document]], into: Tables = LIVE
) -> None:
    """Index contacts that are not in the index yet, each an id and its document.

    They count as the most recently updated from here on, the last one most.
    """
    connection = driver(session)
    (last,) = connection.execute(f"SELECT max(id) FROM {into.documents}").fetchone()
    numbered = list(enumerate(indexed, (last or 0) + 1))
    if not numbered:
        return
    backend().insert_rows(
        connection,
        into.documents,
        ("id", "contact_id", "document"),
        [(number, contact_id, document.dump()) for number, (contact_id, document) in numbered],
    )
    rows = [(number, tokens(document)) for number, (_, document) in numbered]
    backend().search.add(connection, into.search, rows)


def documents(session: Session, contact_ids: Sequence[int]) -> Iterator[tuple[int, Document]]:
    """The documents of contacts as the tables say them, in the order of the ids given."""
    channels: dict[int, list[tuple[str, str]]] = {}
    for contact_id, channel, identifier in session.execute(
        select(ContactChannel.contact_id, ContactChannel.channel, ContactChannel.identifier)
        .where(ContactChannel.contact_id.in_(contact_ids), ContactChannel.is_primary.is_(False))
        .order_by(ContactChannel.id)
    ):
        channels.setdefault(contact_id, []).append((channel, identifier))
    people = {
        person.id: person
        for person in session.execute(
            select(
                Contact.id, Contact.first_name, Contact.last_name, Contact.email, Contact.phone
            ).where(Contact.id.in_(contact_ids))
        )
    }
    for contact_id in contact_ids:
        _, first_name, last_name, email, phone = people[contact_id]
        further = channels.get(contact_id, ())
        yield contact_id, make_document(first_name, last_name, email, phone, further)


def index_everybody(session: Session) -> Iterator[int]:
    """Fill an empty index, the least recently updated contacts first, in one transaction.

    Yields how many contacts each step did.
    """
    ids = session.scalars(select(Contact.id).order_by(Contact.updated_at, Contact.id))
    for batch in ids.partitions(BATCH):
        add_documents(session, documents(session, batch))
        yield len(batch)


def _remove(session: Session, contact_ids: Sequence[int], index: Tables) -> None:
    connection, place = driver(session), backend().placeholder
    places = ", ".join([place] * len(contact_ids)) or "NULL"
    rows = connection.execute(
        f"SELECT id, document FROM {index.documents} WHERE contact_id IN ({places})",
        tuple(contact_ids),
    ).fetchall()
    if rows:
        indexed = [(number, tokens(Document.load(document))) for number, document in rows]
        backend().search.remove(connection, index.search, indexed)
        for number, _ in rows:
            connection.execute(f"DELETE FROM {index.documents} WHERE id = {place}", (number,))
