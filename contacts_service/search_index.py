"""The index that search asks: kept by every writer, compared and rebuilt by command.

A row of `contact_documents` holds what search looks at of a contact; the full-text table
`contact_search` holds the document's tokens and nothing else. Both are keyed by a number that
every indexing takes anew, so that the index streams the most recently updated contacts first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts_service.database import driver
from contacts_service.matching import Document, make_document
from contacts_service.models import Contact, ContactChannel
from contacts_service.search_tokens import tokens

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
    rows = [
        (number, contact_id, document.dump(), token_text(document))
        for number, (contact_id, document) in enumerate(indexed, (last or 0) + 1)
    ]
    connection.executemany(
        f"INSERT INTO {into.documents} (id, contact_id, document) VALUES (?, ?, ?)",
        [row[:3] for row in rows],
    )
    connection.executemany(
        f"INSERT INTO {into.search} (rowid, tokens) VALUES (?, ?)",
        [(row[0], row[3]) for row in rows],
    )


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
    connection = session.connection()
    places = ", ".join("?" * len(contact_ids))
    rows = connection.exec_driver_sql(
        f"SELECT id, document FROM {index.documents} WHERE contact_id IN ({places})",
        tuple(contact_ids),
    ).all()
    if rows:
        connection.exec_driver_sql(
            f"INSERT INTO {index.search} ({index.search}, rowid, tokens) VALUES ('delete', ?, ?)",
            [(number, token_text(Document.load(document))) for number, document in rows],
        )
        connection.exec_driver_sql(
            f"DELETE FROM {index.documents} WHERE id = ?", [(number,) for number, _ in rows]
        )


def token_text(document: Document) -> str:
    return " ".join(tokens(document))
