"""Reading: SELECTs that SQLAlchemy compiles once and that run on the driver's own connection.

To run a statement takes SQLAlchemy's Core several times as long as the driver alone
(`python -m bench.request`). `Shape` says which columns an answer is made of.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import orjson
import psycopg
from sqlalchemy import Boolean, Dialect, Executable
from sqlalchemy.exc import OperationalError

from contacts_service.db.sql import JSONText
from contacts_service.strict_json import Json

Column = Any  # a column, or another SQL expression of SQLAlchemy
Row = Sequence[Any]

NO_VALUES: Mapping[str, Any] = {}
DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


class CompiledStatement:
    """A SELECT whose `bindparam`s get their values when it runs.

    Its rows hold the driver's values; no result type of SQLAlchemy is applied.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}  # by dialect

    def bind(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The statement in the dialect's SQL, and the values of its placeholders in order.

        Raises KeyError where the value of a `bindparam` is missing.
        """
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = self._compile(dialect)
        text, names, constants = self._compiled[dialect.name]
        return text, [values[name] if name in values else constants[name] for name in names]

    def _compile(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        compiled = self._statement.compile(dialect=dialect)
        required = {name: None for name, bind in compiled.binds.items() if bind.required}
        expanded = compiled.construct_expanded_state(required)
        given = {name: it for name, it in expanded.parameters.items() if name not in required}
        return expanded.statement, tuple(expanded.positiontup or ()), given


class _DriverErrors:
    """Turns the driver's errors into SQLAlchemy's; holds no state, so one serves all threads."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, DRIVER_ERRORS):
            raise OperationalError(None, None, error, hide_parameters=True) from error


driver_errors = _DriverErrors()


class ReadConnection:
    """Runs compiled statements in one transaction of the driver. Raises SQLAlchemyError."""

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self.driver = driver
        self.dialect = dialect

    def rows(
        self, statement: CompiledStatement, values: Mapping[str, Any] = NO_VALUES
    ) -> list[tuple[Any, ...]]:
        """All rows."""
        with driver_errors:
            rows: list[tuple[Any, ...]] = self._execute(statement, values).fetchall()
        return rows

    def row(
        self, statement: CompiledStatement, values: Mapping[str, Any] = NO_VALUES
    ) -> tuple[Any, ...] | None:
        """The first row, or None."""
        with driver_errors:
            row: tuple[Any, ...] | None = self._execute(statement, values).fetchone()
        return row

    def batches(
        self, statement: CompiledStatement, values: Mapping[str, Any] = NO_VALUES, size: int = 1000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, `size` at a time, without holding them all."""
        # psycopg fetches all rows at once, unless the cursor has a name and so is the server's.
        named = {"name": f"batches_{id(statement)}"} if self.dialect.name == "postgresql" else {}
        with driver_errors, closing(self.driver.cursor(**named)) as cursor:
            cursor.execute(*statement.bind(self.dialect, values))
            while rows := cursor.fetchmany(size):
                yield rows

    def value(self, statement: CompiledStatement, values: Mapping[str, Any] = NO_VALUES) -> Any:
        """The first column of the first row; None without a row."""
        row = self.row(statement, values)
        return None if row is None else row[0]

    def _execute(self, statement: CompiledStatement, values: Mapping[str, Any]) -> Any:
        return self.driver.execute(*statement.bind(self.dialect, values))


class Shape:
    """How a row becomes a JSON object: the object's names in order, and the column of each.

    `names` are usually the fields of the schema that documents the object. The column of a name is
    the attribute of `model` with that name, unless `others` gives one. `others` may also give the
    Shape of an object inside this one, which is null if its first column is. Booleans are never
    null. `columns` are those to select, in their order.
    """

    def __init__(self, names: Iterable[str], model: Any = None, **others: "Column | Shape") -> None:
        self._names = tuple(names)
        members = [others[name] if name in others else getattr(model, name) for name in self._names]
        # First one column for each name, then the further ones of the objects inside.
        self.columns: list[Column] = [_columns(member)[0] for member in members]
        self._converted: list[tuple[str, int, Callable[[Any], Any]]] = []  # unlike in the row
        self._objects: list[tuple[str, list[int], Shape]] = []
        for place, (name, member) in enumerate(zip(self._names, members, strict=True)):
            further = range(len(self.columns), len(self.columns) + len(_columns(member)) - 1)
            self.columns += _columns(member)[1:]
            if isinstance(member, Shape):
                self._objects.append((name, [place, *further], member))
            elif convert := _converter(member):
                self._converted.append((name, place, convert))

    def read(self, row: Row) -> Json:
        """The object of a row whose first values are those of `columns`."""
        payload = dict(zip(self._names, row, strict=False))
        for name, place, convert in self._converted:
            payload[name] = convert(row[place])
        for name, places, shape in self._objects:
            inner = [row[place] for place in places]
            payload[name] = None if inner[0] is None else shape.read(inner)
        return payload


def _columns(member: Column | Shape) -> list[Column]:
    return member.columns if isinstance(member, Shape) else [member]


def _converter(column: Column) -> Callable[[Any], Any] | None:
    """What makes the value in the answer of that in a row; None if it is the same."""
    if isinstance(column.type, Boolean):
        return bool
    if isinstance(column.type, JSONText):
        return _fragment
    return None


def _fragment(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)
