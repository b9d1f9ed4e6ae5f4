"""Parses JSON strictly (docs/api.md), and writes it.

Bodies are parsed twice. orjson refuses what the standard library accepts: NaN, 1e400, lone
surrogates, invalid UTF-8. Hooks of the standard library refuse what orjson accepts: repeated fields
and integers beyond 64 bits.
"""

import json
from typing import Any

import orjson

Json = dict[str, Any]  # a JSON object

MAX_DEPTH = 64
INT64 = range(-(2**63), 2**63)


class JSONError(ValueError):
    """The JSON is not accepted. The message is a sentence for the caller."""


def read_json(raw: bytes | str) -> Any:
    """Parse a JSON text. Raises JSONError."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise JSONError("Not valid JSON.") from None
    _check_depth(value)
    return json.loads(raw, object_pairs_hook=_object, parse_int=_int64)


def write_json(value: Any) -> bytes:
    """Write compact JSON in UTF-8."""
    return orjson.dumps(value)


def is_same_json(value: Any, text: str) -> bool:
    """Whether a JSON text stands for this value, in any order of fields."""
    if write_json(value).decode() == text:
        return True
    # Sorted texts are compared, because 1, 1.0 and True are equal in Python.
    sort = orjson.OPT_SORT_KEYS
    return orjson.dumps(value, option=sort) == orjson.dumps(orjson.loads(text), option=sort)


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` with the changes of a JSON Merge Patch (RFC 7396): null removes a field."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), change)
    return merged


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    if any(isinstance(child, dict | list) for child in level):
        raise JSONError(f"Nested deeper than {MAX_DEPTH} levels.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise JSONError("A field is given twice.")
    return fields


def _int64(digits: str) -> int:
    # int() takes quadratic time; every 64-bit integer has at most twenty characters.
    if len(digits) > 20 or int(digits) not in INT64:
        raise JSONError("A whole number is beyond 64 bits.")
    return int(digits)
