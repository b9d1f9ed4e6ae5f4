"""`filters`: from its JSON (docs/api.md, "Lists") to an SQL condition.

What each field accepts is in `filter_fields`. Here are groups, limits, and the operators that are
the negation of another; these also match rows without a value.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, false, func, not_, or_, true

from contacts_service.errors import InputError
from contacts_service.limits import FILTER_DEPTH, FILTER_LEAVES, FILTER_VALUES
from contacts_service.listing.filter_fields import (
    COMPARISONS,
    TEXT_OPERATORS,
    Condition,
    Field,
    TextField,
)
from contacts_service.strict_json import JSONError, read_json

NEGATIONS = {"!=": "=", "not in": "in", "not contains": "contains", "not set": "set"}
OPERATORS = frozenset({*COMPARISONS, *TEXT_OPERATORS, *NEGATIONS, "between", "in", "set"})
SYNONYMS = {
    "equals": "=",
    "not equals": "!=",
    "greater than": ">",
    "less than": "<",
    "ilike": "contains",
    "not_in": "not in",
}


class _FilterError(Exception):
    """Part of the filters is invalid. The arguments are its path and a sentence."""


FindField = Callable[[str], Field | None]
Narrow = Callable[[str], Condition | None]


def filter_condition(text: str, find_field: FindField, narrow: Narrow) -> Condition:
    """The condition that the JSON `text` describes. `find_field` gives a field by its name.

    `narrow` may give a condition that an index answers, and that all rows meet which have a given
    text inside a TextField. Raises InputError, which names an invalid item by its position:
    `filters[0].rules[1]`.
    """
    try:
        return _FilterParser(find_field, narrow).parse(read_json(text))
    except JSONError as error:
        raise InputError({"filters": [str(error)]}, location="query") from None
    except _FilterError as error:
        path, sentence = error.args
        raise InputError({path: [sentence]}, location="query") from None


class _FilterParser:
    """Parses one value of `filters`; counts its leaves."""

    def __init__(self, find_field: FindField, narrow: Narrow) -> None:
        self.find_field = find_field
        self.narrow = narrow
        self.leaves = 0

    def parse(self, value: Any) -> Condition:
        if isinstance(value, list):
            return and_(true(), *self._items(value, "filters", depth=0))
        if isinstance(value, dict) and _is_group(value):
            return self._group(value, "filters", depth=1)
        raise _FilterError(
            "filters", "Must be an array of filters, or a group with logic and rules."
        )

    def _items(self, items: list[Any], path: str, depth: int) -> list[Condition]:
        return [self._item(item, f"{path}[{i}]", depth) for i, item in enumerate(items)]

    def _item(self, item: Any, path: str, depth: int) -> Condition:
        if not isinstance(item, dict):
            raise _FilterError(path, "Must be an object with field, operator and value.")
        if _is_group(item):
            return self._group(item, path, depth + 1)
        self.leaves += 1
        if self.leaves > FILTER_LEAVES:
            raise _FilterError(path, f"More than {FILTER_LEAVES} filters.")
        try:
            return self._leaf(item)
        except ValueError as error:
            raise _FilterError(path, str(error)) from None

    def _group(self, group: dict[str, Any], path: str, depth: int) -> Condition:
        if depth > FILTER_DEPTH:
            raise _FilterError(path, f"Groups nest {FILTER_DEPTH} deep at most.")
        if set(group) != {"logic", "rules"}:
            raise _FilterError(path, "A group has logic and rules, and nothing else.")
        if group["logic"] not in ("AND", "OR"):
            raise _FilterError(path, "The logic must be AND or OR.")
        if not isinstance(group["rules"], list):
            raise _FilterError(path, "The rules must be an array.")
        conditions = self._items(group["rules"], f"{path}.rules", depth)
        if group["logic"] == "OR" and conditions:
            return or_(*conditions)
        return and_(true(), *conditions)

    def _leaf(self, leaf: dict[str, Any]) -> Condition:
        unknown = sorted(set(leaf) - {"field", "operator", "value", "model"})
        if unknown:
            raise ValueError(f"A filter has no {unknown[0]}.")
        if not isinstance(leaf.get("model"), str | None):
            raise ValueError("The model must be a string.")
        name, word = leaf.get("field"), leaf.get("operator")
        field = self.find_field(name) if isinstance(name, str) else None
        if field is None:
            raise ValueError("Unknown field.")
        word = SYNONYMS.get(word, word) if isinstance(word, str) else None
        if "operator" not in leaf:
            raise ValueError("An operator is required.")
        if word not in OPERATORS:
            raise ValueError("Unknown operator.")
        positive = NEGATIONS.get(word, word)
        if positive not in field.operators:
            raise ValueError(f"The field {name} does not take the operator {word}.")
        if positive != "set" and "value" not in leaf:
            raise ValueError("A value is required.")
        condition = self._affirm(field, positive, leaf.get("value"))
        return not_(func.coalesce(condition, false())) if word in NEGATIONS else condition

    def _affirm(self, field: Field, word: str, value: Any) -> Condition:
        if word == "set":
            return field.is_set()
        if word == "between":
            if not isinstance(value, list) or len(value) != 2:
                raise ValueError("The value must be an array of two.")
            low, high = (field.value(bound) for bound in value)
            return and_(field.compare(">=", low), field.compare("<=", high))
        if word == "in":
            if not isinstance(value, list) or not 1 <= len(value) <= FILTER_VALUES:
                raise ValueError(f"The value must be an array of 1 to {FILTER_VALUES}.")
            return field.among([field.value(item) for item in value])
        compared = field.value(value)
        condition = field.compare(word, compared)
        if isinstance(field, TextField) and word in TEXT_OPERATORS:
            narrowed = self.narrow(compared)
            return condition if narrowed is None else and_(narrowed, condition)
        return condition


def _is_group(item: dict[str, Any]) -> bool:
    return "logic" in item or "rules" in item
