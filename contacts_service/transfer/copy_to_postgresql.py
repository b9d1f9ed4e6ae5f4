"""Copying everything from a SQLite file into a PostgreSQL database that holds nothing yet.

It happens in one transaction, so that a copy that does not come to its end leaves nothing of it
behind, and is made of one moment of the file, whoever writes meanwhile. The search index takes the
longest: its tokens come first, into a table of their own, and the greater of its parts is built
from them while all else is done. That table stays where a copy is killed, until the next one.
"""

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from hashlib import md5
from itertools import islice
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import Table

from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.postgresql import PostgreSQLServer
from contacts_service.db.queries import driver_errors
from contacts_service.db.session import Base, unit_of_work
from contacts_service.db.session import backend as current_backend
from contacts_service.db.sqlite import SQLiteFile
from contacts_service.search import postgresql_index as search_postgresql
from contacts_service.search.index import LIVE
from contacts_service.search.postgresql_index import PostgreSQLSearch
from contacts_service.search.ranking import Document
from contacts_service.search.tokens import tokens

BATCH = 1000
AHEAD = 40  # batches whose tokens are made before they can be written
BETWEEN, NOTHING = "\x1f", "\x1e"  # in the text of a row: what no field holds
TABLES = Base.metadata.sorted_tables
COPIED = "contact_search_copied"
COPYING = 0x636F7079  # "copy": the advisory lock of whoever copies

# Whatever the limits of the role or the database are, which were set with requests in mind.
UNLIMITED = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

Rows = list[tuple[Any, ...]]

# What is dropped, and made again once the rows are there, in this order: to check and to index all
# rows at once takes a fraction of the time.
_LATER = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
            conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = ANY(CAST(%s AS regclass[])) AND contype IN ('f', 'u')
    UNION ALL
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = ANY(CAST(%s AS regclass[])) AND NOT indisunique
"""


class CopyError(Exception):
    """A copy that cannot be made; the message is a sentence for the operator."""


def copy_all(target: Flask) -> Iterator[int]:
    """Copy the current application's database to that of `target`.

    First yields how many rows there are to copy, then how many each step did. Raises CopyError for
    a target that holds something, and where what has arrived is not what was there.
    """
    source = current_backend()
    if not isinstance(source, SQLiteFile):
        raise CopyError("Only a SQLite database can be copied.")
    with driver_errors, ExitStack() as stack:
        makers = stack.enter_context(_makers())
        rows, documents = _of_one_moment(source, stack)
        counts = {table.name: _count(rows, table.name) for table in TABLES}
        yield sum(counts.values()) + counts[LIVE.documents]
        stack.enter_context(target.app_context())
        server: PostgreSQLServer = target.extensions["database"]
        keeper = stack.enter_context(_alone(server))
        longest, *others = stack.enter_context(_table_of_tokens(server, keeper))
        session = stack.enter_context(unit_of_work())
        written = session.driver
        written.execute(UNLIMITED)
        _require_empty(written)
        yield from _copy_tokens(documents, server, makers)
        beside = stack.enter_context(ThreadPoolExecutor(1))
        building = beside.submit(_execute, server, longest)
        made_again = _drop_indexes(written, [table.name for table in TABLES])
        checksums = {table.name: Checked(_rows(rows, table)) for table in TABLES}
        for table in TABLES:
            yield from _copy(written, table, checksums[table.name])
        for definition in made_again:
            written.execute(definition)
        _set_sequences(rows, written)
        _verify(written, checksums)
        for index in others:
            _execute(server, index)
        building.result()
        PostgreSQLSearch().put_in_place(session.connection(), COPIED, LIVE.search)


@contextmanager
def _alone(server: PostgreSQLServer) -> Iterator[Any]:
    """A connection in whose transaction no other copy into the target works. Raises CopyError."""
    with _transaction(server) as connection:
        asked = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (COPYING,))
        if not asked.fetchone()[0]:
            raise CopyError("Another copy into the target is at work.")
        yield connection


def _of_one_moment(source: SQLiteFile, stack: ExitStack) -> list[Any]:
    """Two connections that read the same state, whoever writes meanwhile."""
    deadline = time.monotonic() + source.busy_timeout
    with closing(source.connect()) as lock:
        source.begin_writing(lock, deadline)
        connections = [stack.enter_context(closing(source.connect())) for _ in range(2)]
        for connection in connections:
            connection.execute("BEGIN")
            _count(connection, "alembic_version")
    return connections


class Checked:
    """Rows that are counted, and summed up in a checksum, as they pass."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self.rows = rows
        self.count = 0
        self.checksum = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows:
            text = BETWEEN.join([NOTHING if value is None else str(value) for value in row])
            digest = md5(text.encode(), usedforsecurity=False).digest()
            self.count += 1
            self.checksum += int.from_bytes(digest[:4], "big")
            yield row


def _arrived(connection: Any, table: Table) -> tuple[int, int]:
    """The count and the checksum of the rows in the target, as `Checked` has them."""
    texts = ", ".join(
        f"coalesce(CAST({name} AS text), chr({ord(NOTHING)}))" for name in _names(table)
    )
    digest = f"md5(concat_ws(chr({ord(BETWEEN)}), {texts}))"
    count, checksum = connection.execute(
        "SELECT count(*), "
        "coalesce(sum(CAST(CAST('x' || left(digest, 8) AS bit(32)) AS bigint)), 0) "
        f"FROM (SELECT {digest} AS digest FROM {table.name}) AS digests"
    ).fetchone()
    return count, int(checksum)


def _names(table: Table) -> list[str]:
    """The columns, as they are read; booleans as SQLite has them, 1 and 0."""
    return [
        f'CAST("{column.name}" AS int)' if column.type.python_type is bool else f'"{column.name}"'
        for column in table.columns
    ]


def _rows(connection: Any, table: Table) -> Iterator[tuple[Any, ...]]:
    key = ", ".join(column.name for column in table.primary_key)
    names = ", ".join(_names(table))
    return iter(connection.execute(f"SELECT {names} FROM {table.name} ORDER BY {key}"))


def _count(connection: Any, table: str) -> int:
    number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return number


def _require_empty(connection: Any) -> None:
    held = [table.name for table in TABLES if _count(connection, table.name)]
    if held:
        raise CopyError(f"The target holds rows already, in {', '.join(held)}; name an empty one.")


def _drop_indexes(connection: Any, names: list[str]) -> list[str]:
    """Drop tables' indexes and constraints; the statements that make them again."""
    found = connection.execute(_LATER, (names, names)).fetchall()
    for drop, _ in found:
        connection.execute(drop)
    return [make for _, make in found]


def _copy(connection: Any, table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterator[int]:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    number = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
    ):
        for number, row in enumerate(rows, 1):
            copy.write_row(row)
            if number % BATCH == 0:
                yield BATCH
    yield number % BATCH


@contextmanager
def _table_of_tokens(server: PostgreSQLServer, keeper: Any) -> Iterator[list[str]]:
    """Make a table for the search index, which all can see; the statements that index it.

    The first statement takes by far the longest. The table is gone at the end, unless it has taken
    the place of the live one.
    """
    with unit_of_work() as session:
        PostgreSQLSearch().create_like(session.connection(), LIVE.search, COPIED)
        indexes = _drop_indexes(session.driver, [COPIED])
    indexes.sort(key=lambda index: search_postgresql.WORDS not in index)
    try:
        yield indexes
    finally:
        with suppress(psycopg.OperationalError):  # then the next copy drops it
            keeper.execute(f"DROP TABLE IF EXISTS {COPIED}")
            keeper.execute("COMMIT")


def _execute(server: PostgreSQLServer, statement: str) -> None:
    with _transaction(server) as connection:
        connection.execute(statement)
        connection.execute("COMMIT")


@contextmanager
def _transaction(server: PostgreSQLServer) -> Iterator[Any]:
    """A connection that has begun one; what is not committed at the end is not done."""
    with closing(server.connect()) as connection:
        connection.execute("BEGIN")
        connection.execute(UNLIMITED)
        yield connection


def _copy_tokens(read: Any, server: PostgreSQLServer, makers: ProcessPoolExecutor) -> Iterator[int]:
    documents = iter(read.execute(f"SELECT id, document FROM {LIVE.documents} ORDER BY id"))
    batches = iter(lambda: list(islice(documents, BATCH)), [])
    statement = search_postgresql.copy_statement(COPIED)
    with _transaction(server) as connection:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(search_postgresql.COPY_HEAD)
            for size, rows in _made(batches, makers):
                copy.write(rows)
                yield size
            copy.write(search_postgresql.COPY_END)
        connection.execute("COMMIT")


def _makers() -> ProcessPoolExecutor:
    """Processes that make tokens.

    They are forked, so that they have nothing to load, and at once, before a thread or transaction
    begins that they would get a copy of.
    """
    forked = multiprocessing.get_context("fork")
    makers = ProcessPoolExecutor(os.cpu_count(), forked, initializer=_end_with_parent)
    makers.submit(_token_rows, []).result()
    return makers


def _end_with_parent() -> None:
    """Let no process wait for ever for the batches of one that was killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _made(batches: Iterator[Rows], makers: ProcessPoolExecutor) -> Iterator[tuple[int, bytes]]:
    """What the processes make of the batches, in order, a few ahead."""
    ahead: deque[tuple[int, Future[bytes]]] = deque()
    for batch in batches:
        ahead.append((len(batch), makers.submit(_token_rows, batch)))
        if len(ahead) > AHEAD:
            size, made = ahead.popleft()
            yield size, made.result()
    for size, made in ahead:
        yield size, made.result()


def _token_rows(batch: Rows) -> bytes:
    return b"".join(
        search_postgresql.copied_row(number, tokens(Document.load(document)))
        for number, document in batch
    )


def _set_sequences(read: Any, written: Any) -> None:
    """Let no id be given again that was ever given, to rows that are gone either."""
    for name, last in read.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        if last and name in Base.metadata.tables:
            written.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (name, last))


def _verify(connection: Any, copied: dict[str, Checked]) -> None:
    for table in TABLES:
        wanted = copied[table.name]
        if _arrived(connection, table) != (wanted.count, wanted.checksum):
            raise CopyError(f"What has arrived in {table.name} differs; nothing was kept.")
    total = connection.execute("SELECT total FROM contact_count").fetchone()[0]
    if total != copied[Contact.__tablename__].count:
        raise CopyError("The number of contacts has not arrived; nothing was kept.")
    if _count(connection, COPIED) != copied[ContactDocument.__tablename__].count:
        raise CopyError("The search index has not arrived; nothing was kept.")
