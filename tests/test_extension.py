"""The API in somebody else's application: it works there, and changes nothing beside itself."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask, abort, jsonify
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.config import SettingsError
from contacts_service.contacts import queries as directory
from contacts_service.db import session
from contacts_service.db.session import unit_of_work
from contacts_service.extension import Contacts, migrate_database
from contacts_service.web.security_headers import DATA_HEADERS
from tests import databases

PREFIXES = ["/api/v1", "/crm/people"]
VIEWS: dict[str, Callable[[], Any]] = {
    "/": lambda: "Welcome.",
    "/json": lambda: jsonify(b=1, a="ä"),
    "/broken": lambda: 1 / 0,
    "/absent": lambda: abort(404),
    "/folder/": lambda: "A folder.",
    "/api/v1x": lambda: "Not the API.",
}


def make_shop(folder: Path, prefix: str | None, **settings: Any) -> Flask:
    """An application with pages, errors and a database of its own; `prefix` None: without ours."""
    app = Flask("shop", instance_path=str(folder))
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    for path, view in VIEWS.items():
        app.add_url_rule(path, path.replace("/", "_"), view)
    app.register_error_handler(404, lambda _: ("<h1>Nothing here</h1>", 404))
    app.register_error_handler(413, lambda _: ("<h1>Too much</h1>", 413))
    app.register_error_handler(500, lambda _: ("<h1>Sorry</h1>", 500))
    app.register_error_handler(ValueError, lambda _: ("<h1>A value</h1>", 500))
    app.after_request(lambda response: response.headers.add("X-Shop", "1") or response)
    SQLAlchemy(app)
    if prefix is not None:
        app.config["CONTACTS_DATABASE_URL"] = databases.database_url(folder, is_migrated=True)
        app.config.update(settings)
        Contacts(app, url_prefix=prefix)
        migrate_database(app)
    return app


@pytest.fixture(scope="module")
def plain_shop(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_shop(tmp_path_factory.mktemp("plain"), None)


@pytest.fixture(scope="module", params=PREFIXES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_shop(tmp_path_factory.mktemp("shop"), request.param)


class Caller:
    """Calls the API under its prefix, with every scope."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.prefix = app.extensions["contacts_service"].url_prefix
        with app.app_context(), unit_of_work() as session:
            self.token = keys.create_key(session, "17", "Bob Smith", SCOPES)

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.prefix}{path}"
        answer = self.client.open(url, method=method, headers=headers, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["X-Request-ID"]
        assert DATA_HEADERS.items() <= set(answer.headers)
        return answer.json["data"]


@pytest.fixture(scope="module")
def caller(shop: Flask) -> Caller:
    return Caller(shop)


def test_the_ten_endpoints_work(caller: Caller) -> None:
    contact = caller.call("POST", "/contacts/quick", 201, json={"email": "linda@example.com"})
    path = f"/contacts/{contact['id']}"
    assert caller.call("PUT", path, json={"first_name": "Linda"})["first_name"] == "Linda"
    assert caller.call("PUT", f"{path}/block", json={"blocked": True})["blocked"] is True
    contact = caller.call("GET", path)
    assert caller.call("GET", "/contacts?page_size=1")["total"] == 1
    [found] = caller.call("GET", "/contacts/search?q=lin")
    assert found["id"] == contact["id"]
    note = caller.call("POST", f"{path}/notes", 201, json={"content": "Called."})
    assert caller.call("GET", f"{path}/notes")["results"] == [note]
    assert caller.call("DELETE", f"{path}/notes/{note['id']}") is True
    assert caller.call("GET", f"{path}/conversations")["results"] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "NotFoundError"),
        ("GET", "", 404, "NotFoundError"),
        ("GET", "/contacts/", 404, "NotFoundError"),
        ("GET", "//contacts", 404, "NotFoundError"),
        ("GET", "/contacts/999", 404, "NotFoundError"),
        ("PATCH", "/contacts/1", 405, "MethodNotAllowedError"),
        ("OPTIONS", "/contacts", 405, "MethodNotAllowedError"),
        ("GET", "/contacts?colour=red", 400, "InputError"),
    ],
)
def test_errors_below_the_prefix_are_ours(
    caller: Caller, method: str, path: str, status: int, kind: str
) -> None:
    assert caller.call(method, path, status)["type"] == kind


@pytest.mark.parametrize("error", [ZeroDivisionError, ValueError])
@pytest.mark.parametrize("is_testing", [True, False])
def test_a_defect_of_ours_is_told_by_us(
    shop: Flask,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    is_testing: bool,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setitem(shop.config, "TESTING", is_testing)
    monkeypatch.setattr(directory, "read_contact", fail)
    assert caller.call("GET", "/contacts/1", 500)["type"] == "GeneralError"


PAGES = [
    ("GET", "/"),
    ("GET", "/json"),
    ("GET", "/broken"),
    ("GET", "/absent"),
    ("GET", "/nowhere"),
    ("GET", "//folder//"),
    ("GET", "/folder"),
    ("GET", "/api/v1x"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("POST", "/"),
    ("OPTIONS", "/"),
]


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_the_pages_of_the_application_stay_as_they_were(
    plain_shop: Flask, shop: Flask, method: str, path: str
) -> None:
    before = plain_shop.test_client().open(path, method=method)
    after = shop.test_client().open(path, method=method)
    assert (after.status, after.data) == (before.status, before.data)
    assert list(after.headers) == list(before.headers)


SETTINGS = ["SQLALCHEMY_DATABASE_URI", "PROVIDE_AUTOMATIC_OPTIONS", "PROPAGATE_EXCEPTIONS"]


def test_the_application_itself_stays_as_it_was(plain_shop: Flask, shop: Flask) -> None:
    def state(app: Flask) -> dict[str, Any]:
        return {
            "JSON": type(app.json),
            "slashes": app.url_map.merge_slashes,
            "converters": dict(app.url_map.converters),
            "commands": set(app.cli.commands),
            "handlers": app.error_handler_spec[None],
            "after": len(app.after_request_funcs[None]),
            "extensions": {"sqlalchemy", "migrate", "flask-smorest"} & set(app.extensions),
            "settings": {name: app.config[name] for name in SETTINGS},
            "root": (logging.root.level, list(logging.root.handlers)),
        }

    before, after = map(state, (plain_shop, shop))
    assert set(before.pop("handlers")) == set(after.pop("handlers"))
    assert after == before


def test_the_applications_own_database_stays_its_own(shop: Flask, caller: Caller) -> None:
    with shop.app_context():
        assert str(shop.extensions["sqlalchemy"].engine.url) == "sqlite://"
    caller.call("GET", "/contacts")


def test_a_limit_of_the_application_is_told_by_us(
    shop: Flask, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.config, "MAX_CONTENT_LENGTH", 10)
    body = {"email": "linda@example.com"}
    error = caller.call("POST", "/contacts/quick", 413, json=body)
    assert error["type"] == "PayloadTooLargeError"


def test_only_our_requests_are_logged(
    shop: Flask, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shop.test_client().get("/")
    shop.test_client().get("/nowhere")
    assert caplog.records == []
    caller.call("GET", "/contacts/7", 404)
    [record] = caplog.records
    assert record.getMessage().startswith(f"404 GET {caller.prefix}/contacts/{{contact_id}}")


def test_settings_are_text_or_values(tmp_path: Path) -> None:
    given = {"CONTACTS_BUSY_TIMEOUT": "3", "CONTACTS_STRICT_ATTRIBUTES": True}
    app = make_shop(tmp_path, "/api/v1", **given)
    assert app.config["CONTACTS_BUSY_TIMEOUT"] == 3
    assert app.config["CONTACTS_STRICT_ATTRIBUTES"] is True
    assert app.config["CONTACTS_QUERY_TIMEOUT"] == 10


@pytest.mark.parametrize("name", ["CONTACTS_BUSY_TIMEOUT", "CONTACTS_COLOUR"])
def test_a_bad_setting_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        make_shop(tmp_path, "/api/v1", **{name: "red"})


def test_the_default_database_is_in_the_applications_own_folder(tmp_path: Path) -> None:
    app = Flask("shop", instance_path=str(tmp_path))
    Contacts(app)
    migrate_database(app)
    assert Caller(app).call("GET", "/contacts")["total"] == 0
    assert (tmp_path / "contacts.db").exists()


@pytest.mark.parametrize("value", [0, "0", -3, [1, 2]])
def test_bad_setting_of_any_type_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(SettingsError, match="CONTACTS_THREADS"):
        make_shop(tmp_path, "/api/v1", CONTACTS_THREADS=value)


def test_refused_application_keeps_its_own_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Flask("shop", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    own = SQLAlchemy(app)
    monkeypatch.setattr(session, "init_database", Mock(side_effect=SettingsError))
    with pytest.raises(SettingsError):
        Contacts(app)
    assert app.config["SQLALCHEMY_DATABASE_URI"] == "sqlite://"
    assert app.extensions["sqlalchemy"] is own


def test_headers_of_the_application_take_the_place_of_ours(tmp_path: Path) -> None:
    app = Flask("shop", instance_path=str(tmp_path))
    own = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'self'"}
    app.after_request(lambda response: response.headers.update(own) or response)
    app.config["CONTACTS_DATABASE_URL"] = databases.database_url(tmp_path, is_migrated=True)
    Contacts(app)
    headers = app.test_client().get("/api/v1/contacts").headers
    for name, value in {**DATA_HEADERS, **own}.items():
        assert headers.getlist(name) == [value]


@pytest.mark.parametrize(
    ("answer", "status", "header"),
    [
        (lambda: ("<h1>Closed</h1>", 503), 503, {}),
        (lambda: abort(401), 401, {}),
        (lambda: abort(403, "Not you."), 403, {}),
        (lambda: abort(429), 429, {}),
        (lambda: abort(418), 418, {}),
        (lambda: abort(503, retry_after=17), 503, {"Retry-After": "17"}),
        (lambda: abort(500), 500, {}),
    ],
)
def test_an_application_may_answer_before_the_api_does(
    tmp_path: Path, answer: Callable[[], Any], status: int, header: dict[str, str]
) -> None:
    app = Flask("shop", instance_path=str(tmp_path))
    app.before_request(answer)
    app.config["CONTACTS_DATABASE_URL"] = databases.database_url(tmp_path, is_migrated=True)
    Contacts(app)
    answered = app.test_client().get("/api/v1/contacts")
    assert answered.status_code == status
    assert header.items() <= dict(answered.headers).items()
    assert answered.is_json is not answered.text.startswith("<h1>")
    assert answered.headers["X-Request-ID"]
