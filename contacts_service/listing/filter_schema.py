"""The schema of `filters` for the API document: `Filters`, and what it is made of.

It says less than `filters` checks. One that states which operators and values each field takes is
twenty times as long, and generators of clients break on it.
"""

from collections.abc import Iterable

from contacts_service.limits import FILTER_LEAVES
from contacts_service.listing.filters import OPERATORS
from contacts_service.strict_json import Json


def filter_schemas(fields: Iterable[str], attribute_prefix: str) -> dict[str, Json]:
    """The schemas by their names. Groups nest two deep, so there are two schemas of a group."""
    leaf: Json = {
        "type": "object",
        "properties": {
            "field": {
                "type": "string",
                "description": f"{', '.join(fields)}, or {attribute_prefix}<key>.",
                "examples": ["first_name"],
            },
            "operator": {
                "type": "string",
                "enum": sorted(OPERATORS),
                "description": "How the field compares; not every field has every operator.",
            },
            "value": {
                "description": (
                    "A string, number or boolean, as the field has; a list of two for between, "
                    "of up to 100 for in and not in; none for set and not set."
                ),
                "examples": ["Li"],
            },
            "model": {"type": ["string", "null"], "description": "Accepted and ignored."},
        },
        "required": ["field", "operator"],
        "additionalProperties": False,
    }
    filter_or = {"anyOf": [_ref("Filter"), _ref("FilterGroup")]}
    return {
        "Filter": leaf,
        "InnerFilterGroup": _group(_ref("Filter")),
        "FilterGroup": _group({"anyOf": [_ref("Filter"), _ref("InnerFilterGroup")]}),
        "Filters": {
            "description": "Filters that must all hold, or one group.",
            "anyOf": [_array(filter_or), _ref("FilterGroup")],
        },
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items, "maxItems": FILTER_LEAVES}


def _group(items: Json) -> Json:
    return {
        "type": "object",
        "description": "Filters of which all must hold, or one.",
        "properties": {
            "logic": {
                "type": "string",
                "enum": ["AND", "OR"],
                "description": "Whether all must hold, or one.",
            },
            "rules": {**_array(items), "description": "The filters."},
        },
        "required": ["logic", "rules"],
        "additionalProperties": False,
    }
