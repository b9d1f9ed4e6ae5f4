"""Cursors: how far a walk through a list has come, in a text that only the same list reads."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Any

import orjson

from contacts_service.errors import InputError

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
    return _text(_seal(text, question) + text)


def read_cursor(cursor: str, question: str) -> Position:
    """Where the walk is. Raises InputError for a cursor that is damaged or another list's."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Base64Error, ValueError):
        raw = b""
    seal, text = raw[:SEAL_LENGTH], raw[SEAL_LENGTH:]
    if not text or seal != _seal(text, question) or _text(raw) != cursor:
        raise InputError(
            {"cursor": ["Not a cursor of this list, order and filters."]}, location="query"
        )
    value, key = orjson.loads(text)
    return value, key


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _seal(text: bytes, question: str) -> bytes:
    return hashlib.blake2b(text, digest_size=SEAL_LENGTH, key=_key(question)).digest()


def _key(question: str) -> bytes:
    return hashlib.blake2b(question.encode(), digest_size=32).digest()
