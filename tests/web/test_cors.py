"""Pages of other origins: which may call the API, and what their browsers are told."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contacts_service.config import SettingsError, load_settings
from contacts_service.extension import Contacts, migrate_database
from tests.conftest import make_app

DESK = "https://desk.example.com"
LOCAL = "http://localhost:5173"
PATHS = ("/api/v1/contacts", "/api/v1/contacts/1", "/api/v1/nowhere", "/api/v1/inbound/messages")


def client(folder: Path, origins: str) -> FlaskClient:
    return make_app(folder, CONTACTS_CORS_ORIGINS=origins).test_client()


def preflight(client: FlaskClient, path: str, origin: str = DESK) -> TestResponse:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    return client.options(path, headers=headers)


def cors_headers(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name.startswith("Access-Control")}


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_without_a_token(tmp_path: Path, path: str) -> None:
    answer = preflight(client(tmp_path, f"{LOCAL}, {DESK}"), path)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == DESK
    methods = set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert methods == {"GET", "HEAD", "POST", "PUT", "DELETE"}
    allowed = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")}
    assert {"authorization", "content-type", "if-match", "idempotency-key"} <= allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_answers_can_be_read_whatever_they_are(tmp_path: Path, path: str) -> None:
    answer = client(tmp_path, DESK).get(path, headers={"Origin": DESK})
    assert answer.status_code in (401, 404, 405)
    assert answer.headers["Access-Control-Allow-Origin"] == DESK
    assert "Origin" in answer.headers["Vary"]
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) == {
        "ETag", "Location", "Link", "Retry-After", "X-Request-ID", "Idempotency-Replayed",
    }  # fmt: skip
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("setting", ["", DESK, f"{LOCAL},{DESK}"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", f"{DESK}.evil.example", "http://desk.example.com", "null"],
)
def test_for_other_origins_nothing_changes(tmp_path: Path, setting: str, origin: str) -> None:
    here = client(tmp_path, setting)
    assert cors_headers(here.get("/api/v1/contacts", headers={"Origin": origin})) == {}
    refused = preflight(here, "/api/v1/contacts", origin)
    assert refused.status_code == 405
    assert cors_headers(refused) == {}
    assert refused.get_json()["data"]["type"] == "MethodNotAllowedError"


def test_any_origin_may_call_where_the_setting_says_so(tmp_path: Path) -> None:
    here = client(tmp_path, "*")
    answer = here.get("/api/v1/contacts", headers={"Origin": "https://anywhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers
    assert preflight(here, "/api/v1/contacts", "null").status_code == 204


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/"])
def test_nothing_else_can_be_read_from_elsewhere(tmp_path: Path, path: str) -> None:
    here = client(tmp_path, DESK)
    assert cors_headers(here.get(path, headers={"Origin": DESK})) == {}
    assert preflight(here, path).status_code == 405


def test_options_that_are_no_preflight_are_refused(tmp_path: Path) -> None:
    answer = client(tmp_path, DESK).options("/api/v1/contacts", headers={"Origin": DESK})
    assert answer.status_code == 405


def test_pages_of_an_application_around_the_api_stay_as_they_were(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config["CONTACTS_CORS_ORIGINS"] = DESK
    app.add_url_rule("/", view_func=lambda: "Hello", endpoint="hello")
    Contacts(app, url_prefix="/crm")
    migrate_database(app)
    here = app.test_client()
    assert cors_headers(here.get("/", headers={"Origin": DESK})) == {}
    assert here.options("/", headers={"Origin": DESK}).status_code == 200  # Flask's own
    assert preflight(here, "/crm/contacts").status_code == 204
    answer = here.get("/crm/contacts", headers={"Origin": DESK})
    assert answer.headers["Access-Control-Allow-Origin"] == DESK


@pytest.mark.parametrize(
    "text",
    [
        "desk.example.com", "https://desk.example.com/", "https://desk.example.com/app",
        "https://Desk.example.com", "https://desk.example.com:443", "http://desk.example.com:80",
        "https://*.example.com", "null", "https://", "https://a b", "https://desk.example.com:x",
        "https://desk.example.com:99999", "*",
    ],
)  # fmt: skip
def test_a_bad_origin_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^CONTACTS_CORS_ORIGINS must be origins .*\.$"):
        load_settings({"CONTACTS_CORS_ORIGINS": f"{DESK},{text}"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (",", ()),
        (f" {DESK} , {LOCAL},", (DESK, LOCAL)),
        ("*", ("*",)),
        (
            "https://[::1]:8443,capacitor://localhost",
            ("https://[::1]:8443", "capacitor://localhost"),
        ),
    ],
)
def test_origins_are_separated_by_commas(text: str, value: Any) -> None:
    assert load_settings({"CONTACTS_CORS_ORIGINS": text})["CONTACTS_CORS_ORIGINS"] == value
