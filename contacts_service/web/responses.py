"""The envelope: `{"data": …}` around every answer, and the one place where errors become answers.

The contract's section 1 is the source of every shape here.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Flask, Request, Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from contacts_service import errors
from contacts_service.db.session import classify_error
from contacts_service.strict_json import write_json

JSON = "application/json"
SLOW_RETRY_SECONDS = 30  # it would take as long again, if nothing else is at work
logger = logging.getLogger(__name__)

SENTENCES: dict[int, tuple[type[errors.ServiceError], str]] = {
    404: (errors.NotFoundError, "There is no such route."),
    405: (errors.MethodNotAllowedError, "The route does not take this method."),
    413: (errors.PayloadTooLargeError, "The body is larger than this route accepts."),
}


class Answer(Response):
    """A whole body under all the headers that it needs."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """As they are: werkzeug would look through them for what is not there."""
        return self.headers


def success(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries `payload`, which is whatever orjson can write."""
    return _enveloped(write_json(payload), status, (headers or {}).items())


def _enveloped(payload: bytes, status: int, headers: Iterable[tuple[str, str]]) -> Response:
    body = b'{"data":%b}' % payload
    always = ("Content-Type", JSON), ("Content-Length", str(len(body)))
    return Answer([body], status, [*always, *headers])


def resource(payload: Any, status: int = 200) -> Response:
    """As `success`, with a strong `ETag`; 304 where a reader's `If-None-Match` has it already."""
    content = write_json(payload)
    tag = _tag(content)
    if _is_known(request._get_current_object(), tag):  # type: ignore[attr-defined]
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    return _enveloped(content, status, [("ETag", f'"{tag}"')])


def _is_known(asked: Request, tag: str) -> bool:
    if asked.method not in ("GET", "HEAD") or "HTTP_IF_NONE_MATCH" not in asked.environ:
        return False
    return asked.if_none_match.contains_weak(tag)


def etag(payload: Any) -> str:
    """The tag of one state of a resource: equal exactly where its JSON is."""
    return _tag(write_json(payload))


def _tag(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def require_match(payload: Any) -> None:
    """Honour `If-Match` (RFC 9110, section 13.1.1): PreconditionError unless it names this state.

    Without the header everything matches; a weak tag never does.
    """
    if request.headers.get("If-Match") is not None and not request.if_match.contains(etag(payload)):
        raise errors.PreconditionError("The resource has changed since it was read; read it again.")


def failure(error: errors.ServiceError) -> Response:
    """The answer that tells of an error."""
    return success(error.payload(), error.status, error.headers)


def init_errors(app: Flask) -> None:
    """Let every exception, of ours or not, end in the envelope."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.register_error_handler(errors.ServiceError, failure)
    app.register_error_handler(HTTPException, _http_failure)
    app.register_error_handler(SQLAlchemyError, _database_failure)
    app.register_error_handler(Exception, _unexpected_failure)


def _http_failure(error: HTTPException) -> Response:
    if error.code not in SENTENCES and error.code is not None and 400 <= error.code < 500:
        # werkzeug reads headers alone; bodies and query strings are read by us.
        return failure(errors.InputError({"": ["The request cannot be read."]}, location="headers"))
    if error.code not in SENTENCES:
        return _unexpected_failure(error)
    kind, sentence = SENTENCES[error.code]
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    return failure(kind(sentence, headers=headers))


def _database_failure(error: SQLAlchemyError) -> Response:
    cause = classify_error(error)
    if cause is None:
        return _unexpected_failure(error)
    g.unavailable = cause  # for who counts them
    if cause == "slow":
        sentence = "The query takes too long; ask for less."
        return failure(errors.UnavailableError(sentence, retry_after=SLOW_RETRY_SECONDS))
    logger.error("The database is unavailable: %s", getattr(error, "orig", error))
    return failure(errors.UnavailableError("The database is busy or unreachable; try again."))


def _unexpected_failure(error: Exception) -> Response:
    logger.error("An unexpected exception.", exc_info=error)
    return failure(errors.GeneralError("Something went wrong on our side."))
