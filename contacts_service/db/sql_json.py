"""JSON that the database writes, so that rows go out as it made them.

Many rows come as one text: no object of Python's for each, and the driver gives the interpreter's
lock away for every row.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    TableValuedAlias,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
)

from contacts_service.db import sql as dialects
from contacts_service.strict_json import write_json

Column = SQLColumnExpression[Any]
AnySelect = Select[*tuple[Any, ...]]


def json_object(*columns: Any, **members: Column) -> ColumnElement[str]:
    """An object of columns by their own names, and of further members."""
    named = {column.key: column for column in columns} | members
    return dialects.json_object(
        *(part for name, value in named.items() for part in (_literal(name), value))
    )


def json_array(*values: Column) -> ColumnElement[str]:
    return dialects.json_array(*values)


def stored_json(column: Column) -> ColumnElement[Any]:
    """JSON that a column holds as text."""
    return dialects.stored_json(column)


def json_boolean(column: Column) -> ColumnElement[Any]:
    return stored_json(case((column, _literal("true")), else_=_literal("false")))


def json_list(query: AnySelect) -> AnySelect:
    """The rows of a query of one column of JSON, in its order, as the text of one array."""
    [column] = query.subquery().columns
    rows = func.coalesce(dialects.joined(column), _literal(""))
    return select(_literal("[").concat(rows).concat(_literal("]")))


def list_parameter(name: str) -> TableValuedAlias:
    """The parameter `name`, an array as JSON, as a table: each `value` and its place, `key`."""
    return _numbers(bindparam(name), name)


def list_of(values: list[int]) -> TableValuedAlias:
    """These values as a table of `value`; a statement takes only so many parameters."""
    return _numbers(literal(write_json(values).decode()), None)


def _numbers(array: Any, name: str | None) -> TableValuedAlias:
    return dialects.numbers_in(array).table_valued(*dialects.numbers_in.table_columns, name=name)


def _literal(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'")
