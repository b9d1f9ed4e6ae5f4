"""Builds every answer: `{"data": …}` around payloads and errors, ETags, and `If-Match`.

docs/api.md describes the shapes. `init_errors` makes every exception end here.
"""

import hashlib
import logging
from typing import Any

from flask import Response, g, request
from flask.sansio.scaffold import Scaffold
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError, default_exceptions

from contacts_service.db.session import classify_error, describe_error
from contacts_service.errors import (
    BY_STATUS,
    GeneralError,
    InputError,
    PreconditionError,
    ServiceError,
    UnavailableError,
)
from contacts_service.strict_json import write_json
from contacts_service.web.security_headers import DataResponse

JSON = "application/json"
SLOW_RETRY_SECONDS = 30  # the same query would take as long again
ROUTING_STATUSES = (404, 405, 413)  # of Flask, and of an application around us

logger = logging.getLogger(__name__)


def ok(payload: Any, status: int = 200) -> Response:
    """Answer with `payload`, which is anything that orjson can write."""
    return _enveloped(write_json(payload), status)


def _enveloped(content: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return DataResponse(b'{"data":%b}' % content, status, headers, content_type=JSON)


def error_response(error: ServiceError) -> Response:
    """Answer with an error."""
    g.refusal = error.message  # for the log, where it may have it
    return _enveloped(write_json(error.payload()), error.status, error.headers)


def with_etag(payload: Any, status: int = 200) -> Response:
    """Answer as `ok` does, with a strong `ETag`; 304 if a reader's `If-None-Match` names it."""
    content = write_json(payload)
    tag = _etag(content)
    is_read = "If-None-Match" in request.headers and request.method in ("GET", "HEAD")
    if is_read and request.if_none_match.contains_weak(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    return _enveloped(content, status, {"ETag": f'"{tag}"'})


def _etag(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def check_if_match(payload: Any) -> None:
    """Check `If-Match` against the current state of the resource (RFC 9110, section 13.1.1).

    Raises PreconditionError if the header is there and does not name this state; weak tags never
    match.
    """
    if "If-Match" in request.headers and not request.if_match.contains(_etag(write_json(payload))):
        raise PreconditionError


def init_errors(target: Scaffold) -> None:
    """Render every exception in the routes of `target`, an application or a blueprint."""
    target.register_error_handler(ServiceError, error_response)
    target.register_error_handler(SQLAlchemyError, _database_error)
    target.register_error_handler(Exception, _unexpected_error)
    for status in default_exceptions:  # one by one, or an application's own would come first
        target.register_error_handler(status, http_error)
    target.register_error_handler(HTTPException, http_error)


def http_error(error: HTTPException) -> Response:
    """Render an error that Flask or werkzeug has raised."""
    status = error.code or 500
    if status in ROUTING_STATUSES:
        allow = {name: value for name, value in error.get_headers() if name == "Allow"}
        return error_response(BY_STATUS[status](headers=allow))
    if status == 400:  # werkzeug reads only the headers; parsing.py reads the rest
        return error_response(InputError({"": ["The request cannot be read."]}, location="headers"))
    if status == 500:
        is_logged = isinstance(error, InternalServerError) and error.original_exception  # by Flask
        return error_response(GeneralError()) if is_logged else _unexpected_error(error)
    return _error_of_others(error, status)


def _error_of_others(error: HTTPException, status: int) -> Response:
    """What the application around us has raised, with its own words and headers."""
    kind = BY_STATUS[status].type if status in BY_STATUS else f"{error.name.replace(' ', '')}Error"
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    told = {"message": error.description or error.name, "type": kind}
    return _enveloped(write_json(told), status, headers)


def _database_error(error: SQLAlchemyError) -> Response:
    cause = classify_error(error)
    if cause is None:
        return _unexpected_error(error)
    g.unavailable = cause  # counted by /metrics
    if cause == "slow":
        sentence = "The query takes too long; ask for less."
        return error_response(UnavailableError(sentence, retry_after=SLOW_RETRY_SECONDS))
    logger.error("The database is unavailable: %s", describe_error(error))
    return error_response(UnavailableError())


def _unexpected_error(error: Exception) -> Response:
    logger.error("An unexpected exception.", exc_info=error)
    return error_response(GeneralError())
