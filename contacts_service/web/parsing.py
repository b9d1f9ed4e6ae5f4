"""Reads query strings and bodies strictly, and loads them by their schemas.

Invalid input raises an InputError that names the field.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import marshmallow
from flask import request

from contacts_service.db.session import close_read_connection
from contacts_service.errors import (
    InputError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from contacts_service.limits import JSON_BODY
from contacts_service.strict_json import JSONError, read_json
from contacts_service.web.responses import JSON
from schemas.errors import flatten

BODY = "contacts_service.body"  # in the environment of a request: its body, or None if too large


def read_arguments(schema: marshmallow.Schema, location: str) -> Any:
    """Load the request's `json` body or `query` string by a schema. Raises ServiceError.

    A schema may name a `body_limit` in bytes, and `raw_types`: content types besides JSON, with a
    limit each, whose body is returned as bytes.
    """
    raw_types = getattr(schema, "raw_types", {})
    if location == "json" and request.mimetype in raw_types:
        return _read_raw(raw_types[request.mimetype])
    try:
        if location == "query" and not request.query_string:
            return dict(_load_empty(schema))
        return schema.load(_read_query() if location == "query" else _read_json(schema))
    except marshmallow.ValidationError as error:
        raise InputError(flatten(error.messages), location=location) from None


@cache
def _load_empty(schema: marshmallow.Schema) -> Any:
    return schema.load({})


def _read_raw(limit: int) -> bytes:
    """Read a body that only its length tells from one that was cut off.

    The web server hands on a chunked body that ends early as if it was whole (docs/running.md).
    """
    raw = read_body(limit)
    if request.content_length is None:
        sentence = "Needed with a raw mail: without it, half a mail would be taken for a whole one."
        raise InputError({"Content-Length": [sentence]}, location="headers")
    return raw


def _read_query() -> Mapping[str, str]:
    try:
        pairs = parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InputError({"": ["The query string is not valid UTF-8."]}, location="query") from None
    sent = dict(pairs)
    if len(sent) < len(pairs):
        times = Counter(name for name, _ in pairs)
        repeated = {name: ["Given more than once."] for name in sent if times[name] > 1}
        raise InputError(repeated, location="query")
    return sent


def _read_json(schema: marshmallow.Schema) -> Any:
    raw = read_body(getattr(schema, "body_limit", JSON_BODY))
    if request.mimetype != JSON:
        kinds = " or ".join((JSON, *getattr(schema, "raw_types", ())))
        raise UnsupportedMediaTypeError(f"The body must be sent as {kinds}.")
    try:
        return read_json(raw)
    except JSONError as error:
        raise InputError({"": [str(error)]}) from None


def read_body(limit: int) -> bytes:
    """Read the whole body.

    Raises PayloadTooLargeError over `limit` bytes, InputError without a body, and
    UnsupportedMediaTypeError for a compressed one.
    """
    raw = whole_body(limit)
    if raw is None:
        raise PayloadTooLargeError(f"The body is over {limit} bytes.")
    if not raw:
        raise InputError({"": ["A body is required."]})
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaTypeError("The body must not be compressed.")
    return raw


def whole_body(limit: int) -> bytes | None:
    """Read the body, once for each request; None if it is over `limit` bytes.

    Raises InputError for one that ends before its Content-Length. werkzeug's own limit would cut a
    chunked body short without an error.
    """
    if BODY not in request.environ:
        length = request.content_length or 0
        close_read_connection()  # opened for the token; a body may take its time
        sent = request.stream.read(limit + 1) if length <= limit else None
        if sent is not None and len(sent) < length:
            raise InputError({"": ["The body is shorter than its Content-Length."]})
        request.environ[BODY] = sent
    body: bytes | None = request.environ[BODY]
    return None if body is None or len(body) > limit else body
