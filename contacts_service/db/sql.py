"""Constructs that compile to different SQL for SQLite and PostgreSQL."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Numeric,
    String,
    TableValuedAlias,
    bindparam,
    column,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from contacts_service.strict_json import write_json

Text = String().with_variant(String(collation="C"), "postgresql")  # sorts by code point


class JSONText(String):
    """Text that holds JSON."""


StoredJSON = JSONText().with_variant(JSONText(collation="C"), "postgresql")


class numbers_in(FunctionElement[Any]):  # noqa: N801
    """The whole numbers of a JSON array, as a table with the column `value`."""

    inherit_cache = True
    table_columns = (column("value", BigInteger),)


def numbers_parameter(name: str) -> TableValuedAlias:
    """The bind parameter `name`, a JSON array of whole numbers, as a table of `value`."""
    return _table_of(bindparam(name), name)


def table_of_numbers(numbers: Iterable[int]) -> TableValuedAlias:
    """These numbers as a table of `value`, in one parameter however many there are."""
    return _table_of(literal(write_json(list(numbers)).decode()), None)


def _table_of(array: Any, name: str | None) -> TableValuedAlias:
    return numbers_in(array).table_valued(*numbers_in.table_columns, name=name)


class members_of(FunctionElement[Any]):  # noqa: N801
    """The members of a JSON object as a table: `key`, `type`, and the value if it is a scalar.

    `type` is the name that SQLite's json_each uses. A string is in `text`; a number is in `number`,
    and so is a boolean, as 1 or 0.
    """

    inherit_cache = True
    table_columns = (
        "key",
        column("type", String),
        column("text", String),
        column("number", Numeric),
    )


def number(value: float) -> ColumnElement[Any]:
    """A number of any size, to compare with the `number` of `members_of`."""
    is_whole = -(2**63) <= value < 2**63 and value == int(value)
    return literal(int(value) if is_whole else value, Numeric)


class place_in(FunctionElement[int]):  # noqa: N801
    """The position of one text inside another, from 1; 0 if it is not inside."""

    inherit_cache = True
    type = Integer()


class casefold(FunctionElement[str]):  # noqa: N801
    """A text after Python's `str.casefold`."""

    inherit_cache = True
    type = String()


class contact_count(FunctionElement[int]):  # noqa: N801
    """How many contacts there are, as triggers keep count (migration 0005)."""

    inherit_cache = True
    type = Integer()


def _function(name: str) -> Any:
    def compiled(element: Any, compiler: Any, **options: Any) -> str:
        return f"{name}({compiler.process(element.clauses, **options)})"

    return compiled


compiles(numbers_in)(_function("json_each"))
compiles(place_in)(_function("instr"))
compiles(place_in, "postgresql")(_function("strpos"))
compiles(casefold)(_function("casefold"))
compiles(casefold, "postgresql")(_function("contacts_casefold"))


@compiles(numbers_in, "postgresql")
def _pg_numbers(element: Any, compiler: Any, **options: Any) -> str:
    array = compiler.process(element.clauses, **options)
    return f"(SELECT unnest(CAST(translate({array}, '[]', '{{}}') AS bigint[])) AS value)"


@compiles(members_of)
def _members(element: Any, compiler: Any, **options: Any) -> str:
    stored = compiler.process(element.clauses, **options)
    return f"(SELECT key, type, atom AS text, atom AS number FROM json_each({stored}))"


# JSON holds the shortest digits that identify a double; a large whole double has more of them.
PG_NUMBER = """
    CASE WHEN CAST(value AS text) ~ '[.eE]'
        AND abs(CAST(CAST(value AS text) AS float8)) >= 2.0 ^ 53
        AND CAST(CAST(value AS text) AS float8) >= -(2.0 ^ 63)
        AND CAST(CAST(value AS text) AS float8) < 2.0 ^ 63
    THEN CAST(CAST(CAST(CAST(value AS text) AS float8) AS bigint) AS numeric)
    ELSE CAST(CAST(value AS text) AS numeric) END
"""


@compiles(members_of, "postgresql")
def _pg_members(element: Any, compiler: Any, **options: Any) -> str:
    stored = compiler.process(element.clauses, **options)
    return f"""(
        SELECT key,
            CASE json_typeof(value) WHEN 'string' THEN 'text' WHEN 'number' THEN 'real'
                WHEN 'boolean' THEN CAST(value AS text) ELSE json_typeof(value) END AS type,
            CASE json_typeof(value) WHEN 'string' THEN value #>> '{{}}' END COLLATE "C" AS text,
            CASE json_typeof(value) WHEN 'number' THEN {PG_NUMBER}
                WHEN 'boolean' THEN CAST(CAST(value AS text) = 'true' AS int) END AS number
        FROM json_each(CAST({stored} AS json))
    )"""


@compiles(contact_count)
def _count(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "(SELECT seq FROM sqlite_sequence WHERE name = 'contact_count')"


@compiles(contact_count, "postgresql")
def _pg_count(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "(SELECT total FROM contact_count)"
