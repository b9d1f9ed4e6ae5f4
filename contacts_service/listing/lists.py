"""Lists: a page of a query, by its number, with totals, or by a cursor.

First the keys of a page are found, in the index of the order; then the rows with these ids are
read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    func,
)

from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.sql import numbers_parameter
from contacts_service.listing.cursors import Key, read_cursor, write_cursor
from contacts_service.strict_json import Json, write_json

AnySelect = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]
Values = Mapping[str, Any]

# Names of parameters in a list's statements; a list's query may have others.
IDS, LAST_VALUE, LAST_ID, LIMIT, OFFSET = "list_ids", "last_value", "last_id", "limit", "offset"


@dataclass(frozen=True)
class NumberedPage:
    """Asks for page `number`, from 1, of `size` rows."""

    number: int
    size: int


@dataclass(frozen=True)
class CursorPage:
    """Asks for `size` rows after `cursor`, which is empty at the start.

    `question` holds the other parameters, which must stay the same from page to page.
    """

    cursor: str
    size: int
    question: str


PageRequest = NumberedPage | CursorPage


def page_request(query: Json) -> PageRequest:
    """The page that a query string asks for; see schemas.lists.ListQuerySchema."""
    size = query["page_size"]
    if "cursor" not in query:
        return NumberedPage(query.get("page", 1), size)
    others = {name: query[name] for name in query if name not in ("cursor", "page_size")}
    return CursorPage(query["cursor"], size, question=str(sorted(others.items())))


@dataclass(frozen=True)
class Order:
    """Orders by one column, then by the id in the same direction. Nulls come last."""

    by: Column
    id: Column
    is_descending: bool = True

    @property
    def clauses(self) -> list[Column]:
        if self.is_descending:
            by, row_id = self.by.desc(), self.id.desc()
        else:
            by, row_id = self.by.asc(), self.id.asc()
        # For a column without nulls, NULLS LAST would keep PostgreSQL from using the index.
        return [by.nulls_last() if self._has_nulls else by, row_id]

    @property
    def kind(self) -> type:
        """The Python type of the column's values, besides None."""
        kind: type = self.by.type.python_type  # type: ignore[attr-defined]
        return kind

    @property
    def _has_nulls(self) -> bool:
        columns = self.by.base_columns  # type: ignore[attr-defined]
        return any(getattr(column, "nullable", True) for column in columns)

    def keyset_ranges(self) -> dict[str, ColumnElement[bool]]:
        """The conditions of the rows after a key; each is one range of the order's index.

        For a condition on the pair of both columns, SQLite would search by the first column only
        and go through all rows with an equal value.
        """
        after_id = self._after(self.id, LAST_ID)
        return {
            "any value": self.by.is_not(None),
            "same value": and_(self.by == bindparam(LAST_VALUE), after_id),
            "later values": self._after(self.by, LAST_VALUE),
            "null": self.by.is_(None),
            "rest of null": and_(self.by.is_(None), after_id),
        }

    def _after(self, column: Column, name: str) -> ColumnElement[bool]:
        value: Any = bindparam(name)
        after: ColumnElement[bool] = column < value if self.is_descending else column > value
        return after


@dataclass(frozen=True)
class ListQuery:
    """The definition of a list. `name` is unique.

    `query` selects the rows, with a `bindparam` for their owner; its columns are ignored. `shape`
    says what is shown of a row. `require_owner` raises NotFoundError if the owner does not exist.
    `total` is a faster statement to count all rows.
    """

    name: str
    query: AnySelect
    order: Order
    shape: Shape
    require_owner: Callable[..., object] | None = None
    total: AnySelect | None = None

    def where(self, condition: ColumnElement[bool]) -> "ListQuery":
        """The list of only those rows that meet the condition."""
        return replace(self, query=self.query.where(condition), total=None)

    def count(self, reads: ReadConnection, values: Values) -> int:
        """How many rows all pages have together."""
        return int(reads.value(self._count, values))

    def rows(self, reads: ReadConnection, ids: Sequence[int], values: Values) -> list[Json]:
        """The rows with these ids, in their order. An id without a row is left out."""
        listed = {**values, IDS: write_json(ids).decode()}
        found = {row[-1]: self.shape.read(row) for row in reads.rows(self._rows, listed)}
        return [found[row_id] for row_id in ids if row_id in found]

    def rows_of_page(self, reads: ReadConnection, page: NumberedPage, values: Values) -> list[Json]:
        place = {LIMIT: page.size, OFFSET: (page.number - 1) * page.size}
        return [self.shape.read(row) for row in reads.rows(self._page, {**values, **place})]

    def keys_after(
        self, reads: ReadConnection, last: Key | None, limit: int, values: Values
    ) -> list[Key]:
        """The keys of the rows after `last`, or of the first rows if it is None."""
        value, row_id = last or (None, None)
        if last is None:
            ranges = ["any value", "null"]
        elif value is None:
            ranges = ["rest of null"]
        else:
            ranges = ["same value", "later values", "null"]
        keys: list[Any] = []
        for each in ranges:
            place = {LAST_VALUE: value, LAST_ID: row_id, LIMIT: limit - len(keys)}
            keys += reads.rows(self._after[each], {**values, **place})
            if len(keys) == limit:
                break
        return keys

    @cached_property
    def _count(self) -> CompiledStatement:
        return CompiledStatement(self._select(func.count()) if self.total is None else self.total)

    @cached_property
    def _rows(self) -> CompiledStatement:
        ids = numbers_parameter(IDS)
        rows = self._select(*self.shape.columns, self.order.id)
        return CompiledStatement(rows.join(ids, ids.c.value == self.order.id))

    @cached_property
    def _page(self) -> CompiledStatement:
        keys = self._keys.offset(bindparam(OFFSET, type_=Integer)).subquery("keys").columns
        in_order = replace(self.order, by=keys.by, id=keys.id).clauses
        rows = self._select(*self.shape.columns).join(keys.id.table, keys.id == self.order.id)
        return CompiledStatement(rows.order_by(*in_order))

    @cached_property
    def _after(self) -> dict[str, CompiledStatement]:
        return {
            name: CompiledStatement(self._keys.where(condition))
            for name, condition in self.order.keyset_ranges().items()
        }

    @property
    def _keys(self) -> AnySelect:
        keys = self._select(self.order.by.label("by"), self.order.id.label("id"))
        keys = keys.order_by(*self.order.clauses)
        return keys.limit(bindparam(LIMIT, type_=Integer))

    def _select(self, *columns: Column) -> AnySelect:
        return self.query.with_only_columns(*columns, maintain_column_froms=True)


def read_list(
    reads: ReadConnection, query: ListQuery, page: PageRequest, values: Values | None = None
) -> Json:
    """A page of a list, in the shape of docs/api.md, "Lists".

    `values` are the parameters of the list's query. An invalid cursor raises InputError even if the
    owner does not exist.
    """
    if isinstance(page, CursorPage):
        return _read_cursor_page(reads, query, page, values or {})
    return _read_numbered_page(reads, query, page, values or {})


def _read_numbered_page(
    reads: ReadConnection, query: ListQuery, page: NumberedPage, values: Values
) -> Json:
    """A page with totals; a page past the end has no results."""
    _require_owner(reads, query, values)
    total = query.count(reads, values)
    is_past_end = (page.number - 1) * page.size >= total
    return {
        "results": [] if is_past_end else query.rows_of_page(reads, page, values),
        "total": total,
        "total_pages": -(-total // page.size),
        "page": page.number,
        "page_size": page.size,
    }


def _read_cursor_page(
    reads: ReadConnection, query: ListQuery, page: CursorPage, values: Values
) -> Json:
    """The rows after a cursor. The cost does not depend on the depth."""
    question = f"{query.name} {sorted(values.items())}\n{page.question}"
    last = read_cursor(page.cursor, question, query.order.kind) if page.cursor else None
    _require_owner(reads, query, values)
    keys = query.keys_after(reads, last, page.size + 1, values)
    shown, is_more = keys[: page.size], len(keys) > page.size
    return {
        "results": query.rows(reads, [row_id for _, row_id in shown], values),
        "next_cursor": write_cursor(tuple(shown[-1]), question) if is_more else None,
        "page_size": page.size,
    }


def _require_owner(reads: ReadConnection, query: ListQuery, values: Values) -> None:
    if query.require_owner is not None:
        query.require_owner(reads, **values)
