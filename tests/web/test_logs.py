"""The log: one line for every request, of use to an operator, silent about people."""

import io
import json
import logging
import os
from contextlib import suppress
from typing import Any

import pytest

from contacts_service.web import request_log as logs
from contacts_service.web.request_log import JsonFormatter, TextFormatter
from tests.client import Api


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_one_line(api: Api, log: io.StringIO) -> None:
    api.get("/contacts/7", 404, headers={"X-Request-ID": "mine"})
    [line] = lines(log)
    assert line.pop("time").endswith("Z")
    assert line.pop("milliseconds") > 0
    assert line == {
        "level": "info",
        "message": "request",
        "request_id": "mine",
        "agent": "17",
        "method": "GET",
        "route": "/api/v1/contacts/{contact_id}",
        "status": 404,
    }


def test_a_method_that_was_made_up_is_not_repeated(api: Api, log: io.StringIO) -> None:
    api.call("MARKED" * 100, "/contacts/1", 405)
    [line] = lines(log)
    assert line["method"] == "other"


def test_the_log_names_nobody(api: Api, log: io.StringIO) -> None:
    contact = api.make_contact("marked@example.com", first_name="Marked", phone="+61 555 019 9876")
    api.get("/contacts/search?q=marked")
    api.put("/contacts/1", {"email": "marked"}, 400)
    api.post(f"/contacts/{contact['id']}/notes", {"content": "A marked note."})
    api.filtered([{"field": "first_name", "operator": "=", "value": "Marked"}])
    text = log.getvalue().lower()
    assert len(lines(log)) == 6
    assert not any(word in text for word in ("marked", "555 019", "5550199876", api.token.lower()))


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_defect_is_logged_with_its_traceback_on_whole_lines(
    formatter: logging.Formatter,
) -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError as error:
        info = (ZeroDivisionError, error, error.__traceback__)
    record = logging.LogRecord("name", logging.ERROR, "path", 1, "It broke.", None, info)
    text = formatter.format(record)
    assert "It broke." in text
    assert "ZeroDivisionError" in text
    if isinstance(formatter, JsonFormatter):
        assert "\n" not in text


def test_without_a_reader_of_the_log_requests_are_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    gone = os.fdopen(writing, "w")
    monkeypatch.setattr(logs.handler, "stream", gone)
    assert api.get("/contacts")["total"] == 0
    with suppress(BrokenPipeError):
        gone.close()
