"""The log: one line for every request, with the request id that its answer carries.

A line says which agent did what on which route, and from which machine. It has no token, name,
address or search word, and exceptions are logged without their messages, which may quote what was
sent.
"""

import logging
import re
import secrets
import sys
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from http import HTTPMethod
from types import TracebackType
from typing import TextIO

from flask import Blueprint, Flask, Response, current_app, g, has_app_context, request
from flask.sansio.scaffold import Scaffold

from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import format_timestamp, utc_now

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

logger = logging.getLogger(__name__)
METHODS = frozenset(HTTPMethod)
PROBES = ("/health", "/metrics")  # asked every few seconds: logged where they fail
REQUEST = "%(status)s %(method)s %(route)s, %(milliseconds)s ms"

_sane_request_id = re.compile(r"[!-~]{1,128}")


class RedactingFormatter(logging.Formatter):
    """Formats exceptions by their types and frames, without their messages."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802
        return _redacted(ei[1]) if ei[1] else ""


def _redacted(error: BaseException) -> str:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = "".join(traceback.format_tb(error.__traceback__))
    code = getattr(error, "sqlite_errorname", "")
    own = f"{frames}{type(error).__module__}.{type(error).__qualname__} {code}".rstrip()
    return f"{_redacted(cause)}\n\n{own}" if cause else own


class JsonFormatter(RedactingFormatter):
    """Formats a record as one JSON object on one line, with the record's `fields` in it."""

    def format(self, record: logging.LogRecord) -> str:
        line: Json = {
            "time": format_timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request_id": g.get("request_id") if has_app_context() else None,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return write_json(line).decode()

    def format_request(self, fields: Json) -> str:
        line = {"time": utc_now(), "level": "info", "message": "request", **fields}
        return write_json(line).decode()


class TextFormatter(RedactingFormatter):
    """Formats a record as a line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone()
        line = f"{moment:%H:%M:%S} {record.levelname.lower()}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def format_request(self, fields: Json) -> str:
        line = f"{time.strftime('%H:%M:%S')} info: {REQUEST % fields}"
        if "refusal" in fields:
            line = f"{line}: {printable(fields['refusal'])} ({fields['request_id']})"
        return line


def printable(text: str) -> str:
    """The text with escapes for what would end a line or steer a terminal."""
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return "".join(shown)


class RequestHandler(logging.StreamHandler[TextIO]):
    """Writes records, and the lines of requests without making a record of each.

    A record would take several times as long (`python -m bench.request`).
    """

    formatter: JsonFormatter | TextFormatter

    def write_request(self, fields: Json) -> None:
        with self.lock, suppress(OSError, ValueError):  # type: ignore[union-attr]
            self.stream.write(self.formatter.format_request(fields) + self.terminator)
            self.stream.flush()


handler = RequestHandler()


def init_logging(app: Flask) -> None:
    """Write the log of this process to standard error, in the configured format."""
    is_json = app.config["CONTACTS_LOG_FORMAT"] == "json"
    handler.stream = sys.stderr
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    level = app.config["CONTACTS_LOG_LEVEL"].upper()
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in ("psycopg", "sqlalchemy.pool"):  # our code logs what they say of lost connections
        logging.getLogger(name).setLevel(logging.CRITICAL)
    app.logger.addFilter(_without_path)


def _without_path(record: logging.LogRecord) -> bool:
    """Replace Flask's message about an exception, which quotes the path."""
    if record.exc_info:
        record.msg, record.args = "An exception outside of a view.", None
    return True


def init_request_log(target: Scaffold) -> None:
    """Log the requests to `target`, an application or a blueprint, and give each an id.

    Those to a blueprint go the way of all records of the application around it.
    """
    target.before_request(begin_request)
    target.after_request(log_request if isinstance(target, Blueprint) else _write_request)


def begin_request() -> None:
    g.began = time.perf_counter()
    g.request_id = request_id(request.headers.get("X-Request-ID", ""))


def request_id(sent: str) -> str:
    """Return the caller's id if it is 1 to 128 visible ASCII characters, else a new one."""
    return sent if _sane_request_id.fullmatch(sent) else secrets.token_hex(16)


def log_request(response: Response) -> Response:
    """Log a request as a record."""
    fields = _finish(response)
    logger.info(REQUEST, fields, extra={"fields": {"message": "request", **fields}})
    return response


def _write_request(response: Response) -> Response:
    fields = _finish(response)
    is_probe = fields["route"] in PROBES and fields["status"] == 200
    if not is_probe and logger.isEnabledFor(logging.INFO):
        handler.write_request(fields)
    return response


def _finish(response: Response) -> Json:
    """Put the id into the answer; what the log says of the request."""
    if "began" not in g:  # a function of the application around us has answered before ours ran
        begin_request()
    sent_id, method, rule = g.request_id, request.method, request.url_rule
    principal = g.get("principal")
    response.headers["X-Request-ID"] = sent_id
    refusal = g.get("refusal") if current_app.config["CONTACTS_LOG_REFUSALS"] else None
    return {
        "request_id": sent_id,
        "client": request.remote_addr if current_app.config["CONTACTS_LOG_CLIENT"] else None,
        "agent": principal.agent_id if principal else None,
        "method": method if method in METHODS else "other",
        "route": route_template(rule.rule) if rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.began) * 1000, 2),
        **({"refusal": refusal} if refusal else {}),
    }


@cache
def route_template(rule: str) -> str:
    """Write a route as the API document does: `/contacts/{contact_id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
