"""The log: one line for every request, and the request id that ties answer and log together.

Says which agent did what to which route; never a token, a name, an address or a search word.
"""

import logging
import re
import sys
import time
from datetime import UTC, datetime
from functools import cache
from random import getrandbits

from flask import Flask, Request, Response, g, has_app_context, request

from contacts_service.clock import wire_time
from contacts_service.strict_json import Json, write_json

_sane_request_id = re.compile(r"[\x21-\x7e]{1,128}")
logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: Json = {
            "time": wire_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "request_id": g.get("request_id") if has_app_context() else None,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return write_json(line).decode()


class TextFormatter(logging.Formatter):
    """A record as a line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone()
        fields = getattr(record, "fields", None)
        if fields:
            return (
                f"{moment:%H:%M:%S} {fields['status']} {fields['method']:6} "
                f"{fields['route'] or '(no route)'} {fields['milliseconds']} ms"
            )
        line = f"{moment:%H:%M:%S} {record.levelname.lower()}: {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def init_logs(app: Flask) -> None:
    """Write the log to standard error in the configured format, a line for every request."""
    handler = logging.StreamHandler(sys.stderr)
    is_json = app.config["CONTACTS_LOG_FORMAT"] == "json"
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    for unused in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
        setattr(logging, unused, None)  # what no format shows need not be found out for each line
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app.before_request(_begin)
    app.after_request(_end)


@cache
def route_template(rule: str) -> str:
    """A route as the API document writes it: `/contacts/{contact_id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def _begin() -> None:
    here = g._get_current_object()
    here.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    # Told apart, not kept secret: of random numbers that cost no call of the system.
    here.request_id = given if _sane_request_id.fullmatch(given) else f"{getrandbits(128):032x}"


def _end(response: Response) -> Response:
    here = g._get_current_object()
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    response.headers["X-Request-ID"] = here.request_id
    principal = here.get("principal")
    fields = {
        "agent": principal.agent_id if principal else None,
        "method": asked.method,
        "route": route_template(asked.url_rule.rule) if asked.url_rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - here.began) * 1000, 2),
    }
    logger.info("request", extra={"fields": fields})
    return response
