"""What SQLite and PostgreSQL spell differently: constructs that compile to the SQL of each."""

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
    """Text that is JSON."""


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
    """The members of an object, stored as JSON, as a table: `key`, `type`, and the scalar value.

    Types are called as SQLite's json_each does. The value of a string is in `text`, that of a
    number or a boolean (1 or 0) in `number`.
    """

    inherit_cache = True
    table_columns = (
        "key",
        column("type", String),
        column("text", String),
        column("number", Numeric),
    )


def number(value: float) -> ColumnElement[Any]:
    """A number of any size, for comparing with `members_of`."""
    is_whole = -(2**63) <= value < 2**63 and value == int(value)
    return literal(int(value) if is_whole else value, Numeric)


class place_in(FunctionElement[int]):  # noqa: N801
    """The place, from 1, where a text has another one inside; 0 if nowhere."""

    inherit_cache = True
    type = Integer()


class casefold(FunctionElement[str]):  # noqa: N801
    """A text as Python's `str.casefold` has it."""

    inherit_cache = True
    type = String()


class contact_count(FunctionElement[int]):  # noqa: N801
    """How many contacts there are, which triggers keep (migration 0005)."""

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


# The shortest digits of a double, which JSON has, are not all the digits of a large whole one.
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
