"""Copying everything from a SQLite file into a PostgreSQL database that holds nothing yet.

It happens in one transaction, so that a copy that does not come to its end leaves nothing behind,
and is made of one moment of the file, whoever writes meanwhile. The search index takes the longest,
and is made beside all else.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing
from hashlib import md5
from itertools import islice
from typing import Any

from flask import Flask
from sqlalchemy import Table

from contacts_service import search_postgresql
from contacts_service.database import Base, unit_of_work
from contacts_service.database import backend as current_backend
from contacts_service.database import driver as driver_of
from contacts_service.matching import Document
from contacts_service.models import Contact, ContactDocument
from contacts_service.postgresql import PostgreSQLServer
from contacts_service.reading import driver_errors
from contacts_service.search_index import LIVE
from contacts_service.search_tokens import tokens
from contacts_service.sqlite import SQLiteFile
from contacts_service.turns import arrival

BATCH = 1000
AHEAD = 40  # batches whose tokens are made before they can be written
BETWEEN, NOTHING = "\x1f", "\x1e"  # in the text of a row: what no field holds
TABLES = Base.metadata.sorted_tables

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

# The index takes rows in by so many kilobytes at once, while more tokens are made.
_GATHER = """
    SET LOCAL work_mem = '64MB';
    ALTER INDEX ix_contact_search_tokens SET (fastupdate = on, gin_pending_list_limit = 65536)
"""
_GATHER_NO_MORE = """
    SELECT gin_clean_pending_list('ix_contact_search_tokens');
    ALTER INDEX ix_contact_search_tokens SET (fastupdate = off);
    ALTER INDEX ix_contact_search_tokens RESET (gin_pending_list_limit)
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
    with ExitStack() as stack:
        rows, documents = _of_one_moment(source, stack)
        counts = {table.name: _count(rows, table.name) for table in TABLES}
        yield sum(counts.values()) + counts[LIVE.documents]
        stack.enter_context(target.app_context())
        session = stack.enter_context(unit_of_work())
        written = driver_of(session)
        _require_empty(written)
        index = stack.enter_context(_Index(documents, target.extensions["database"]))
        index.start()
        later = _drop_indexes(written)
        checksums = {table.name: Checked(_rows(rows, table)) for table in TABLES}
        for table in TABLES:
            yield from _copy(written, table, checksums[table.name])
        for definition in later:
            written.execute(definition)
        _set_sequences(rows, written)
        yield from index.finish()
        _verify(written, checksums)


def _of_one_moment(source: SQLiteFile, stack: ExitStack) -> list[Any]:
    """Two connections that read the same state, whoever writes meanwhile."""
    deadline = arrival() + source.busy_timeout
    with source.writer(deadline), closing(source.connect()) as lock:
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


def _drop_indexes(connection: Any) -> list[str]:
    """Drop indexes and constraints; the statements that make them again."""
    names = [table.name for table in TABLES]
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


class _Index(threading.Thread):
    """Fills the search index beside everything else, in a transaction of its own.

    What it leaves behind where the rest fails is thrown away by the next copy.
    """

    def __init__(self, documents: Any, database: PostgreSQLServer) -> None:
        super().__init__()
        self._documents = documents
        self._database = database
        self._done = 0
        self._error: Exception | None = None

    def __enter__(self) -> "_Index":
        return self

    def __exit__(self, *_error: object) -> None:
        self.join()

    def finish(self) -> Iterator[int]:
        """Wait for the end; yields how many each step did. Raises what the work has raised."""
        told, is_over = 0, False
        while not is_over:
            self.join(timeout=0.1)
            is_over = not self.is_alive()
            done = self._done
            yield done - told
            told = done
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        try:
            with driver_errors, closing(self._database.connect()) as connection:
                connection.execute(f"BEGIN; TRUNCATE {LIVE.search}; {_GATHER}")
                self._fill(connection)
                connection.execute(_GATHER_NO_MORE)
                connection.commit()
        except Exception as error:
            self._error = error

    def _fill(self, connection: Any) -> None:
        query = f"SELECT id, document FROM {LIVE.documents} ORDER BY id"
        documents = iter(self._documents.execute(query))
        batches = iter(lambda: list(islice(documents, BATCH)), [])
        statement = search_postgresql.copy_statement(LIVE.search)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(search_postgresql.COPY_HEAD)
            for size, rows in _made(batches):
                copy.write(rows)
                self._done += size
            copy.write(search_postgresql.COPY_END)


def _made(batches: Iterator[Rows]) -> Iterator[tuple[int, bytes]]:
    """What some processes make of the batches, in order, a few ahead."""
    count = os.cpu_count() or 1
    spawned = multiprocessing.get_context("spawn")
    ahead: deque[tuple[int, Future[bytes]]] = deque()
    with ProcessPoolExecutor(count, spawned) as makers:
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
    if _count(connection, LIVE.search) != copied[ContactDocument.__tablename__].count:
        raise CopyError("The search index has not arrived; nothing was kept.")
