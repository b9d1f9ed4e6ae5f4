"""Statements of those who read, asked by libpq's own calls.

A cursor of psycopg takes more time than what is asked of the database. How values become parameters
and answers become values is psycopg's, and so are the errors.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

_Key = tuple[bytes, tuple[int, ...]]  # a statement, and the types of its parameters

_place = re.compile("%[%s]")

# A prepared statement whose columns have changed, and one that a pooler has dropped.
OUTDATED_STATES = {"0A000", "26000"}


@dataclass(slots=True)
class Answer:
    """The rows that were found: `fetchone` and `fetchall` give what a cursor's do at first."""

    rows: list[tuple[Any, ...]]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class Statements:
    """What is asked by one connection; what is asked often is prepared, as psycopg does it.

    `prepare_threshold` and `prepared_max` are the connection's.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._transformer: Any = Transformer(connection)
        self._asked: OrderedDict[_Key, int] = OrderedDict()  # how often, until it is prepared
        self._names: OrderedDict[_Key, bytes] = OrderedDict()  # of what the server has prepared
        self._numbers = count()

    def execute(self, text: str, values: Sequence[Any]) -> Answer:
        """Raises psycopg's errors."""
        transformer = self._transformer
        given = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types, formats = transformer.types, transformer.formats
        key = _numbered(text), types
        server: Any = self._connection.pgconn
        name = self._name(key)
        if name is None:
            result = server.exec_params(key[0], given, types, formats)
        else:
            result = server.exec_prepared(name, given, formats)
        if result.status != ExecStatus.TUPLES_OK:
            error = self._error(result)
            if error.sqlstate in OUTDATED_STATES and name is not None:
                self._close(self._names.pop(key))
            raise error
        transformer.set_pgresult(result)
        rows = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None)  # or it is kept until the next one
        return Answer(rows)

    def _name(self, key: _Key) -> bytes | None:
        """The statement's name, if it was asked often enough to have one."""
        name = self._names.get(key)
        if name is not None:
            self._names.move_to_end(key)
            return name
        threshold = self._connection.prepare_threshold
        if threshold is None:
            return None
        asked = self._asked.pop(key, 0) + 1
        if asked > threshold:
            return self._prepare(key)
        self._asked[key] = asked
        self._oldest_over_the_most(self._asked)
        return None

    def _prepare(self, key: _Key) -> bytes:
        name = b"contacts_%d" % next(self._numbers)
        self._require(self._connection.pgconn.prepare(name, *key))
        self._names[key] = name
        oldest = self._oldest_over_the_most(self._names)
        if oldest is not None:
            self._close(oldest)
        return name

    def _oldest_over_the_most(self, kept: OrderedDict[_Key, Any]) -> Any:
        """Take out what was not asked for the longest time, where there are too many."""
        most = self._connection.prepared_max
        return kept.popitem(last=False)[1] if most is not None and len(kept) > most else None

    def _close(self, name: bytes) -> None:
        # Not by DEALLOCATE: a pooler has another name for it, and a failed transaction forbids it.
        self._require(self._connection.pgconn.close_prepared(name))

    def _require(self, result: Any) -> None:
        if result.status != ExecStatus.COMMAND_OK:
            raise self._error(result)

    def _error(self, result: Any) -> psycopg.Error:
        """What went wrong, without the values that the server's details name."""
        error = error_from_result(result, self._connection.info.encoding)
        if error.diag.sqlstate is None:  # the server said nothing: libpq's own, of the connection
            return psycopg.OperationalError(*error.args)
        return without_details(error)


def without_details(error: psycopg.Error) -> psycopg.Error:
    """The error with its main sentence alone: its details name what rows hold, and it is logged."""
    if error.diag.message_primary:
        error.args = (error.diag.message_primary,)
    return error


@lru_cache(maxsize=256)
def _numbered(text: str) -> bytes:
    """A statement with the places of its values as libpq knows them."""
    numbers = count(1)
    return _place.sub(lambda it: "%" if it[0] == "%%" else f"${next(numbers)}", text).encode()
