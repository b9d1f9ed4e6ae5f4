"""The log: one line for every request, and the request id that ties answer and log together.

Says which agent did what to which route; never a token, a name, an address or a search word. So an
exception is told by its types and its frames: its message may quote what was sent.
"""

import logging
import re
import sys
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from http import HTTPMethod
from types import TracebackType
from typing import TextIO

from flask import Flask, Request, Response, g, has_app_context, request

from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import now, wire_time
from contacts_service.web.security_headers import request_id

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

logger = logging.getLogger(__name__)


class Discreet(logging.Formatter):
    """Tells of exceptions without their messages."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802
        return _told(ei[1]) if ei[1] else ""


def _told(error: BaseException) -> str:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = "".join(traceback.format_tb(error.__traceback__))
    code = getattr(error, "sqlite_errorname", "")
    own = f"{frames}{type(error).__module__}.{type(error).__qualname__} {code}".rstrip()
    return f"{_told(before)}\n\n{own}" if before else own


def _request_id(record: logging.LogRecord) -> str | None:
    own: str | None = getattr(record, "request_id", None)
    return g.get("request_id") if own is None and has_app_context() else own


class JsonFormatter(Discreet):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: Json = {
            "time": wire_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request_id": _request_id(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return write_json(line).decode()

    def request(self, fields: Json) -> str:
        """The line of a request."""
        line = {"time": now(), "level": "info", "message": "request", **fields}
        return write_json(line).decode()


class TextFormatter(Discreet):
    """A record as a line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone()
        line = f"{moment:%H:%M:%S} {record.levelname.lower()}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def request(self, fields: Json) -> str:
        """The line of a request."""
        return (
            f"{datetime.now().astimezone():%H:%M:%S} {fields['status']} {fields['method']:6} "
            f"{fields['route'] or '(no route)'} {fields['milliseconds']} ms"
        )


class Handler(logging.StreamHandler[TextIO]):
    """Writes records and, without making one of each, the lines of requests."""

    formatter: JsonFormatter | TextFormatter

    def write_request(self, fields: Json) -> None:
        line = self.formatter.request(fields) + self.terminator
        # Who reads the log may have gone away; the answer is not to fail for that.
        with self.lock, suppress(OSError, ValueError):  # type: ignore[union-attr]
            self.stream.write(line)
            self.stream.flush()


handler = Handler()


def init_logs(app: Flask) -> None:
    """Write the log to standard error in the configured format, a line for every request."""
    is_json = app.config["CONTACTS_LOG_FORMAT"] == "json"
    handler.stream = sys.stderr
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for of_a_lost_connection in ("psycopg", "sqlalchemy.pool"):  # which its user tells of
        logging.getLogger(of_a_lost_connection).setLevel(logging.CRITICAL)
    app.log_exception = _log_exception  # type: ignore[assignment]  # Flask's names the path
    app.before_request(_begin)
    app.after_request(_end)


def _log_exception(info: ExceptionInfo) -> None:
    logger.error("An exception outside of a view.", exc_info=info)


@cache
def route_template(rule: str) -> str:
    """A route as the API document writes it: `/contacts/{contact_id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def _begin() -> None:
    here = g._get_current_object()
    here.began = time.perf_counter()
    here.request_id = request_id(request.environ.get("HTTP_X_REQUEST_ID"))


def _end(response: Response) -> Response:
    here = g._get_current_object()
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    response.headers.add("X-Request-ID", here.request_id)
    principal = here.get("principal")
    handler.write_request(
        {
            "request_id": here.request_id,
            "agent": principal.agent_id if principal else None,
            "method": asked.method if asked.method in HTTPMethod.__members__ else "other",
            "route": route_template(asked.url_rule.rule) if asked.url_rule else None,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - here.began) * 1000, 2),
        }
    )
    return response
