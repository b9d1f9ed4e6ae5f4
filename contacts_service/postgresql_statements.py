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
    """The rows that were found; as of a cursor."""

    rows: list[tuple[Any, ...]]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


@dataclass(slots=True)
class _Known:
    """A statement that was asked: how often, and its name once the server has it prepared."""

    asked: int = 0
    name: bytes | None = None


class Statements:
    """What is asked by one connection; what is asked often is prepared, as psycopg does it.

    `prepare_threshold` and `prepared_max` are the connection's.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._transformer: Any = Transformer(connection)
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._numbers = count()

    def execute(self, text: str, values: Sequence[Any]) -> Answer:
        """Raises psycopg's errors."""
        convert = self._transformer
        given = convert.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types, formats = convert.types, convert.formats
        key = _numbered(text), types
        server: Any = self._connection.pgconn
        name = self._prepared(key)
        if name is None:
            result = server.exec_params(key[0], given, types, formats)
        else:
            result = server.exec_prepared(name, given, formats)
        if result.status != ExecStatus.TUPLES_OK:
            error = self._error(result)
            if error.sqlstate in OUTDATED_STATES:
                self._known.pop(key, None)
            raise error
        convert.set_pgresult(result)
        return Answer(convert.load_rows(0, result.ntuples, tuple))

    def _prepared(self, key: _Key) -> bytes | None:
        """The statement's name, if it was asked often enough to have one."""
        threshold = self._connection.prepare_threshold
        if threshold is None:
            return None
        known = self._known.setdefault(key, _Known())
        self._known.move_to_end(key)
        if known.name is None:
            known.asked += 1
            if known.asked > threshold:
                name = b"contacts_%d" % next(self._numbers)
                self._require(self._connection.pgconn.prepare(name, *key))
                known.name = name
            self._forget_oldest()
        return known.name

    def _forget_oldest(self) -> None:
        most = self._connection.prepared_max
        if most is not None and len(self._known) > most:
            _, oldest = self._known.popitem(last=False)
            if oldest.name is not None:
                # Not by DEALLOCATE, as a pooler has another name for it.
                self._require(self._connection.pgconn.close_prepared(oldest.name))

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
