"""The search index in PostgreSQL: two GIN indexes over arrays of the tokens' checksums.

GIN finds all that have some tokens at once and in no order. So each number is also in a block of
numbers on each of a few levels, and the block is a token like others: the index is asked for the
newest numbers first, then for ranges that grow, and an intersection with a block costs no more than
the block. No extension is needed.

What comes inside of words, three characters or digits, is in a column of its own, as there are few
different ones: one index over all tokens takes half as long again to build. No AND asks both
columns, which PostgreSQL would intersect by reading rows: short beginnings of words are in both.
"""

import sys
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from struct import Struct, pack
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Connection, text

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.search.backend import Candidate, Candidates, SearchIndex
from contacts_service.search.ranking import SUBSTRING_LENGTH
from contacts_service.search.tokens import (
    ADDRESS_PREFIX,
    DIGITS,
    NAME_PREFIX,
    TRIGRAM,
    AllOf,
    inside,
)

LEVELS = (8, 11, 14, 17)  # a block of a level holds two to the power of it numbers
FIRST_STEP, LAST_STEP = 24, 2048  # candidates that are looked at once, four times more each time
FIRST_MOST, MOST = 96, 4096  # numbers in the first answer of the index, and in the next ones

WORDS, INNER_PARTS = COLUMNS = ("words", "inner_parts")
INNER_KINDS = {TRIGRAM, DIGITS}  # of the tokens that are in inner_parts alone
PREFIX_KINDS = {NAME_PREFIX, ADDRESS_PREFIX}
SHORT = SUBSTRING_LENGTH - 1  # characters of a word's beginning up to which it is in both columns

# COPY's binary format, and what an array of integers begins with there: its length, one dimension,
# no nulls, the type of the elements, how many they are, the first one's place.
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
_ARRAY_HEAD = Struct("!iiiIii")

_LAST = CompiledStatement(text("SELECT max(id) FROM contact_documents"))
_DOCUMENTS = CompiledStatement(
    text("""
    SELECT id, contact_id, document FROM contact_documents
    WHERE id = ANY(CAST(:numbers AS bigint[])) ORDER BY id DESC
    """)
)


class Range(NamedTuple):
    """The numbers from `low` to below `high`, and the blocks they are in; None: all below."""

    low: int
    high: int
    blocks: str | None


class PostgreSQLCandidates(Candidates):
    def __init__(self, reads: ReadConnection) -> None:
        self._reads = reads

    def few(self, wanted: Sequence[AllOf], most: int) -> list[int] | None:
        found: list[int] = []
        for numbers in self._numbers(wanted, most + 1):
            found += numbers
            if len(found) > most:
                return None
        return found

    def streamed(self, wanted: Sequence[AllOf], *, with_documents: bool) -> Iterator[Candidate]:
        most = FIRST_STEP
        for numbers in self._numbers(wanted, MOST):
            start = 0
            while start < len(numbers):
                part = numbers[start : start + most]
                yield from self._reads.rows(_DOCUMENTS, {"numbers": part})
                start, most = start + most, min(4 * most, LAST_STEP)

    def _numbers(self, wanted: Sequence[AllOf], most: int) -> Iterator[list[int]]:
        """The numbers that have the tokens, greatest first, in lists of at most `most`."""
        ranges = list(_ranges(self._last + 1))
        at_once = min(most, FIRST_MOST)
        while ranges:
            part = ranges.pop(0)
            condition, values = _condition(wanted, part.blocks)
            asked = {**values, "low": part.low, "high": part.high, "most": at_once}
            found = [number for (number,) in self._reads.rows(_statement(condition), asked)]
            yield found
            if len(found) == at_once:
                ranges.insert(0, part._replace(high=found[-1]))
            elif not found:  # few have these tokens: all of them cost no more than a part
                ranges = [Range(0, part.low, None)] if part.low > 0 else []
            at_once = most

    @cached_property
    def _last(self) -> int:
        return self._reads.value(_LAST) or 0


class PostgreSQLSearch(SearchIndex):
    is_exact = False  # different tokens may have the same checksum

    def seen_by(self, reads: ReadConnection) -> Candidates:
        return PostgreSQLCandidates(reads)

    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        with driver.cursor() as cursor, cursor.copy(copy_statement(table)) as copy:
            copy.write(COPY_HEAD)
            for number, tokens in rows:
                copy.write(copied_row(number, tokens))
            copy.write(COPY_END)

    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        numbers = [number for number, _ in rows]
        driver.execute(f"DELETE FROM {table} WHERE number = ANY(%s)", (numbers,))

    def create_like(self, connection: Connection, live: str, new: str) -> None:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {new}")
        connection.exec_driver_sql(f"CREATE TABLE {new} (LIKE {live} INCLUDING ALL)")
        targets = connection.exec_driver_sql(  # of statistics, which are not included
            "SELECT attname, attstattarget FROM pg_attribute "
            f"WHERE attrelid = CAST('{live}' AS regclass) AND attnum > 0 AND attstattarget >= 0"
        )
        for column, target in targets.all():
            connection.exec_driver_sql(f"ALTER TABLE {new} ALTER {column} SET STATISTICS {target}")

    def put_in_place(self, connection: Connection, new: str, live: str) -> None:
        """With the names of its indexes, by which migrations know them."""
        names = _index_names(connection, live)
        built = _index_names(connection, new)
        connection.exec_driver_sql(f"DROP TABLE {live}")
        connection.exec_driver_sql(f"ALTER TABLE {new} RENAME TO {live}")
        for definition, name in names.items():
            connection.exec_driver_sql(f"ALTER INDEX {built[definition]} RENAME TO {name}")

    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        return False

    def checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        everything = text(f"SELECT number, {WORDS} || {INNER_PARTS} FROM {table}")
        for rows in reads.batches(CompiledStatement(everything)):
            for docid, tokens in rows:
                yield docid, sum(token & 0xFFFFFFFF for token in tokens)

    def checksum(self, number: int, tokens: set[str]) -> int:
        return sum(sum(column) for column in _columns(number, tokens))


def copy_statement(table: str) -> str:
    return f"COPY {table} (number, {', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"


def copied_row(number: int, tokens: set[str]) -> bytes:
    """What the index holds for a number, as COPY takes it."""
    arrays = map(_copied_array, _columns(number, tokens))
    return pack("!hiq", 1 + len(COLUMNS), 8, number) + b"".join(arrays)


def _copied_array(checksums: list[int]) -> bytes:
    """In the order of signed integers, which spares GIN the sorting."""
    checksums.sort()
    negative = bisect(checksums, 0x7FFFFFFF)
    size = len(checksums)
    elements = array("I", [4]) * (2 * size)  # each with its length before it
    elements[1::2] = array("I", checksums[negative:] + checksums[:negative])
    if sys.byteorder == "little":
        elements.byteswap()
    return _ARRAY_HEAD.pack(20 + 8 * size, 1, 0, 23, size, 1) + elements.tobytes()


def _columns(number: int, tokens: set[str]) -> tuple[list[int], list[int]]:
    """The checksums in each column: of its tokens, and of the blocks that the number is in."""
    words = [crc32(_block(level, number >> level)) for level in LEVELS]
    inner = words.copy()
    for token in tokens:
        kind, checksum = token[0], crc32(token.encode())
        if kind in INNER_KINDS:
            inner.append(checksum)
        else:
            words.append(checksum)
            if kind in PREFIX_KINDS and len(token) <= 1 + SHORT:
                inner.append(checksum)
    return words, inner


def _checksum(token: bytes) -> int:
    """As a signed integer of four bytes."""
    checksum = crc32(token)
    return checksum - (1 << 32) if checksum >> 31 else checksum


def _block(level: int, block: int) -> bytes:
    return b"#%d:%d" % (level, block)  # no kind of token begins so


def _ranges(high: int) -> Iterator[Range]:
    """What covers all numbers below `high`, the greatest first, each up to a greater block."""
    for level, above in zip(LEVELS, (*LEVELS[1:], LEVELS[-1] + 3), strict=True):
        if high <= 0:
            return
        low = (high - 1) >> above << above
        blocks = range(low >> level, ((high - 1) >> level) + 1)
        yield Range(low, high, _literal(_checksum(_block(level, block)) for block in blocks))
        high = low
    if high > 0:
        yield Range(0, high, None)


def _condition(wanted: Sequence[AllOf], blocks: str | None) -> tuple[str, dict[str, Any]]:
    """The tokens as a condition, and its values."""
    values: dict[str, Any] = {} if blocks is None else {"blocks": blocks}
    alternatives = []
    for number, all_of in enumerate(wanted):
        column, groups = _of_one_column(all_of)
        conditions = [] if blocks is None else [f"{column} && CAST(:blocks AS integer[])"]
        single = [group[0] for group in groups if len(group) == 1]
        several = [group for group in groups if len(group) > 1]
        for place, (operator, tokens) in enumerate(
            [*([("@>", single)] if single else []), *(("&&", group) for group in several)]
        ):
            name = f"tokens_{number}_{place}"
            values[name] = _literal(_checksum(token.encode()) for token in tokens)
            conditions.append(f"{column} {operator} CAST(:{name} AS integer[])")
        alternatives.append(f"({' AND '.join(conditions)})")
    return " OR ".join(alternatives), values


@lru_cache(maxsize=256)
def _statement(condition: str) -> CompiledStatement:
    # Computed from the number, so that no plan goes through the table by its key.
    return CompiledStatement(
        text(f"""
        SELECT number FROM contact_search
        WHERE number + 0 >= :low AND number + 0 < :high AND ({condition})
        ORDER BY number + 0 DESC LIMIT :most
        """)
    )


def _of_one_column(all_of: AllOf) -> tuple[str, list[tuple[str, ...]]]:
    """The column that has all these kinds, and what to ask it.

    Of inner parts more may be found than have the tokens, never less: a longer beginning of a word
    becomes its first characters and what is inside of it.
    """
    if not any(any_of[0][0] in INNER_KINDS for any_of in all_of):
        return WORDS, _once(all_of)
    asked: AllOf = []
    for any_of in all_of:
        kind, characters = any_of[0][0], any_of[0][1:]
        if kind in PREFIX_KINDS and len(characters) > SHORT:
            asked.append([token[: 1 + SHORT] for token in any_of])
            asked += inside(characters)
        else:
            asked.append(any_of)
    return INNER_PARTS, _once(asked)


def _once(all_of: AllOf) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(map(tuple, all_of)))


def _literal(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL writes it."""
    return f"{{{','.join(map(str, numbers))}}}"


def _index_names(connection: Connection, table: str) -> dict[str, str]:
    """The names of a table's indexes by what they index."""
    rows = connection.exec_driver_sql(
        "SELECT substring(indexdef FROM 'USING .*') AS definition, indexname AS name "
        "FROM pg_indexes "
        f"WHERE schemaname = current_schema() AND tablename = '{table}'"
    )
    return {row.definition: row.name for row in rows}
