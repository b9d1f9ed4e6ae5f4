"""The log: one line for every request, of use to an operator, silent about people.

That nothing which was sent is logged is tested by driving every route with marked values.
"""

import io
import json
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.db.session import db, unit_of_work
from contacts_service.factory import create_app
from contacts_service.web import request_log
from contacts_service.web.request_log import JsonFormatter, TextFormatter
from tests.client import Api
from tests.conftest import make_app


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
        "client": "127.0.0.1",
        "agent": "17",
        "method": "GET",
        "route": "/api/v1/contacts/{contact_id}",
        "status": 404,
    }


def test_a_method_that_was_made_up_is_not_repeated(api: Api, log: io.StringIO) -> None:
    api.call("MARKED" * 100, "/contacts/1", 405)
    [line] = lines(log)
    assert line["method"] == "other"


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_sentence_of_a_refusal_is_logged_only_where_the_setting_says_so(
    tmp_path: Path, setting: str
) -> None:
    app = make_app(tmp_path, CONTACTS_LOG_REFUSALS=setting, CONTACTS_LOG_FORMAT="text")
    log = request_log.handler.stream = io.StringIO()
    answer = app.test_client().get("/api/v1/contacts", headers={"X-Request-ID": "mine"})
    assert answer.status_code == 401
    [line] = log.getvalue().splitlines()
    assert "401 GET /api/v1/contacts" in line
    assert line.endswith(": A bearer token is required. (mine)") == (setting == "true")


def test_a_sentence_cannot_forge_lines_or_steer_a_terminal(tmp_path: Path) -> None:
    app = make_app(tmp_path, CONTACTS_LOG_REFUSALS="true", CONTACTS_LOG_FORMAT="text")
    log = request_log.handler.stream = io.StringIO()
    names = [
        "a\n12:00:00 info: 200 GET /",
        "\x1b[31mred",
        "\x9b31m",
        "\u202eright to left",
        "größe",
    ]
    for name in names:
        app.test_client().get("/api/v1/me", query_string={name: "1"}, headers={})
    told = log.getvalue().splitlines()
    assert len(told) == len(names)
    assert all(one.isprintable() for one in told)


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
    monkeypatch.setattr(request_log.handler, "stream", gone)
    assert api.get("/contacts")["total"] == 0
    with suppress(BrokenPipeError):
        gone.close()


MARK = "zqxmark"
NUMBER = "0412 345 678"
ADDRESS = f"{MARK}@example.com"
SECRET = "a secret of thirty-two characters"
MAIL = f"From: {MARK} <{ADDRESS}>\nSubject: {MARK}\nMessage-ID: <{MARK}>\n\n{MARK}\n"

# What each route that takes a body takes in.
GOOD = {
    "POST /contacts": {"email": "all@example.com", "first_name": MARK, "phone": NUMBER},
    "POST /contacts/quick": {"email": ADDRESS, "first_name": MARK, "last_name": MARK},
    "PUT /contacts/{}": {"first_name": MARK, "phone": NUMBER, "custom_attributes": {MARK: MARK}},
    "PUT /contacts/{}/block": {"blocked": True},
    "POST /contacts/{}/channels": {"channel": "chat", "identifier": MARK},
    "POST /contacts/{}/notes": {"content": MARK},
    "POST /conversations": {"contact_id": 1, "channel": "email", "subject": MARK, "message": MARK},
    "POST /conversations/{}/messages": {"message": MARK, "message_id": f"<{MARK}-2>"},
    "PUT /conversations/{}/status": {"status": "Open"},
    "PUT /conversations/{}/contact": {"contact_id": 1},
    "POST /inbound/messages": {
        "channel": "chat",
        "from": {"identifier": MARK, "email": ADDRESS, "phone": NUMBER, "first_name": MARK},
        "content": MARK,
        "message_id": f"<{MARK}-1>",
    },
    "POST /custom-attributes": {"key": MARK, "name": MARK, "data_type": "text", "regex": MARK},
    "PUT /custom-attributes/{}": {"name": MARK, "description": MARK},
}

BAD_BODIES: list[dict[str, Any]] = [
    {"json": {MARK: MARK}},
    {"json": [MARK]},
    {"data": f'{{"email": {MARK}'.encode(), "content_type": "application/json"},
    {"data": b'{"email": "\xff' + MARK.encode() + b'"}', "content_type": "application/json"},
    {"data": MAIL.encode() + b"\xff", "content_type": "message/rfc822"},
    {"data": f"Subject: {MARK}".encode(), "content_type": "message/rfc822"},
    {"data": MARK.encode(), "content_type": f"text/{MARK}; charset={MARK}"},
    {"data": {MARK: MARK}},
    {"json": {}, "headers": {"Content-Encoding": MARK}},
]
QUERIES = [
    f"q={MARK}",
    f"q={MARK}%00",
    f"q=%ff{MARK}",
    f"q={quote(NUMBER)}",
    f"{MARK}={MARK}",
    f"cursor={MARK}",
    f"page={MARK}",
    f"page_size={MARK}&page_size={MARK}",
    f"order_by={MARK}&order={MARK}",
    f"statuses={MARK}",
    f"filters={MARK}",
    f"filters={quote(json.dumps([{'field': 'email', 'operator': 'contains', 'value': MARK}]))}",
    f"filters={quote(json.dumps([{'field': MARK, 'operator': MARK, 'value': MARK}]))}",
    f"filters={quote(json.dumps([{'field': 'id', 'operator': '=', 'value': MARK}]))}",
]
HEADERS = [
    {"Idempotency-Key": MARK},
    {"Idempotency-Key": f"{MARK} \u00e9"},
    {"If-Match": MARK, "If-None-Match": f'"{MARK}"'},
    {"Cookie": MARK, "Referer": MARK, "User-Agent": MARK, "Accept": MARK},
    {"Host": f"{MARK}:{MARK}"},
    {"Content-Length": MARK},
]
TOKENS = [
    f"Bearer lk_{MARK}",
    f"Bearer {MARK} {MARK}",
    f"Basic {MARK}",
    "Bearer " + jwt.encode({"sub": MARK, "name": MARK}, SECRET),
    "Bearer " + jwt.encode({"sub": MARK, "name": MARK, "exp": 1}, SECRET),
    "Bearer " + jwt.encode({"sub": MARK, "exp": 2**40}, SECRET + MARK, headers={"kid": MARK}),
    "Bearer " + jwt.encode({"sub": [MARK], "exp": 2**40}, SECRET),
]


def operations() -> Iterator[tuple[str, str]]:
    """Every method and path, with {} in the place of what varies."""
    for route in create_app({"CONTACTS_METRICS": "true"}).url_map.iter_rules():
        parts = ("{}" if part.startswith("<") else part for part in route.rule.split("/"))
        for method in route.methods - {"HEAD"}:
            yield method, "/".join(parts)


OPERATIONS = sorted(operations())


class Driver:
    """Sends marked requests to every route, with a token that every route accepts."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        claims = {"sub": "17", "name": MARK, "exp": time.time() + 60, "scope": " ".join(SCOPES)}
        self.tokens = ["Bearer " + jwt.encode(claims, SECRET)]
        with app.app_context(), unit_of_work() as session:
            self.tokens.append(f"Bearer {keys.create_key(session, '17', MARK, SCOPES)}")
        self.statuses: set[int] = set()

    def send(self, method: str, path: str, **options: Any) -> Response:
        headers = {"Authorization": self.tokens[0], **options.pop("headers", {})}
        answer = self.client.open(path, method=method, headers=headers, **options)
        self.statuses.add(answer.status_code)
        return answer

    def seed(self) -> str:
        """Something that every route finds; the uuid of the conversation."""
        for method, path in (("POST", "/contacts/quick"), ("POST", "/custom-attributes")):
            answer = self.send(method, f"/api/v1{path}", json=GOOD[f"{method} {path}"])
            assert answer.status_code == 201
        body = GOOD["POST /inbound/messages"]
        answer = self.send("POST", "/api/v1/inbound/messages", json=body)
        return str(answer.get_json()["data"]["conversation"]["uuid"])

    def drive(self, uuid: str, *, badly: bool = True) -> None:
        """Every route, with good input, with queries of all kinds, and with bad input."""
        for method, path in OPERATIONS:
            where = uuid if path.startswith("/api/v1/conversations/{}") else "1"
            found = path.format(*([where] * path.count("{}")))
            body = {}
            if method in ("POST", "PUT"):
                body = {"json": GOOD[f"{method} {path.removeprefix('/api/v1')}"]}
            for token in (*self.tokens, *TOKENS) if badly else self.tokens:
                self.send(method, found, headers={"Authorization": token}, **body)
            for bad in BAD_BODIES if badly and body else ():
                self.send(method, found, **bad)
            for query in QUERIES:
                self.send(method, f"{found}?{query}", **body)
            for headers in HEADERS if badly else ():
                self.send(method, found, headers=headers, **body)
            self.send(method, path.format(*[MARK] * path.count("{}")), **body)
            self.send("PATCH", found, **body)
        self.send("GET", f"/{MARK}")


@pytest.fixture
def start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], Driver]]:
    """Starts an application that logs, in both formats, to where `capfd` reads.

    Only a test itself can: a fixture has another standard error.
    """
    root = logging.getLogger()
    kept = root.handlers

    def start() -> Driver:
        app = make_app(
            tmp_path,
            CONTACTS_BUSY_TIMEOUT="0",
            CONTACTS_JWT_SECRET=SECRET,
            CONTACTS_LOG_FORMAT="json",
            CONTACTS_METRICS="true",
        )
        for_people = logging.StreamHandler(sys.stderr)
        for_people.setFormatter(TextFormatter())
        root.addHandler(for_people)
        return Driver(app)

    yield start
    root.handlers = kept


def assert_redacted(capfd: pytest.CaptureFixture[str], *, at_least: int) -> str:
    """The log, which has that many lines, and nothing in it that was sent."""
    out, log = capfd.readouterr()
    assert out == ""
    assert log.count("\n") >= at_least
    told = [line for line in log.splitlines() if MARK in line.lower() or NUMBER[-7:] in line]
    assert told == []
    return log


def test_good_and_bad_input(start: Callable[[], Driver], capfd: pytest.CaptureFixture[str]) -> None:
    driver = start()
    driver.drive(driver.seed())
    assert driver.statuses == {200, 201, 302, 400, 401, 404, 405, 409, 412, 415}
    log = assert_redacted(capfd, at_least=20 * len(OPERATIONS))
    assert "rror" not in log
    assert not any(token.removeprefix("Bearer ") in log for token in driver.tokens)


@pytest.mark.sqlite
def test_a_database_that_is_busy_or_not_ours(
    start: Callable[[], Driver], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    driver = start()
    uuid = driver.seed()
    other = sqlite3.connect(tmp_path / "contacts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    driver.drive(uuid, badly=False)
    other.execute("DROP TABLE contact_channels")
    other.execute("DROP TABLE messages")
    other.execute("COMMIT")
    driver.drive(uuid, badly=False)
    other.close()
    assert {200, 503} <= driver.statuses
    assert 500 not in driver.statuses
    assert "database is" in assert_redacted(capfd, at_least=20 * len(OPERATIONS))


def raise_value_error() -> None:
    try:
        f"{MARK}".encode().decode("utf-16-be")
        bytes([255, *MARK.encode()]).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{request.url} {request.get_data()!r} {MARK}") from error


def raise_statement_error() -> None:
    cause = sqlite3.IntegrityError(f"{MARK} is not unique")
    raise StatementError(MARK, "INSERT", {"email": ADDRESS}, cause)


def raise_syntax_error() -> None:
    query = text("SELECT 1 FROM contact_search WHERE contact_search MATCH :typed")
    db.session.execute(query, {"typed": f"{MARK}:x"}).all()


def raise_group() -> None:
    raise ExceptionGroup(MARK, [ValueError(MARK), KeyError(MARK)])


@pytest.mark.parametrize(
    "defect", [raise_value_error, raise_statement_error, raise_syntax_error, raise_group]
)
@pytest.mark.parametrize("place", ["views", "after_request"])
def test_an_unexpected_exception(
    start: Callable[[], Driver],
    capfd: pytest.CaptureFixture[str],
    defect: Callable[..., None],
    place: str,
) -> None:
    driver = start()
    app = driver.app
    if place == "views":
        for endpoint in app.view_functions:
            app.view_functions[endpoint] = lambda **_: defect()
    else:
        app.after_request_funcs[None].insert(0, lambda _: defect())
    for method, path in OPERATIONS:
        found = path.format(*[MARK] * path.count("{}"))
        answer = driver.send(method, f"{found}?q={MARK}", json={"email": ADDRESS})
        assert answer.status_code == 500
        assert MARK not in answer.text
    log = assert_redacted(capfd, at_least=len(OPERATIONS))
    assert log.count(f"in {defect.__name__}") >= len(OPERATIONS)  # the frames are told


@pytest.mark.parametrize(
    ("settings", "path", "expected"),
    [
        ({}, "/api/v1/contacts", ["127.0.0.1"]),
        ({"CONTACTS_LOG_CLIENT": "false"}, "/api/v1/contacts", [None]),
        ({"CONTACTS_TRUSTED_PROXIES": "1"}, "/api/v1/contacts", ["192.0.2.7"]),
        ({"CONTACTS_LOG_LEVEL": "warning"}, "/api/v1/contacts", []),
        ({}, "/health", []),
        ({"CONTACTS_METRICS": "true"}, "/metrics", []),
        ({}, "/metrics", ["127.0.0.1"]),
    ],
)
def test_a_line_has_the_client_and_probes_have_none(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    settings: dict[str, str],
    path: str,
    expected: list[str | None],
) -> None:
    app = make_app(tmp_path, CONTACTS_LOG_FORMAT="json", **settings)
    app.test_client().get(path, headers={"X-Forwarded-For": "192.0.2.7"})
    lines = map(json.loads, capfd.readouterr().err.splitlines())
    assert [line["client"] for line in lines if line["message"] == "request"] == expected
