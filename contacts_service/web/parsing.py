"""What is sent with a request: query strings and JSON bodies, read strictly, each by its schema.

Whatever is wrong with them is an InputError that names the field.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import marshmallow
from flask import Request

from contacts_service.db.session import close_read_connection
from contacts_service.errors import (
    InputError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from contacts_service.limits import JSON_BODY
from contacts_service.strict_json import JSONError, read_json
from contacts_service.web import responses as envelope
from schemas.messages import flatten

BODY = "contacts_service.body"


def read_arguments(asked: Request, schema: marshmallow.Schema, location: str) -> Any:
    """What the schema makes of the request's `json` or `query`. Raises errors of `errors`.

    A schema may name a `body_limit` in bytes, and `other_types` that its route takes beside JSON.
    """
    sent = READERS[location](asked, schema)
    try:
        return schema.load(sent)
    except marshmallow.ValidationError as error:
        raise InputError(flatten(error.messages), location=location) from None


def _read_query(asked: Request, _schema: marshmallow.Schema) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(asked.query_string.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InputError({"": ["The query string is not valid UTF-8."]}, location="query") from None
    sent = dict(pairs)
    if len(sent) < len(pairs):
        times = Counter(name for name, _ in pairs)
        repeated = {name: ["Given more than once."] for name in sent if times[name] > 1}
        raise InputError(repeated, location="query")
    return sent


def _read_json(asked: Request, schema: marshmallow.Schema) -> Any:
    raw = read_body(asked, getattr(schema, "body_limit", JSON_BODY))
    if asked.mimetype != envelope.JSON:
        kinds = " or ".join((envelope.JSON, *getattr(schema, "other_types", ())))
        raise UnsupportedMediaTypeError(f"The body must be sent as {kinds}.")
    try:
        return read_json(raw)
    except JSONError as error:
        raise InputError({"": [str(error)]}) from None


READERS: Mapping[str, Callable[[Request, marshmallow.Schema], Any]] = {
    "query": _read_query,
    "json": _read_json,
}


def read_body(asked: Request, limit: int) -> bytes:
    """The whole body.

    Raises PayloadTooLargeError over `limit` bytes, however it was sent, InputError for none,
    UnsupportedMediaTypeError for one that is compressed.
    """
    raw = whole_body(asked, limit)
    if raw is None:
        raise PayloadTooLargeError(f"The body is over {limit} bytes.")
    if not raw:
        raise InputError({"": ["A body is required."]})
    if asked.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaTypeError("The body must not be compressed.")
    return raw


def whole_body(asked: Request, limit: int) -> bytes | None:
    """The body; None for one over `limit` bytes. Read once, given again.

    Raises InputError for one that ends before its Content-Length.
    """
    # werkzeug would cut a body without a length at its own limit and say nothing.
    if BODY not in asked.environ:
        length = asked.content_length or 0
        close_read_connection()  # of the check of the token; a body may take its time
        sent = asked.stream.read(limit + 1) if length <= limit else None
        if sent is not None and len(sent) < length:
            raise InputError({"": ["The body is shorter than its Content-Length."]})
        asked.environ[BODY] = sent
    body: bytes | None = asked.environ[BODY]
    return None if body is None or len(body) > limit else body
