"""The kinds of fields that lists can be filtered by, and what each operator means for them.

A field knows no operator that is the negation of another; see `filters.NEGATIONS`.
"""

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    true,
)

from contacts_service.db.sql import casefold, members_of, number, place_in
from contacts_service.text import clean_line, refuse_control_characters
from contacts_service.timestamps import format_timestamp, parse_timestamp

Condition = ColumnElement[bool]
Column = SQLColumnExpression[Any]

DAY = len("2026-05-13")
NUMBERS = ("integer", "real")  # the types of numbers in `members_of`

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
TEXT_OPERATORS = frozenset({"contains", "starts with"})

_date = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Field(ABC):
    """A field to filter by. `operators` are those it has, without negations."""

    operators: frozenset[str]

    @abstractmethod
    def value(self, raw: Any) -> Any:
        """A filter's value in the form that is compared. Raises ValueError for a wrong type."""

    @abstractmethod
    def compare(self, word: str, value: Any) -> Condition:
        """The condition of an operator with one value; it is null or false if the field is null."""

    @abstractmethod
    def among(self, values: list[Any]) -> Condition:
        """The condition of being one of up to FILTER_VALUES values, in a short SQL expression."""

    @abstractmethod
    def is_set(self) -> Condition:
        """The condition that the field has a value; an empty string is not one."""


class TextField(Field):
    """Text. It is compared in its normalised form, which the column `compared` holds."""

    operators = frozenset({"=", "in", "set"}) | TEXT_OPERATORS

    def __init__(self, column: Column, compared: Column, normalise: Callable[[str], str]) -> None:
        self.column = column
        self.compared = compared
        self.normalise = normalise

    def value(self, raw: Any) -> str:
        if not isinstance(raw, str):
            raise ValueError("The value must be a string.")
        return self.normalise(clean_line(raw))

    def compare(self, word: str, value: str) -> Condition:
        return compare_text(self.compared, word, value)

    def among(self, values: list[str]) -> Condition:
        return self.compared.in_(values)

    def is_set(self) -> Condition:
        return self.column != ""


class NumberField(Field):
    """A whole number that every row has."""

    operators = frozenset({*COMPARISONS, "between", "in", "set"})

    def __init__(self, column: Column) -> None:
        self.column = column

    def value(self, raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise ValueError("The value must be a whole number.")
        return raw

    def compare(self, word: str, value: int) -> Condition:
        return COMPARISONS[word](self.column, value)  # type: ignore[no-any-return]

    def among(self, values: list[int]) -> Condition:
        return self.column.in_(values)

    def is_set(self) -> Condition:
        return self.column.is_not(None)


class BooleanField(Field):
    """True or false."""

    operators = frozenset({"="})

    def __init__(self, column: Column) -> None:
        self.column = column

    def value(self, raw: Any) -> bool:
        if not isinstance(raw, bool):
            raise ValueError("The value must be true or false.")
        return raw

    def compare(self, word: str, value: bool) -> Condition:
        return self.column.is_(true() if value else false())

    def among(self, values: list[bool]) -> Condition:
        return self.column.in_(values)

    def is_set(self) -> Condition:
        return self.column.is_not(None)


class TimeField(Field):
    """A time. A filter's value is a span, from its start to before its end.

    The span of a date is the UTC day; that of a time is one microsecond.
    """

    operators = NumberField.operators

    def __init__(self, column: Column) -> None:
        self.column = column

    def value(self, raw: Any) -> tuple[str, str]:
        if isinstance(raw, str):
            try:
                if _date.fullmatch(raw):
                    return _span(datetime.fromisoformat(raw).replace(tzinfo=UTC), timedelta(days=1))
                return _span(parse_timestamp(raw), timedelta(microseconds=1))
            except ValueError:
                pass
        raise ValueError("The value must be a date, or a time with its offset (RFC 3339).")

    def compare(self, word: str, value: tuple[str, str]) -> Condition:
        start, end = value
        conditions: Mapping[str, Condition] = {
            "=": and_(self.column >= start, self.column < end),
            ">": self.column >= end,
            ">=": self.column >= start,
            "<": self.column < start,
            "<=": self.column < end,
        }
        return conditions[word]

    def among(self, values: list[tuple[str, str]]) -> Condition:
        days = [start[:DAY] for start, end in values if _is_day(start, end)]
        moments = [start for start, end in values if not _is_day(start, end)]
        return or_(func.substr(self.column, 1, DAY).in_(days), self.column.in_(moments))

    def is_set(self) -> Condition:
        return self.column.is_not(None)


def _is_day(start: str, end: str) -> bool:
    is_midnight = start[DAY:] == FIRST_MOMENT.strftime("T%H:%M:%S.%fZ")
    return is_midnight and start[:-8] != end[:-8]  # without the fraction of the second


def _span(start: datetime, length: timedelta) -> tuple[str, str]:
    # A span that would begin before year 1 or end after year 9999 is cut off there.
    try:
        start = start.astimezone(UTC)
    except OverflowError:
        start = FIRST_MOMENT if start.year == 1 else LAST_MOMENT
    try:
        end = start + length
    except OverflowError:
        end = LAST_MOMENT
    return format_timestamp(start), format_timestamp(end)


class AttributeField(Field):
    """A key of JSON objects in a column. A value of another JSON type than the filter's differs."""

    operators = frozenset({*COMPARISONS, *TEXT_OPERATORS, "between", "in", "set"})

    def __init__(self, column: Column, key: str) -> None:
        self.item = members_of(column).table_valued(*members_of.table_columns).alias("item")
        self.key = key

    def value(self, raw: Any) -> bool | int | float | str:
        if not isinstance(raw, bool | int | float | str):
            raise ValueError("The value must be a string, a number or a boolean.")
        if not isinstance(raw, str):
            return raw
        refuse_control_characters(raw)
        return raw.casefold()

    def compare(self, word: str, value: Any) -> Condition:
        item = self.item.c
        if isinstance(value, str):
            return self._has(item.type == "text", compare_text(casefold(item.text), word, value))
        if word in TEXT_OPERATORS:
            raise ValueError("The value must be a string.")
        if isinstance(value, bool):  # `members_of` has it as 1 or 0
            types, value = ("true", "false"), int(value)
        else:
            types = NUMBERS
        return self._has(item.type.in_(types), COMPARISONS[word](item.number, number(value)))

    def among(self, values: list[Any]) -> Condition:
        item = self.item.c
        words = [value for value in values if isinstance(value, str)]
        switches = ["true" if value else "false" for value in values if isinstance(value, bool)]
        numbers = [number(value) for value in values if type(value) in (int, float)]
        return self._has(
            or_(
                and_(item.type == "text", casefold(item.text).in_(words)),
                and_(item.type.in_(NUMBERS), item.number.in_(numbers)),
                item.type.in_(switches),
            )
        )

    def is_set(self) -> Condition:
        item = self.item.c
        return self._has(item.type != "null", not_(and_(item.type == "text", item.text == "")))

    def _has(self, *conditions: Condition) -> Condition:
        return exists().select_from(self.item).where(self.item.c.key == self.key, *conditions)


def compare_text(column: Column, word: str, value: str) -> Condition:
    """The condition of an operator on text; `%` and `_` have no special meaning."""
    if word == "contains":
        return place_in(column, value) > 0
    if word == "starts with":  # also as a range, which an index can answer
        is_in_range = and_(column >= value, column <= value + "\U0010ffff" * 5)
        return and_(is_in_range, func.substr(column, 1, len(value)) == value)
    return COMPARISONS[word](column, value)  # type: ignore[no-any-return]
