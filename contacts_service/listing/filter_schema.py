"""The JSON Schema of `filters` for the API document, made from the fields themselves."""

from collections.abc import Mapping

from contacts_service.limits import FILTER_LEAVES, FILTER_VALUES
from contacts_service.listing.filter_fields import (
    COMPARISONS,
    TEXT_OPERATORS,
    AttributeField,
    BooleanField,
    Field,
    NumberField,
    TextField,
    TimeField,
)
from contacts_service.listing.filters import NEGATIONS
from contacts_service.strict_json import Json
from contacts_service.text import NOT_IN_LINES

INTEGER: Json = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
STRING: Json = {"type": "string"}
LINE: Json = {"type": "string", "pattern": f"^[^{NOT_IN_LINES}]*$"}
BOOLEAN: Json = {"type": "boolean"}
TIME: Json = {"anyOf": [{"type": "string", "format": f} for f in ("date", "date-time")]}
IGNORED: Json = {"$ref": "#/components/schemas/JsonValue"}
SCALAR: Json = {"anyOf": [LINE, INTEGER, {"type": "number"}, BOOLEAN]}

VALUES: Mapping[type[Field], Json] = {
    TextField: LINE,
    NumberField: INTEGER,
    BooleanField: BOOLEAN,
    TimeField: TIME,
    AttributeField: SCALAR,
}


def filters_shape(fields: Mapping[str, Field], attribute_prefix: str) -> Json:
    """The JSON Schema of the parameter: an array of leaves and groups, or a group."""
    leaves = [
        leaf
        for kind, value in VALUES.items()
        for leaf in _leaves(kind, _names(kind, fields, attribute_prefix), value)
    ]
    innermost = _group({"anyOf": leaves})
    group = _group({"anyOf": [*leaves, innermost]})
    return {"anyOf": [_items({"anyOf": [*leaves, group]}), group]}


def _names(kind: type[Field], fields: Mapping[str, Field], attribute_prefix: str) -> Json:
    if kind is AttributeField:
        prefix = attribute_prefix.replace(".", r"\.")
        return {"type": "string", "pattern": f"^{prefix}[^{NOT_IN_LINES}]+$"}
    return {
        "type": "string",
        "enum": [name for name, field in fields.items() if type(field) is kind],
    }


def _leaves(kind: type[Field], name: Json, value: Json) -> list[Json]:
    has = {*kind.operators, *(no for no, yes in NEGATIONS.items() if yes in kind.operators)}
    several = {"type": "array", "items": value, "minItems": 1, "maxItems": FILTER_VALUES}
    two = {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
    shapes = [
        ({*COMPARISONS, "!="}, value),
        ({*TEXT_OPERATORS, "not contains"}, LINE),
        ({"in", "not in"}, several),
        ({"between"}, two),
        ({"set", "not set"}, None),
    ]
    return [_leaf(name, sorted(words & has), shape) for words, shape in shapes if words & has]


def _leaf(name: Json, words: list[str], value: Json | None) -> Json:
    return {
        "type": "object",
        "properties": {
            "field": name,
            "operator": {"type": "string", "enum": words},
            "value": IGNORED if value is None else value,
            "model": {"type": ["string", "null"], "description": "Accepted and ignored."},
        },
        "required": ["field", "operator", *([] if value is None else ["value"])],
        "additionalProperties": False,
    }


def _items(item: Json) -> Json:
    return {"type": "array", "items": item, "maxItems": FILTER_LEAVES}


def _group(item: Json) -> Json:
    return {
        "type": "object",
        "properties": {"logic": {"type": "string", "enum": ["AND", "OR"]}, "rules": _items(item)},
        "required": ["logic", "rules"],
        "additionalProperties": False,
    }
