"""What SQLite and PostgreSQL spell differently: constructs that compile to the words of each.

JSON that PostgreSQL's own functions write has spaces in it, so there it is put together from text.
"""

from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Numeric,
    String,
    column,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

Text = String().with_variant(String(collation="C"), "postgresql")  # sorts by code point


class JSONText(String):
    """Text that is JSON already."""


class json_object(FunctionElement[str]):  # noqa: N801 (as functions of SQL are written)
    """An object of names, as literals, and values in turn."""

    inherit_cache = True
    type = JSONText()


class json_array(FunctionElement[str]):  # noqa: N801
    """An array of values."""

    inherit_cache = True
    type = JSONText()


class stored_json(FunctionElement[str]):  # noqa: N801
    """JSON that a column holds as text."""

    inherit_cache = True
    type = JSONText()


class joined(FunctionElement[str]):  # noqa: N801
    """The values of all rows with commas between; the rows come in the order of a subquery."""

    inherit_cache = True
    type = JSONText()


class numbers_in(FunctionElement[Any]):  # noqa: N801
    """An array of whole numbers, as JSON, as a table: each `value` and its place, `key`."""

    inherit_cache = True
    table_columns = ("key", column("value", BigInteger))


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


compiles(json_object)(_function("json_object"))
compiles(json_array)(_function("json_array"))
compiles(stored_json)(_function("json"))
compiles(joined)(_function("group_concat"))
compiles(numbers_in)(_function("json_each"))
compiles(place_in)(_function("instr"))
compiles(place_in, "postgresql")(_function("strpos"))
compiles(casefold)(_function("casefold"))
compiles(casefold, "postgresql")(_function("contacts_casefold"))


@compiles(json_object, "postgresql")
def _pg_object(element: Any, compiler: Any, **options: Any) -> str:
    parts = list(element.clauses)
    members = [
        f"'{opening}{orjson.dumps(name.name.strip(chr(39))).decode()}:', "
        f"{_pg_json(value, compiler, **options)}"
        for opening, name, value in zip(
            "{" + "," * len(parts), parts[::2], parts[1::2], strict=False
        )
    ]
    return f"concat({', '.join(members)}, '}}')"


@compiles(json_array, "postgresql")
def _pg_array(element: Any, compiler: Any, **options: Any) -> str:
    values = ", ',', ".join(_pg_json(value, compiler, **options) for value in element.clauses)
    return f"concat('[', {values}, ']')"


def _pg_json(value: Any, compiler: Any, **options: Any) -> str:
    """A value as the text of its JSON."""
    text = compiler.process(value, **options)
    if isinstance(value.type, Boolean):
        raise TypeError("A boolean is written by json_boolean.")
    if isinstance(value.type, Integer):
        text = f"CAST({text} AS text)"
    elif not isinstance(value.type, JSONText):
        text = f"CAST(to_json({text}) AS text)"
    return f"coalesce({text}, 'null')"


@compiles(stored_json, "postgresql")
def _pg_stored(element: Any, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


@compiles(joined, "postgresql")
def _pg_joined(element: Any, compiler: Any, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, ',')"


@compiles(numbers_in, "postgresql")
def _pg_numbers(element: Any, compiler: Any, **options: Any) -> str:
    array = compiler.process(element.clauses, **options)
    return (
        "(SELECT place AS key, number AS value FROM "
        f"unnest(CAST(translate({array}, '[]', '{{}}') AS bigint[])) "
        "WITH ORDINALITY AS listed (number, place))"
    )


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
