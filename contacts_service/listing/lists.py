"""Lists: a page of a query with totals, or the next part of a walk. Knows no table.

First the places of the rows are found, in whatever index the order has; then those rows alone are
read, as the JSON that goes out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.sql_json import json_array, json_list, list_parameter
from contacts_service.listing.cursors import Position, Walk, read_cursor, write_cursor
from contacts_service.strict_json import Json, write_json

AnySelect = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]
Values = Mapping[str, Any]

# The parameters of a list's statements, beside those of its query.
KEYS, BY, KEY, LIMIT, OFFSET = "list_keys", "list_by", "list_key", "list_limit", "list_offset"


@dataclass(frozen=True)
class Order:
    """By one column, then by the id in the same direction; rows without a value come last."""

    by: Column
    key: Column
    is_descending: bool = True

    def clauses(self, *, is_reversed: bool = False) -> list[Column]:
        if self.is_descending != is_reversed:
            by, key = self.by.desc(), self.key.desc()
        else:
            by, key = self.by.asc(), self.key.asc()
        if not self._has_nulls:  # not said then, or PostgreSQL would look for another index
            return [by, key]
        return [by.nulls_first() if is_reversed else by.nulls_last(), key]

    @property
    def kind(self) -> type:
        """What its values are in Python, beside None."""
        kind: type = self.by.type.python_type  # type: ignore[attr-defined]
        return kind

    @property
    def _has_nulls(self) -> bool:
        columns = self.by.base_columns  # type: ignore[attr-defined]
        return any(getattr(column, "nullable", True) for column in columns)

    def stretches(self) -> dict[str, ColumnElement[bool]]:
        """What the rows after a position have, part by part.

        Each is one range of an index. SQLite compares only the column of a pair (column, rowid) by
        the index, and would go through all the rows of an equal value.
        """
        is_after = self._is_after(self.key, KEY)
        return {
            "with a value": self.by.is_not(None),
            "of the same value": and_(self.by == bindparam(BY), is_after),
            "of later values": self._is_after(self.by, BY),
            "without a value": self.by.is_(None),
            "the rest of those without": and_(self.by.is_(None), is_after),
        }

    def _is_after(self, column: Column, name: str) -> ColumnElement[bool]:
        value: Any = bindparam(name)
        after: ColumnElement[bool] = column < value if self.is_descending else column > value
        return after


@dataclass(frozen=True)
class Page:
    """Which part of a list: `number` from 1, `size` rows."""

    number: int
    size: int


Part = Page | Walk


@dataclass(frozen=True)
class Listing:
    """What a list is made of; `name` tells it from every other.

    `query` says which rows there are, with a `bindparam` for what they belong to; its columns do
    not matter. `shape` is a row as JSON. `require_owner` raises NotFoundError where what the rows
    belong to is not there. `total` counts all of them, where that can be had without counting.
    """

    name: str
    query: AnySelect
    order: Order
    shape: Column
    require_owner: Callable[..., object] | None = None
    total: AnySelect | None = None

    def count(self, reader: Reader, values: Values) -> int:
        return int(reader.value(self._count, values))

    def show(self, reader: Reader, keys: Iterable[int], values: Values) -> orjson.Fragment:
        """The rows with these keys, in the same order, as a JSON array."""
        listed = write_json(list(keys)).decode()
        return orjson.Fragment(reader.value(self._shown, {**values, KEYS: listed}))

    def show_page(self, reader: Reader, page: Page, values: Values) -> tuple[int, orjson.Fragment]:
        """How many rows there are in all, and those of a page as a JSON array."""
        if page.number == 1:
            total, rows = reader.row(self._first_page(page.size), values) or (0, "[]")
            return total, orjson.Fragment(rows)
        total = self.count(reader, values)
        before = (page.number - 1) * page.size
        size = min(page.size, total - before)
        if size <= 0:
            return total, orjson.Fragment("[]")
        after = total - before - size  # from the nearer end
        if before <= after:
            rows = reader.value(self._page_from_start, {**values, LIMIT: size, OFFSET: before})
        else:
            rows = reader.value(self._page_from_end, {**values, LIMIT: size, OFFSET: after})
        return total, orjson.Fragment(rows)

    def places_after(
        self, reader: Reader, position: Position | None, limit: int, values: Values
    ) -> list[Any]:
        """The places of the next rows after a position, or of the first."""
        by, key = position or (None, None)
        if position is None:
            stretches = ["with a value", "without a value"]
        elif by is None:
            stretches = ["the rest of those without"]
        else:
            stretches = ["of the same value", "of later values", "without a value"]
        places: list[Any] = []
        for stretch in stretches:
            given = {**values, BY: by, KEY: key, LIMIT: limit - len(places)}
            places += _places(reader, self._after[stretch], given)
            if len(places) == limit:
                break
        return places

    @cached_property
    def _total(self) -> AnySelect:
        return self._query_of(func.count()) if self.total is None else self.total

    @cached_property
    def _count(self) -> Prepared:
        return Prepared(self._total)

    @cached_property
    def _shown(self) -> Prepared:
        keys = list_parameter(KEYS)
        rows = self._query_of(self.shape).join(keys, keys.c.value == self.order.key)
        return Prepared(json_list(rows.order_by(keys.c.key)))

    @cached_property
    def _first_pages(self) -> dict[int, Prepared]:
        return {}

    def _first_page(self, size: int) -> Prepared:
        """What most ask for, all by one statement that needs no plan of its own each time."""
        if size not in self._first_pages:
            places = self._places(self.order.clauses()).limit(literal_column(str(size)))
            rows = self._rows(places)
            both = select(self._total.scalar_subquery(), rows.scalar_subquery())
            self._first_pages[size] = Prepared(both)
        return self._first_pages[size]

    @cached_property
    def _page_from_start(self) -> Prepared:
        return self._page(self.order.clauses())

    @cached_property
    def _page_from_end(self) -> Prepared:
        return self._page(self.order.clauses(is_reversed=True))

    def _page(self, clauses: list[Column]) -> Prepared:
        places = self._places(clauses).limit(_number(LIMIT)).offset(_number(OFFSET))
        return Prepared(self._rows(places))

    def _places(self, clauses: list[Column]) -> AnySelect:
        places = self._query_of(self.order.by.label("by"), self.order.key.label("key"))
        return places.order_by(*clauses)

    def _rows(self, places: AnySelect) -> AnySelect:
        found = places.subquery("places").columns
        rows = self._query_of(self.shape).join(found.key.table, found.key == self.order.key)
        in_order = replace(self.order, by=found.by, key=found.key).clauses()
        return json_list(rows.order_by(*in_order))

    @cached_property
    def _after(self) -> dict[str, Prepared]:
        places = self._query_of(json_array(self.order.by, self.order.key))
        places = places.order_by(*self.order.clauses()).limit(_number(LIMIT))
        return {
            stretch: Prepared(json_list(places.where(condition)))
            for stretch, condition in self.order.stretches().items()
        }

    def _query_of(self, *columns: Column) -> AnySelect:
        return self.query.with_only_columns(*columns, maintain_column_froms=True)


def read_list(reader: Reader, listing: Listing, part: Part, values: Values | None = None) -> Json:
    """The part of a list that was asked for, as the contract's section 3 shows it.

    `values` are the parameters of the list's query. A cursor is judged before it is asked whether
    the owner exists.
    """
    if isinstance(part, Walk):
        return _read_walk(reader, listing, part, values or {})
    return _read_page(reader, listing, part, values or {})


def _read_page(reader: Reader, listing: Listing, page: Page, values: Values) -> Json:
    """A page with totals; past the end without results."""
    _require_owner(reader, listing, values)
    total, rows = listing.show_page(reader, page, values)
    return {
        "results": rows,
        "total": total,
        "total_pages": -(-total // page.size),
        "page": page.number,
        "page_size": page.size,
    }


def _read_walk(reader: Reader, listing: Listing, walk: Walk, values: Values) -> Json:
    """The rows after a cursor, found by their place in the order, at the same cost everywhere."""
    question = f"{listing.name} {sorted(values.items())}\n{walk.question}"
    kind = listing.order.kind
    position = read_cursor(walk.cursor, question, kind) if walk.cursor else None
    _require_owner(reader, listing, values)
    places = listing.places_after(reader, position, walk.size + 1, values)
    shown, is_more = places[: walk.size], len(places) > walk.size
    return {
        "results": listing.show(reader, (key for _, key in shown), values),
        "next_cursor": write_cursor(tuple(shown[-1]), question) if is_more else None,
        "page_size": walk.size,
    }


def _require_owner(reader: Reader, listing: Listing, values: Values) -> None:
    if listing.require_owner is not None:
        listing.require_owner(reader, **values)


def _places(reader: Reader, statement: Prepared, values: Values) -> list[Any]:
    places: list[Any] = orjson.loads(reader.value(statement, values))
    return places


def _number(name: str) -> Column:
    return bindparam(name, type_=Integer)
