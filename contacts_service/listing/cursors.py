"""Cursors: how far a walk through a list has come, in a text that only the same list reads."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

import orjson

from contacts_service.errors import InputError
from contacts_service.strict_json import INT64

SEAL_LENGTH = 8  # bytes

Position = tuple[Any, int]  # what the list is ordered by, and the id


@dataclass(frozen=True)
class Walk:
    """The next part of a list: `size` rows after `cursor`, which is empty at the beginning.

    `question` tells apart what was asked of the list; it holds for the whole walk.
    """

    cursor: str
    size: int
    question: str


def write_cursor(position: Position, question: str) -> str:
    text = orjson.dumps(position)
    return urlsafe_b64encode(_seal(text, question) + text).decode().rstrip("=")


def read_cursor(cursor: str, question: str, kind: type) -> Position:
    """Where the walk is, in a list that is ordered by values of this kind, or None.

    Raises InputError for a cursor that is damaged or another list's.
    """
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = orjson.loads(raw[SEAL_LENGTH:])
    except (Base64Error, ValueError):
        place = None
    if _is_position(place, kind) and write_cursor(place, question) == cursor:
        return place[0], place[1]
    raise InputError(
        {"cursor": ["Not a cursor of this list, order and filters."]}, location="query"
    )


def _is_position(place: Any, kind: type) -> bool:
    """Whether a list could have written this; whoever knows how can make cursors too."""
    match place:
        case [None, key]:
            return _is_int64(key)
        case [str(value), key]:
            return kind is str and "\0" not in value and _is_int64(key)
        case [value, key]:
            return kind is int and _is_int64(value) and _is_int64(key)
    return False


def _is_int64(value: Any) -> bool:
    return type(value) is int and value in INT64


def _seal(text: bytes, question: str) -> bytes:
    key = hashlib.blake2b(question.encode(), digest_size=32).digest()
    return hashlib.blake2b(text, digest_size=SEAL_LENGTH, key=key).digest()
