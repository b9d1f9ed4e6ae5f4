"""Every error is in the envelope, whoever notices it first."""

import io
import json
import sqlite3
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, OperationalError

from contacts_service import errors
from contacts_service.contacts import channels
from contacts_service.contacts import queries as directory
from contacts_service.db.session import unit_of_work
from tests.client import Api
from tests.databases import is_postgresql

BIG = b'{"first_name": "' + b"x" * (1 << 20) + b'"}'


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "kind"),
    [
        ("GET", "/nowhere", {}, 404, "NotFoundError"),
        ("GET", "/contacts/", {}, 404, "NotFoundError"),
        ("GET", "/contacts/1/", {}, 404, "NotFoundError"),
        ("GET", "//contacts", {}, 404, "NotFoundError"),
        ("GET", "/contacts/1", {}, 404, "NotFoundError"),
        ("PATCH", "/contacts/1", {}, 405, "MethodNotAllowedError"),
        ("OPTIONS", "/contacts", {}, 405, "MethodNotAllowedError"),
        ("GET", "/contacts/quick", {}, 405, "MethodNotAllowedError"),
        ("PUT", "/contacts/search", {}, 405, "MethodNotAllowedError"),
        ("TRACE", "/contacts", {}, 405, "MethodNotAllowedError"),
        ("PUT", "/contacts/1", {}, 400, "InputError"),
        ("POST", "/contacts/quick", {"data": b"", "content_type": "text/x"}, 400, "InputError"),
        (
            "PUT",
            "/contacts/1",
            {"data": b"{", "content_type": "application/json"},
            400,
            "InputError",
        ),
        ("PUT", "/contacts/1?page=1", {"json": {}}, 400, "InputError"),
        ("GET", "/contacts/1?page=1", {}, 400, "InputError"),
        ("GET", "/contacts?page=1&page=1", {}, 400, "InputError"),
        ("GET", "/contacts/search?q=%FF", {}, 400, "InputError"),
        ("PUT", "/contacts/1", {"data": b"{}", "content_type": "text/plain"}, 415, ""),
        ("PUT", "/contacts/1", {"data": b"{}"}, 415, ""),
        ("PUT", "/contacts/1", {"json": {}, "headers": {"Content-Encoding": "gzip"}}, 415, ""),
        ("PUT", "/contacts/1", {"data": BIG, "content_type": "application/json"}, 413, ""),
    ],
)
def test_what_is_wrong_with_a_request_is_told_in_the_envelope(
    api: Api, method: str, path: str, options: dict[str, Any], status: int, kind: str
) -> None:
    answer = api.call(method, path, status, **options)
    error = answer.json["data"]
    assert answer.content_type == "application/json"
    assert error["type"] == (kind or error["type"])
    assert error["message"].endswith(".")
    assert ("errors" in error) == (error["type"] == "InputError")
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"email": "nobody"}, "email"),
        ({"blocked": True}, "blocked"),
        ({"first_name": None}, "first_name"),
        ({"custom_attributes": {"tier": "\x00"}}, "custom_attributes.tier"),
        ([], ""),
    ],
)
def test_errors_name_the_field_below_its_location(api: Api, body: Any, field: str) -> None:
    error = api.put("/contacts/1", body, 400)
    assert list(error["errors"]) == ["json"]
    assert list(error["errors"]["json"]) == [field]


def test_a_body_without_a_length_is_measured_too(api: Api) -> None:
    class Endless:
        def read(self, size: int = -1) -> bytes:
            return b"x" * size

    answer = api.call(
        "PUT",
        "/contacts/1",
        413,
        environ_overrides={
            "wsgi.input": Endless(),
            "wsgi.input_terminated": True,
            "CONTENT_TYPE": "application/json",
            "HTTP_TRANSFER_ENCODING": "chunked",
        },
    )
    assert answer.json["data"]["type"] == "PayloadTooLargeError"


def sqlite_error(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("secret words of the driver")
    cause.sqlite_errorcode = code
    return OperationalError("SELECT", {}, cause)


def postgresql_error(kind: type[psycopg.Error]) -> OperationalError:
    return OperationalError("SELECT", {}, kind("secret words of the driver"))


ERRORS = {
    False: {
        500: [sqlite_error(sqlite3.SQLITE_ERROR)],
        503: [
            sqlite_error(sqlite3.SQLITE_BUSY),
            sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT),
            sqlite_error(sqlite3.SQLITE_FULL),
            sqlite_error(sqlite3.SQLITE_CANTOPEN),
            sqlite_error(sqlite3.SQLITE_READONLY),
            sqlite_error(sqlite3.SQLITE_IOERR_FSYNC),
            sqlite_error(sqlite3.SQLITE_CORRUPT),
            sqlite_error(sqlite3.SQLITE_PROTOCOL),
            sqlite_error(sqlite3.SQLITE_NOTADB),
        ],
    },
    True: {
        500: [
            postgresql_error(psycopg.errors.SyntaxError),
            postgresql_error(psycopg.errors.UniqueViolation),
            postgresql_error(psycopg.DataError),
        ],
        503: [
            postgresql_error(psycopg.OperationalError),  # of a connection that is gone
            postgresql_error(psycopg.errors.LockNotAvailable),
            postgresql_error(psycopg.errors.SerializationFailure),
            postgresql_error(psycopg.errors.DeadlockDetected),
            postgresql_error(psycopg.errors.AdminShutdown),
            postgresql_error(psycopg.errors.TooManyConnections),
            postgresql_error(psycopg.errors.DiskFull),
            postgresql_error(psycopg.errors.ReadOnlySqlTransaction),
        ],
    },
}[is_postgresql()]


@pytest.mark.parametrize(
    ("raised", "status", "kind"),
    [
        (ZeroDivisionError("secret words"), 500, "GeneralError"),
        *((error, 500, "GeneralError") for error in ERRORS[500]),
        *((error, 503, "UnavailableError") for error in ERRORS[503]),
    ],
)
def test_what_goes_wrong_with_us_says_nothing_of_our_insides(
    api: Api, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, kind: str
) -> None:
    def fail(*args: Any) -> None:
        raise raised

    monkeypatch.setattr(directory, "read_contact", fail)
    answer = api.call("GET", "/contacts/1", status)
    assert answer.json["data"]["type"] == kind
    assert "secret" not in answer.get_data(as_text=True)
    assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.mark.parametrize("header", ["Range: bytes=99999999-", "Range: x=1", 'If-Match: "x"'])
@pytest.mark.parametrize("path", ["/docs", "/docs/docs.js", "/docs/swagger-ui.css"])
def test_conditions_and_ranges_on_the_page_are_ignored(
    client: FlaskClient, path: str, header: str
) -> None:
    name, value = header.split(": ")
    assert client.get(path, headers={name: value}).status_code == 200


@pytest.mark.parametrize("host", ["example.com:1", "[", "ümlaut.example", "127.0.0.1", "[::1]"])
def test_routes_are_the_same_on_every_host(api: Api, host: str) -> None:
    assert api.get("/contacts", headers={"Host": host})["total"] == 0


@pytest.mark.parametrize("host", ["x..y", "a" * 300])
def test_a_host_that_cannot_be_is_400(api: Api, host: str) -> None:  # RFC 9112, section 3.2
    error = api.get("/contacts", 400, headers={"Host": host})
    assert list(error["errors"]) == ["headers"]


@pytest.mark.parametrize("path", ["/nowhere", "/docs/nowhere.js", "/openapi.yaml"])
def test_errors_beside_the_api_are_in_the_envelope_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json["data"]["type"]) == (404, "NotFoundError")


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("abc-123", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False)],
)
def test_a_sane_request_id_is_kept_and_any_other_replaced(
    client: FlaskClient, sent: str, is_kept: bool
) -> None:
    headers = {"X-Request-ID": sent}
    answered = client.get("/nowhere", headers=headers).headers["X-Request-ID"]
    assert (answered == sent) == is_kept
    assert 1 <= len(answered) <= 128


def test_a_defect_is_in_the_log_under_the_id_of_its_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.setattr(directory, "read_contact", lambda *_: 1 / 0)
    api.call("GET", "/contacts/1", 500, headers={"X-Request-ID": "mine"})
    defect, request = map(json.loads, log.getvalue().splitlines())
    assert "ZeroDivisionError" in defect["exception"]
    assert defect["request_id"] == request["request_id"] == "mine"


def test_every_kind_of_error_has_a_status_of_its_own() -> None:
    kinds = errors.ServiceError.__subclasses__()
    assert len({kind.status for kind in kinds}) == len({kind.type for kind in kinds}) == len(kinds)


def test_errors_of_the_database_name_no_values(app: Flask, api: Api) -> None:
    contact = api.make_contact("linda@example.com")
    with pytest.raises(DBAPIError) as raised, app.app_context(), unit_of_work() as session:
        channels.add_addresses(session, [(contact["id"], ("email", "linda@example.com"), "")])
    told = f"{raised.value} {raised.value.orig} {raised.value.__cause__}"
    assert "contact_channels" in told
    assert "linda@" not in told


PARAMETERS = {
    "/contacts": "page, page_size, cursor, order_by, order, filters",
    "/contacts/search": "q",
    "/contacts/1": "none here",
    "/contacts/1/conversations": "page, page_size, cursor, statuses",
    "/custom-attributes": "page, page_size, cursor",
    "/me": "none here",
}


@pytest.mark.parametrize("name", ["filter", "_schema"])
@pytest.mark.parametrize(("path", "known"), PARAMETERS.items())
def test_an_unknown_parameter_is_answered_with_the_known_ones(
    api: Api, path: str, known: str, name: str
) -> None:
    errors = api.get(f"{path}?q=x&{name}=1" if known == "q" else f"{path}?{name}=1", 400)["errors"]
    assert errors == {"query": {name: [f"Unknown parameter; there are: {known}."]}}
