"""Filters, for the tests of filters."""

from typing import Any

Leaf = dict[str, Any]


def leaf(field: str, operator: str, value: Any = None) -> Leaf:
    return {"field": field, "operator": operator, "value": value}


def group(logic: str, *rules: Any) -> dict[str, Any]:
    return {"logic": logic, "rules": list(rules)}
