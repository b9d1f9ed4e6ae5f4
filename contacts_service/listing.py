"""Lists: one page of a query, with totals, in an order without ties. Knows no table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, SQLColumnExpression, func
from sqlalchemy.orm import Session

from contacts_service.strict_json import Json

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Order:
    """By one column, then by the id in the same direction; rows without a value come last."""

    by: SQLColumnExpression[Any]
    key: SQLColumnExpression[Any]
    is_descending: bool = True

    def clauses(self) -> list[SQLColumnExpression[Any]]:
        if self.is_descending:
            return [self.by.desc().nulls_last(), self.key.desc()]
        return [self.by.asc().nulls_last(), self.key.asc()]


@dataclass(frozen=True)
class Page:
    """Which part of a list: `number` from 1, `size` rows."""

    number: int
    size: int


def read_page(
    session: Session,
    query: AnySelect,
    order: Order,
    page: Page,
    to_json: Callable[[AnyRow], Json],
) -> Json:
    """The page of `query` that the contract's section 3 shows; past the end without results.

    The rows before the page are walked as ids alone, in whatever index the order has.
    """
    total = session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    offset = (page.number - 1) * page.size
    rows: Sequence[AnyRow] = []
    if offset < total:
        ids = query.with_only_columns(order.key, maintain_column_froms=True)
        ids = ids.order_by(*order.clauses()).limit(page.size).offset(offset)
        rows = session.execute(query.where(order.key.in_(ids)).order_by(*order.clauses())).all()
    return {
        "results": [to_json(row) for row in rows],
        "total": total,
        "total_pages": -(-total // page.size),
        "page": page.number,
        "page_size": page.size,
    }
