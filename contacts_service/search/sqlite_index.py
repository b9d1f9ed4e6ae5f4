"""The search index in SQLite: a contentless FTS5 table whose rowids are the docids."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, text

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.search.backend import Candidate, SearchIndex
from contacts_service.search.tokens import Conjunction, Disjunction

MAX_DOCID = 2**63 - 1
FIRST_STEP, LAST_STEP = 24, 2048  # candidates read at once; each step is four times the one before
MERGED_PAGES = 2000  # pages of the index that one step merges

_DOCIDS = CompiledStatement(
    text("SELECT rowid FROM contact_search WHERE contact_search MATCH :tokens LIMIT :limit")
)
_NEWEST_FIRST = """
    SELECT {columns}
    FROM contact_search JOIN contact_documents ON id = contact_search.rowid
    WHERE contact_search MATCH :tokens AND contact_search.rowid < :before
    ORDER BY contact_search.rowid DESC LIMIT :limit
"""
_IDS = CompiledStatement(text(_NEWEST_FIRST.format(columns="id, contact_id, ''")))
_IDS_AND_DUMPS = CompiledStatement(text(_NEWEST_FIRST.format(columns="id, contact_id, document")))


class SQLiteSearch(SearchIndex):
    is_lossy = False

    def ids_up_to(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], limit: int
    ) -> list[int] | None:
        values = {"tokens": _match_expression(wanted), "limit": limit + 1}
        docids = [docid for (docid,) in reads.rows(_DOCIDS, values)]
        return None if len(docids) > limit else docids

    def iter_newest_first(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], *, with_dumps: bool
    ) -> Iterator[Candidate]:
        statement = _IDS_AND_DUMPS if with_dumps else _IDS
        tokens, before, limit = _match_expression(wanted), MAX_DOCID, FIRST_STEP
        while True:
            values = {"tokens": tokens, "before": before, "limit": limit}
            rows = reads.rows(statement, values)
            yield from rows
            if len(rows) < limit:
                return
            before, limit = rows[-1][0], min(4 * limit, LAST_STEP)

    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        driver.executemany(
            f"INSERT INTO {table} (rowid, tokens) VALUES (?, ?)",
            [(docid, " ".join(tokens)) for docid, tokens in rows],
        )

    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        driver.executemany(
            f"INSERT INTO {table} ({table}, rowid, tokens) VALUES ('delete', ?, ?)",
            [(docid, " ".join(tokens)) for docid, tokens in rows],
        )

    def create_like(self, connection: Connection, live: str, new: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {new}")
        definition: str = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = ?", (live,)
        ).scalar_one()
        connection.exec_driver_sql(definition.replace(live, new, 1))

    def replace(self, connection: Connection, live: str, new: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE {live}")
        connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {live}")

    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        # A negative number makes FTS5 begin a merge of all segments, whatever their sizes.
        pages = -MERGED_PAGES if is_first else MERGED_PAGES
        before: int = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,)
        )
        after: int = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        return after - before > 1  # the command itself counts as one change

    def stored_checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        reads.driver.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_vocabulary "
            f"USING fts5vocab(main, {table}, instance)"
        )
        for token, docid in reads.driver.execute("SELECT term, doc FROM temp.search_vocabulary"):
            yield docid, crc32(token.encode())
        reads.driver.execute("DROP TABLE temp.search_vocabulary")

    def expected_checksum(self, docid: int, tokens: set[str]) -> int:
        return sum(crc32(token.encode()) for token in tokens)


def _match_expression(wanted: Sequence[Conjunction]) -> str:
    """The FTS5 query. Its tokens are quoted, so that nothing in them is read as syntax."""
    each = [" AND ".join(dict.fromkeys(map(_one_of, conjunction))) for conjunction in wanted]
    return each[0] if len(each) == 1 else f"({') OR ('.join(each)})"


def _one_of(tokens: Disjunction) -> str:
    quoted = ['"' + token.replace('"', '""') + '"' for token in tokens]
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"
