"""The search index in SQLite: a contentless FTS5 table, which streams by its rowid."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, text

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.search.backend import Candidate, Candidates, SearchIndex
from contacts_service.search.tokens import AllOf, AnyOf

MAX_NUMBER = 2**63 - 1
FIRST_STEP, LAST_STEP = 24, 2048  # candidates that are streamed at once, four times more each time
MERGED_PAGES = 2000  # of the index, in one step

_NUMBERS = CompiledStatement(
    text("""
    SELECT rowid FROM contact_search WHERE contact_search MATCH :tokens LIMIT :most
    """)
)
_STREAM = """
    SELECT {columns}
    FROM contact_search JOIN contact_documents ON id = contact_search.rowid
    WHERE contact_search MATCH :tokens AND contact_search.rowid < :before
    ORDER BY contact_search.rowid DESC LIMIT :most
"""
_IDS = CompiledStatement(text(_STREAM.format(columns="id, contact_id, ''")))
_CANDIDATES = CompiledStatement(text(_STREAM.format(columns="id, contact_id, document")))


class SQLiteCandidates(Candidates):
    def __init__(self, reads: ReadConnection) -> None:
        self._reads = reads

    def few(self, wanted: Sequence[AllOf], most: int) -> list[int] | None:
        values = {"tokens": _match_expression(wanted), "most": most + 1}
        found = [number for (number,) in self._reads.rows(_NUMBERS, values)]
        return None if len(found) > most else found

    def streamed(self, wanted: Sequence[AllOf], *, with_documents: bool) -> Iterator[Candidate]:
        statement = _CANDIDATES if with_documents else _IDS
        tokens, before, most = _match_expression(wanted), MAX_NUMBER, FIRST_STEP
        while True:
            values = {"tokens": tokens, "before": before, "most": most}
            rows = self._reads.rows(statement, values)
            yield from rows
            if len(rows) < most:
                return
            before, most = rows[-1][0], min(4 * most, LAST_STEP)


class SQLiteSearch(SearchIndex):
    is_exact = True

    def seen_by(self, reads: ReadConnection) -> Candidates:
        return SQLiteCandidates(reads)

    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        driver.executemany(
            f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)",
            [(number, " ".join(tokens)) for number, tokens in rows],
        )

    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        driver.executemany(
            f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)",
            [(number, " ".join(tokens)) for number, tokens in rows],
        )

    def create_like(self, connection: Connection, live: str, new: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {new}")
        definition: str = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = ?", (live,)
        ).scalar_one()
        connection.exec_driver_sql(definition.replace(live, new, 1))

    def put_in_place(self, connection: Connection, new: str, live: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE {live}")
        connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {live}")

    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        # The first time negative: parts of different sizes too.
        pages = -MERGED_PAGES if is_first else MERGED_PAGES
        before: int = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,)
        )
        after: int = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        return after - before > 1  # the row that asks for it counts as one

    def checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        reads.driver.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_vocabulary "
            f"USING fts5vocab(main, {table}, instance)"
        )
        term, checksum = "", 0
        rows = reads.driver.execute("SELECT term, doc FROM temp.search_vocabulary")
        for token, docid in rows:
            if token != term:
                term, checksum = token, crc32(token.encode())
            yield docid, checksum
        reads.driver.execute("DROP TABLE temp.search_vocabulary")

    def checksum(self, number: int, tokens: set[str]) -> int:
        return sum(crc32(token.encode()) for token in tokens)


def _match_expression(alternatives: Sequence[AllOf]) -> str:
    """The tokens as an FTS5 query; quoted, so that nothing in them is syntax."""
    each = [" AND ".join(dict.fromkeys(map(_any, all_of))) for all_of in alternatives]
    return each[0] if len(each) == 1 else f"({') OR ('.join(each)})"


def _any(tokens: AnyOf) -> str:
    quoted = ['"' + token.replace('"', '""') + '"' for token in tokens]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"
