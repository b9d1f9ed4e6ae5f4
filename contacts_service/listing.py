"""Lists: a page of a query with totals, or the next part of a walk. Knows no table."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, and_, func
from sqlalchemy.orm import Session

from contacts_service.cursors import Position, Walk, read_cursor, write_cursor
from contacts_service.database import fetch
from contacts_service.strict_json import Json

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Order:
    """By one column, then by the id in the same direction; rows without a value come last."""

    by: SQLColumnExpression[Any]
    key: SQLColumnExpression[Any]
    is_descending: bool = True

    def after(self, position: Position | None) -> Iterator[ColumnElement[bool]]:
        """What the rows after a position have, or all rows, stretch by stretch in this order.

        Each is one range of an index. SQLite compares only the column of a pair (column, rowid) by
        the index, and would go through all the rows of an equal value.
        """
        if position is None:
            yield self.by.is_not(None)
            yield self.by.is_(None)
            return
        value, key = position
        if value is not None:
            yield and_(self.by == value, self._is_after(self.key, key))
            yield self._is_after(self.by, value)
            yield self.by.is_(None)
        else:
            yield and_(self.by.is_(None), self._is_after(self.key, key))

    def _is_after(self, column: SQLColumnExpression[Any], value: Any) -> ColumnElement[bool]:
        after: ColumnElement[bool] = column < value if self.is_descending else column > value
        return after

    def clauses(self) -> list[SQLColumnExpression[Any]]:
        if self.is_descending:
            return [self.by.desc().nulls_last(), self.key.desc()]
        return [self.by.asc().nulls_last(), self.key.asc()]


@dataclass(frozen=True)
class Page:
    """Which part of a list: `number` from 1, `size` rows."""

    number: int
    size: int


Part = Page | Walk


@dataclass(frozen=True)
class Listing:
    """What a list is made of; `name` tells it from every other.

    `require_owner` raises NotFoundError where what it belongs to is not there.
    """

    name: str
    query: AnySelect
    order: Order
    to_json: Callable[[AnyRow], Json]
    require_owner: Callable[[], object] = lambda: None


def read_list(session: Session, listing: Listing, part: Part) -> Json:
    """The part of a list that was asked for, as the contract's section 3 shows it.

    A cursor is judged before it is asked whether the owner exists.
    """
    if isinstance(part, Walk):
        return _read_walk(session, listing, part)
    listing.require_owner()
    return _read_page(session, listing, part)


def _read_page(session: Session, listing: Listing, page: Page) -> Json:
    """A page with totals; past the end without results.

    The rows before the page are walked as ids alone, in whatever index the order has.
    """
    query, order = listing.query, listing.order
    count = query.with_only_columns(func.count(), maintain_column_froms=True)
    total: int = fetch(session, count).scalar_one()
    offset = (page.number - 1) * page.size
    results: list[Json] = []
    if offset < total:
        ids = query.with_only_columns(order.key, maintain_column_froms=True)
        ids = ids.order_by(*order.clauses()).limit(page.size).offset(offset)
        results = _rows(session, listing, ids)
    return {
        "results": results,
        "total": total,
        "total_pages": -(-total // page.size),
        "page": page.number,
        "page_size": page.size,
    }


def _read_walk(session: Session, listing: Listing, walk: Walk) -> Json:
    """The rows after a cursor, found by their place in the order, at the same cost everywhere."""
    question = f"{listing.name}\n{walk.question}"
    position = read_cursor(walk.cursor, question) if walk.cursor else None
    listing.require_owner()
    places = _places_after(session, listing, position, walk.size + 1)
    shown = places[: walk.size]
    more = len(places) > walk.size
    return {
        "results": _rows(session, listing, [key for _, key in shown]),
        "next_cursor": write_cursor(shown[-1], question) if more else None,
        "page_size": walk.size,
    }


def _places_after(
    session: Session, listing: Listing, position: Position | None, limit: int
) -> list[Position]:
    """The places of the next rows."""
    order = listing.order
    query = listing.query.with_only_columns(order.by, order.key, maintain_column_froms=True)
    places: list[Position] = []
    for condition in order.after(position):
        rows = fetch(session, _first(query.where(condition), order, limit - len(places)))
        places += [(by, key) for by, key in rows]
        if len(places) == limit:
            break
    return places


def _first(query: AnySelect, order: Order, limit: int) -> AnySelect:
    by, key = (order.by, order.key)
    if order.is_descending:
        return query.order_by(by.desc(), key.desc()).limit(limit)
    return query.order_by(by, key).limit(limit)


def _rows(session: Session, listing: Listing, ids: AnySelect | Collection[int]) -> list[Json]:
    query = listing.query.where(listing.order.key.in_(ids))
    rows = fetch(session, query.order_by(*listing.order.clauses()))
    return [listing.to_json(row) for row in rows]
