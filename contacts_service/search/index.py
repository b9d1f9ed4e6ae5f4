"""The index that search asks: kept by every writer, compared and rebuilt by command.

A row of `contact_documents` holds what search looks at of a contact; the table `contact_search`
holds the document's tokens and nothing else, as the database likes them (`search_sqlite`,
`search_postgresql`). Both are keyed by a number that every indexing takes anew, so that the index
streams the most recently updated contacts first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import UnitOfWork, backend
from contacts_service.db.sql import numbers_parameter
from contacts_service.search.backend import SearchIndex
from contacts_service.search.postgresql_index import PostgreSQLSearch
from contacts_service.search.ranking import Document, make_document
from contacts_service.search.sqlite_index import SQLiteSearch
from contacts_service.search.tokens import tokens
from contacts_service.strict_json import write_json

# A contact's id, first and last name, email, phone, and further (channel, identifier) pairs.
Person = tuple[int, str, str, str | None, str | None, Iterable[tuple[str, str]]]

BATCH = 1000  # contacts in one step


@dataclass(frozen=True)
class Tables:
    """The two tables of an index."""

    documents: str
    search: str


INDEXES: dict[str, SearchIndex] = {"sqlite": SQLiteSearch(), "postgresql": PostgreSQLSearch()}

_ids = numbers_parameter("ids")
_CONTACTS = CompiledStatement(
    select(Contact.id, Contact.first_name, Contact.last_name, Contact.email, Contact.phone).join(
        _ids, _ids.c.value == Contact.id
    )
)
_CHANNELS = CompiledStatement(
    select(ContactChannel.contact_id, ContactChannel.channel, ContactChannel.identifier)
    .join(_ids, _ids.c.value == ContactChannel.contact_id)
    .where(ContactChannel.is_primary.is_(False))
    .order_by(ContactChannel.id)
)

LIVE = Tables("contact_documents", "contact_search")


def search_index(connection: "ReadConnection | UnitOfWork | Connection") -> SearchIndex:
    """The index of the database that the connection is to."""
    return INDEXES[connection.dialect.name]


def index_contacts(session: UnitOfWork, contact_ids: Sequence[int], into: Tables = LIVE) -> None:
    """Bring the index up to these contacts and their channels as they stand in this transaction.

    They count as the most recently updated from here on, the last one most.
    """
    session.flush()
    _remove(session, contact_ids, into)
    add_documents(session, documents(session.reads, contact_ids), into)


def add_contacts(session: UnitOfWork, people: Iterable[Person]) -> None:
    """Index contacts that are not in the index yet, the last one as the latest updated."""
    add_documents(session, ((person[0], make_document(*person[1:])) for person in people))


def add_documents(
    session: UnitOfWork, indexed: Iterable[tuple[int, Document]], into: Tables = LIVE
) -> None:
    """Index contacts that are not in the index yet, each an id and its document.

    They count as the most recently updated from here on, the last one most.
    """
    connection = session.driver
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
    search_index(session).add(connection, into.search, rows)


def documents(reads: ReadConnection, contact_ids: Sequence[int]) -> Iterator[tuple[int, Document]]:
    """The documents of contacts as the tables say them, in the order of the ids given."""
    ids = {"ids": write_json(contact_ids).decode()}
    channels: dict[int, list[tuple[str, str]]] = {}
    for contact_id, channel, identifier in reads.rows(_CHANNELS, ids):
        channels.setdefault(contact_id, []).append((channel, identifier))
    people = {contact_id: fields for contact_id, *fields in reads.rows(_CONTACTS, ids)}
    for contact_id in contact_ids:
        first_name, last_name, email, phone = people[contact_id]
        further = channels.get(contact_id, ())
        yield contact_id, make_document(first_name, last_name, email, phone, further)


def index_everybody(session: UnitOfWork) -> Iterator[int]:
    """Fill an empty index, the least recently updated contacts first, in one transaction.

    Yields how many contacts each step did.
    """
    ids = session.scalars(select(Contact.id).order_by(Contact.updated_at, Contact.id))
    for batch in ids.partitions(BATCH):
        add_documents(session, documents(session.reads, batch))
        yield len(batch)


def index_documents(session: UnitOfWork, stored: Iterable[tuple[int, str]]) -> None:
    """Add the tokens of stored documents, each with its id, of which the index has none yet."""
    rows = ((number, tokens(Document.load(document))) for number, document in stored)
    search_index(session).add(session.driver, LIVE.search, rows)


def _remove(session: UnitOfWork, contact_ids: Sequence[int], index: Tables) -> None:
    connection, place = session.driver, backend().placeholder
    places = ", ".join([place] * len(contact_ids)) or "NULL"
    rows = connection.execute(
        f"SELECT id, document FROM {index.documents} WHERE contact_id IN ({places})",
        tuple(contact_ids),
    ).fetchall()
    if rows:
        indexed = [(number, tokens(Document.load(document))) for number, document in rows]
        search_index(session).remove(connection, index.search, indexed)
        for number, _ in rows:
            connection.execute(f"DELETE FROM {index.documents} WHERE id = {place}", (number,))
