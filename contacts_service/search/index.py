"""The search index: every writer updates it, and a command compares it with the contacts.

A row of `contact_documents` holds the dumped document of a contact; the table `contact_search`
holds the document's tokens, in the form that suits the database (`sqlite_index`,
`postgresql_index`). The key of both is the docid. A contact gets a new, greater one whenever it is
indexed, so the index finds the most recently updated contacts first.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, exists, func, select, union

from contacts_service.db.models import Contact, ContactChannel, ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import UnitOfWork, backend, unit_of_work, yield_to_writers
from contacts_service.db.sql import numbers_parameter
from contacts_service.search.backend import SearchIndex
from contacts_service.search.postgresql_index import PostgreSQLSearch
from contacts_service.search.ranking import Document, make_document
from contacts_service.search.sqlite_index import SQLiteSearch
from contacts_service.search.tokens import tokens
from contacts_service.strict_json import write_json

BATCH = 1000  # contacts in one step
SAMPLE = 100  # contacts in each of the two samples of `count_missing`

# A contact's id, first and last name, email, phone, and further (channel, identifier) pairs.
ContactFields = tuple[int, str, str, str | None, str | None, Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Tables:
    """The two tables of an index."""

    documents: str
    search: str


LIVE = Tables("contact_documents", "contact_search")
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
_INDEXED = CompiledStatement(
    select(ContactDocument.contact_id, ContactDocument.id, ContactDocument.document).join(
        _ids, _ids.c.value == ContactDocument.contact_id
    )
)
_CONTACT_IDS = CompiledStatement(select(Contact.id).order_by(Contact.id))
_LAST_CONTACT_ID = CompiledStatement(select(func.max(Contact.id)))


def _sample_from(parameter: str) -> Select[int]:
    """The ids of a sample of contacts, from the id in this parameter on."""
    ids = select(Contact.id).where(Contact.id >= bindparam(parameter)).order_by(Contact.id)
    return select(ids.limit(SAMPLE).subquery().columns.id)


_sample = union(_sample_from("newest"), _sample_from("anywhere")).subquery()
_MISSING = CompiledStatement(
    select(func.count())
    .select_from(_sample)
    .where(~exists().where(ContactDocument.contact_id == _sample.c.id))
)


def search_index(connection: ReadConnection | UnitOfWork | Connection) -> SearchIndex:
    """The index for the kind of database that the connection is to."""
    return INDEXES[connection.dialect.name]


def index_contacts(session: UnitOfWork, contact_ids: Sequence[int], into: Tables = LIVE) -> None:
    """Index these contacts as they stand in this transaction, in place of what was indexed of them.

    They count as updated most recently, the last one most of all.
    """
    session.flush()
    _remove(session, contact_ids, into)
    _add(session, read_documents(session.reads, contact_ids), into)


def add_contacts(session: UnitOfWork, contacts: Iterable[ContactFields]) -> None:
    """Index contacts that are not in the index yet, the one updated last at the end."""
    _add(session, ((contact[0], make_document(*contact[1:])) for contact in contacts), LIVE)


def index_documents(session: UnitOfWork, stored: Iterable[tuple[int, str]]) -> None:
    """Add the tokens of stored documents: docids with dumps that are not in the index yet."""
    rows = ((docid, tokens(Document.load(dump))) for docid, dump in stored)
    search_index(session).add(session.driver, LIVE.search, rows)


def read_documents(
    reads: ReadConnection, contact_ids: Sequence[int]
) -> Iterator[tuple[int, Document]]:
    """The ids of contacts with their documents, made from the contacts' tables, in this order."""
    ids = {"ids": write_json(contact_ids).decode()}
    channels: dict[int, list[tuple[str, str]]] = {}
    for contact_id, channel, identifier in reads.rows(_CHANNELS, ids):
        channels.setdefault(contact_id, []).append((channel, identifier))
    contacts = {contact_id: fields for contact_id, *fields in reads.rows(_CONTACTS, ids)}
    for contact_id in contact_ids:
        first_name, last_name, email, phone = contacts[contact_id]
        further = channels.get(contact_id, ())
        yield contact_id, make_document(first_name, last_name, email, phone, further)


def merge(index: Tables = LIVE) -> None:
    """Merge the segments that writes have left in the index, so that it is read faster.

    It works in short transactions, which let other writers go on in between.
    """
    is_first, is_more = True, True
    while is_more:
        with unit_of_work() as session:
            connection = session.connection()
            is_more = search_index(session).merge(connection, index.search, is_first=is_first)
        is_first = False
        yield_to_writers()


def count_missing(reads: ReadConnection) -> int:
    """How many contacts of two samples are not in the index; its cost does not grow.

    The newest contacts show a writer that forgets the index, and some from a random place on show
    sooner or later what was lost.
    """
    last = reads.value(_LAST_CONTACT_ID) or 0
    anywhere = random.randint(1, max(1, last))  # noqa: S311
    starts = {"newest": max(1, last - SAMPLE + 1), "anywhere": anywhere}
    return int(reads.value(_MISSING, starts))


def find_differences(reads: ReadConnection) -> Iterator[tuple[int, str]]:
    """Every difference between index and contacts: an id and a sentence. Reads all of both."""
    index = search_index(reads)
    checksums: Counter[int] = Counter()
    for docid, checksum in index.stored_checksums(reads, LIVE.search):
        checksums[docid] += checksum
    for batch in reads.batches(_CONTACT_IDS, size=BATCH):
        ids = [contact_id for (contact_id,) in batch]
        rows = reads.rows(_INDEXED, {"ids": write_json(ids).decode()})
        stored = {contact_id: (docid, dump) for contact_id, docid, dump in rows}
        for contact_id, document in read_documents(reads, ids):
            if contact_id not in stored:
                yield contact_id, "is a contact that is not in the index."
                continue
            docid, dump = stored[contact_id]
            checksum = checksums.pop(docid, 0)
            if dump != document.dump():
                yield contact_id, "is a contact that the index has as it was before a change."
            elif checksum != index.expected_checksum(docid, tokens(document)):
                yield contact_id, "is a contact whose tokens in the index are not its own."
    for docid in sorted(checksums):
        yield docid, "is a number in the index that is no contact's."


def _add(session: UnitOfWork, documents: Iterable[tuple[int, Document]], into: Tables) -> None:
    connection = session.driver
    (last,) = connection.execute(f"SELECT max(id) FROM {into.documents}").fetchone()
    numbered = list(enumerate(documents, (last or 0) + 1))
    if not numbered:
        return
    backend().insert_rows(
        connection,
        into.documents,
        ("id", "contact_id", "document"),
        [(docid, contact_id, document.dump()) for docid, (contact_id, document) in numbered],
    )
    rows = [(docid, tokens(document)) for docid, (_, document) in numbered]
    search_index(session).add(connection, into.search, rows)


def _remove(session: UnitOfWork, contact_ids: Sequence[int], index: Tables) -> None:
    connection, place = session.driver, backend().placeholder
    places = ", ".join([place] * len(contact_ids)) or "NULL"
    rows = connection.execute(
        f"SELECT id, document FROM {index.documents} WHERE contact_id IN ({places})",
        tuple(contact_ids),
    ).fetchall()
    if rows:
        indexed = [(docid, tokens(Document.load(dump))) for docid, dump in rows]
        search_index(session).remove(connection, index.search, indexed)
        for docid, _ in rows:
            connection.execute(f"DELETE FROM {index.documents} WHERE id = {place}", (docid,))
