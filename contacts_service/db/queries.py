"""Reading: SELECTs that are compiled once, on the driver's own connection, to plain rows.

SQLAlchemy says what to ask; asking through it would cost several times what the database takes.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import OperationalError

# The text, the names of its values in their order, and the values that it has already.
_Compiled = tuple[str, tuple[str, ...], dict[str, Any]]

NO_VALUES: Mapping[str, Any] = {}
DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


class Prepared:
    """A statement whose `bindparam`s get their values when it is asked.

    It returns columns as the driver has them: what is to be another type in Python is not for it.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}  # by dialect

    def bound(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text, and the values of its places."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(dialect)
        text, names, own = compiled
        return text, [values[name] if name in values else own[name] for name in names]

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement: Any = self._statement
        compiled = statement.compile(dialect=dialect)
        asked = {name: None for name, bind in compiled.binds.items() if bind.required}
        made = compiled.construct_expanded_state(asked)
        return made.statement, tuple(made.positiontup or ()), made.parameters


class _DriverErrors:
    """Lets the driver's errors be SQLAlchemy's."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, DRIVER_ERRORS):
            raise OperationalError(None, None, error, hide_parameters=True) from error


driver_errors = _DriverErrors()


class Reader:
    """A connection that sees one state of the database.

    Errors are SQLAlchemy's.
    """

    __slots__ = ("_dialect", "_driver")

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    def rows(
        self, statement: Prepared, values: Mapping[str, Any] = NO_VALUES
    ) -> list[tuple[Any, ...]]:
        text, given = statement.bound(self._dialect, values)
        with driver_errors:
            rows: list[tuple[Any, ...]] = self._driver.execute(text, given).fetchall()
        return rows

    def row(
        self, statement: Prepared, values: Mapping[str, Any] = NO_VALUES
    ) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        text, given = statement.bound(self._dialect, values)
        with driver_errors:
            row: tuple[Any, ...] | None = self._driver.execute(text, given).fetchone()
        return row

    def value(self, statement: Prepared, values: Mapping[str, Any] = NO_VALUES) -> Any:
        """The first column of the first row; None without a row."""
        row = self.row(statement, values)
        return None if row is None else row[0]
