"""Cursors: the key of a page's last row, as opaque text that only the same list accepts."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Any

import orjson

from contacts_service.errors import InputError
from contacts_service.strict_json import INT64

SEAL_LENGTH = 8  # bytes

Key = tuple[Any, int]  # of a row in its list: the value that it is ordered by, and its id


def write_cursor(key: Key, question: str) -> str:
    """The cursor after the row with this key. `question` identifies list, order and filters."""
    text = orjson.dumps(key)
    return urlsafe_b64encode(_seal(text, question) + text).decode().rstrip("=")


def read_cursor(cursor: str, question: str, kind: type) -> Key:
    """The key in a cursor of a list that is ordered by values of type `kind`.

    Raises InputError for a cursor that is damaged or belongs to another list.
    """
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key = orjson.loads(raw[SEAL_LENGTH:])
    except (Base64Error, ValueError):
        key = None
    if _is_key(key, kind) and write_cursor(key, question) == cursor:
        return key[0], key[1]
    raise InputError(
        {"cursor": ["Not a cursor of this list, order and filters."]}, location="query"
    )


def _is_key(key: Any, kind: type) -> bool:
    """Whether the list can have such a key. The seal is not secret, so callers can forge one."""
    match key:
        case [None, row_id]:
            return _is_int64(row_id)
        case [str(value), row_id]:
            return kind is str and "\0" not in value and _is_int64(row_id)
        case [value, row_id]:
            return kind is int and _is_int64(value) and _is_int64(row_id)
    return False


def _is_int64(value: Any) -> bool:
    return type(value) is int and value in INT64


def _seal(text: bytes, question: str) -> bytes:
    key = hashlib.blake2b(question.encode(), digest_size=32).digest()
    return hashlib.blake2b(text, digest_size=SEAL_LENGTH, key=key).digest()
