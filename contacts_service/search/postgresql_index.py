"""The search index in PostgreSQL: two GIN indexes over arrays of the tokens' checksums.

GIN finds all rows that have some tokens at once and in no order. To get the newest first without
reading all, docids are grouped in blocks of several sizes (`LEVELS`), and each block that a docid
is in counts as one more token of it. The index is asked for the newest block first, then for older
and larger ones; an intersection with a block costs no more than the block. No extension is needed.

Trigrams of text and of digits are in a column of their own, because there are few different ones:
a single index takes half as long again to build. No AND asks both columns, because PostgreSQL would
read rows to intersect them; short beginnings of words are therefore in both.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Connection, text

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.search.backend import Candidate, SearchIndex
from contacts_service.search.ranking import SUBSTRING_LENGTH
from contacts_service.search.tokens import (
    ADDRESS_PREFIX,
    DIGITS,
    NAME_PREFIX,
    TRIGRAM,
    Conjunction,
    inside,
)

LEVELS = (8, 11, 14, 17)  # a block of level n holds 2**n docids
FIRST_STEP, LAST_STEP = 24, 2048  # documents read at once; each step is four times the one before
FIRST_LIMIT, LIMIT = 96, 4096  # docids in the index's first answer, and in each later one

WORDS, INNER_PARTS = COLUMNS = ("words", "inner_parts")
INNER_KINDS = {TRIGRAM, DIGITS}  # tokens that are in `inner_parts` alone
PREFIX_KINDS = {NAME_PREFIX, ADDRESS_PREFIX}
SHORT_PREFIX = SUBSTRING_LENGTH - 1  # characters; prefixes up to this length are in both columns

_LAST_DOCID = CompiledStatement(text("SELECT max(id) FROM contact_documents"))
_DOCUMENTS = CompiledStatement(
    text("""
    SELECT id, contact_id, document FROM contact_documents
    WHERE id = ANY(CAST(:docids AS bigint[])) ORDER BY id DESC
    """)
)


class Range(NamedTuple):
    """The docids from `low` to below `high`; `blocks` are theirs, or None for all below `high`."""

    low: int
    high: int
    blocks: str | None


class PostgreSQLSearch(SearchIndex):
    is_lossy = True  # different tokens may have the same checksum

    def ids_up_to(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], limit: int
    ) -> list[int] | None:
        found: list[int] = []
        for docids in _docids_newest_first(reads, wanted, limit + 1):
            found += docids
            if len(found) > limit:
                return None
        return found

    def iter_newest_first(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], *, with_dumps: bool
    ) -> Iterator[Candidate]:
        """The documents found, greatest docid first; with dumps in any case."""
        step = FIRST_STEP
        for docids in _docids_newest_first(reads, wanted, LIMIT):
            start = 0
            while start < len(docids):
                yield from reads.rows(_DOCUMENTS, {"docids": docids[start : start + step]})
                start, step = start + step, min(4 * step, LAST_STEP)

    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        statement = f"COPY {table} (number, {', '.join(COLUMNS)}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for docid, tokens in rows:
                copy.write_row((docid, *map(_array, _checksums(docid, tokens))))

    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        docids = [docid for docid, _ in rows]
        driver.execute(f"DELETE FROM {table} WHERE number = ANY(%s)", (docids,))

    def create_like(self, connection: Connection, live: str, new: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {new}")
        connection.exec_driver_sql(f"CREATE TABLE {new} (LIKE {live} INCLUDING ALL)")
        # LIKE leaves out how many values ANALYZE keeps of a column.
        targets = connection.exec_driver_sql(
            "SELECT attname, attstattarget FROM pg_attribute "
            f"WHERE attrelid = CAST('{live}' AS regclass) AND attnum > 0 AND attstattarget >= 0"
        )
        for column, target in targets.all():
            connection.exec_driver_sql(f"ALTER TABLE {new} ALTER {column} SET STATISTICS {target}")

    def replace(self, connection: Connection, live: str, new: str) -> None:
        """Also give the new indexes the names of the live ones, by which migrations know them."""
        live_names = _index_names(connection, live)
        new_names = _index_names(connection, new)
        connection.exec_driver_sql(f"DROP TABLE {live}")
        connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {live}")
        for definition, name in live_names.items():
            connection.exec_driver_sql(f"ALTER INDEX {new_names[definition]} RENAME TO {name}")

    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        return False

    def stored_checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        everything = text(f"SELECT number, {WORDS} || {INNER_PARTS} FROM {table}")
        for rows in reads.batches(CompiledStatement(everything)):
            for docid, checksums in rows:
                yield docid, sum(checksum & 0xFFFFFFFF for checksum in checksums)

    def expected_checksum(self, docid: int, tokens: set[str]) -> int:
        return sum(map(sum, _checksums(docid, tokens)))


def _docids_newest_first(
    reads: ReadConnection, wanted: Sequence[Conjunction], limit: int
) -> Iterator[list[int]]:
    """The docids that have the tokens, greatest first, in lists of at most `limit`."""
    ranges = list(_ranges((reads.value(_LAST_DOCID) or 0) + 1))
    current_limit = min(limit, FIRST_LIMIT)
    while ranges:
        part = ranges.pop(0)
        condition, values = _condition(wanted, part.blocks)
        values |= {"low": part.low, "high": part.high, "limit": current_limit}
        docids = [docid for (docid,) in reads.rows(_docids_statement(condition), values)]
        yield docids
        if len(docids) == current_limit:
            ranges.insert(0, part._replace(high=docids[-1]))
        elif not docids:  # few have these tokens: asking for all of them costs no more than a part
            ranges = [Range(0, part.low, None)] if part.low > 0 else []
        current_limit = limit


def _ranges(high: int) -> Iterator[Range]:
    """Ranges that cover all docids below `high`, the greatest first, with ever larger blocks."""
    for level, above in zip(LEVELS, (*LEVELS[1:], LEVELS[-1] + 3), strict=True):
        if high <= 0:
            return
        low = (high - 1) >> above << above
        blocks = range(low >> level, ((high - 1) >> level) + 1)
        yield Range(low, high, _array([crc32(_block(level, block)) for block in blocks]))
        high = low
    if high > 0:
        yield Range(0, high, None)


@lru_cache(maxsize=256)
def _docids_statement(condition: str) -> CompiledStatement:
    # `number + 0` keeps the planner from walking through the primary key.
    return CompiledStatement(
        text(f"""
        SELECT number FROM contact_search
        WHERE number + 0 >= :low AND number + 0 < :high AND ({condition})
        ORDER BY number + 0 DESC LIMIT :limit
        """)
    )


def _condition(wanted: Sequence[Conjunction], blocks: str | None) -> tuple[str, dict[str, Any]]:
    """The SQL condition of the tokens, and the values of its parameters."""
    values: dict[str, Any] = {} if blocks is None else {"blocks": blocks}
    alternatives = []
    for number, conjunction in enumerate(wanted):
        column, disjunctions = _in_one_column(conjunction)
        conditions = [] if blocks is None else [f"{column} && CAST(:blocks AS integer[])"]
        required = [tokens[0] for tokens in disjunctions if len(tokens) == 1]
        asked: list[tuple[str, Sequence[str]]] = [("@>", required)] if required else []
        asked += [("&&", tokens) for tokens in disjunctions if len(tokens) > 1]
        for place, (operator, tokens) in enumerate(asked):
            name = f"tokens_{number}_{place}"
            values[name] = _array([crc32(token.encode()) for token in tokens])
            conditions.append(f"{column} {operator} CAST(:{name} AS integer[])")
        alternatives.append(f"({' AND '.join(conditions)})")
    return " OR ".join(alternatives), values


def _in_one_column(conjunction: Conjunction) -> tuple[str, list[tuple[str, ...]]]:
    """The column to ask, and what to ask it for.

    `inner_parts` has no long prefixes. There a long prefix is asked for by its first characters and
    its trigrams, which may find more documents, but never fewer.
    """
    if not any(tokens[0][0] in INNER_KINDS for tokens in conjunction):
        return WORDS, _without_repetition(conjunction)
    asked: Conjunction = []
    for tokens in conjunction:
        kind, characters = tokens[0][0], tokens[0][1:]
        if kind in PREFIX_KINDS and len(characters) > SHORT_PREFIX:
            asked.append([token[: 1 + SHORT_PREFIX] for token in tokens])
            asked += inside(characters)
        else:
            asked.append(tokens)
    return INNER_PARTS, _without_repetition(asked)


def _without_repetition(conjunction: Conjunction) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(map(tuple, conjunction)))


def _checksums(docid: int, tokens: set[str]) -> tuple[list[int], list[int]]:
    """What each column holds: the checksums of tokens, and of the blocks that the docid is in."""
    words = [crc32(_block(level, docid >> level)) for level in LEVELS]
    inner = words.copy()
    for token in tokens:
        kind, checksum = token[0], crc32(token.encode())
        if kind in INNER_KINDS:
            inner.append(checksum)
        else:
            words.append(checksum)
            if kind in PREFIX_KINDS and len(token) <= 1 + SHORT_PREFIX:
                inner.append(checksum)
    return words, inner


def _block(level: int, block: int) -> bytes:
    return b"#%d:%d" % (level, block)  # no kind of token begins with #


def _array(checksums: list[int]) -> str:
    """An array of PostgreSQL's integers, which are signed, in its notation."""
    signed = [str(checksum - (checksum >> 31 << 32)) for checksum in checksums]
    return f"{{{','.join(signed)}}}"


def _index_names(connection: Connection, table: str) -> dict[str, str]:
    """The name of each of a table's indexes by its definition."""
    rows = connection.exec_driver_sql(
        "SELECT substring(indexdef FROM 'USING .*') AS definition, indexname AS name "
        "FROM pg_indexes "
        f"WHERE schemaname = current_schema() AND tablename = '{table}'"
    )
    return {row.definition: row.name for row in rows}
