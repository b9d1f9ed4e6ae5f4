"""JSON, read strictly and written fast.

orjson refuses what the standard library lets pass (NaN, 1e400, lone surrogates, bytes that are
not UTF-8); the standard library's hooks refuse what orjson lets pass (repeated fields, integers
beyond 64 bits). A body is read by both.
"""

import json
from typing import Any

import orjson

Json = dict[str, Any]  # a JSON object

MAX_DEPTH = 64
INT64 = range(-(2**63), 2**63)


class JSONError(ValueError):
    """JSON that is not accepted; the message is a sentence for the caller."""


def read_json(raw: bytes | str) -> Any:
    """The value of a JSON text. Raises JSONError for all that docs/api.md refuses."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise JSONError("Not valid JSON.") from None
    _check_depth(value)
    return json.loads(raw, object_pairs_hook=_object, parse_int=_int64)


def write_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return orjson.dumps(value)


def is_same_json(value: Any, text: str) -> bool:
    """Whether a JSON text says the same as a value, in whatever order of fields."""
    if write_json(value).decode() == text:
        return True
    # As sorted text, because Python takes 1, 1.0 and True for equal.
    sort = orjson.OPT_SORT_KEYS
    return orjson.dumps(value, option=sort) == orjson.dumps(orjson.loads(text), option=sort)


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
    # Twenty characters hold every 64-bit integer; int() of a longer text may cost quadratic time.
    if len(digits) > 20 or int(digits) not in INT64:
        raise JSONError("A whole number is beyond 64 bits.")
    return int(digits)
