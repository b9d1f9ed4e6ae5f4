"""The API as an extension: `Contacts(app, url_prefix="/api/v1")` adds it to a Flask application.

One blueprint has all routes, with their own error bodies, headers and log lines. The pages, error
handlers, headers, logging and JSON of the application stay as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask, Response, after_this_request, request

from contacts_service.auth import permissions
from contacts_service.config import PREFIX, load_settings
from contacts_service.contacts import attribute_routes, note_routes
from contacts_service.contacts import routes as contact_routes
from contacts_service.conversations import routes as conversation_routes
from contacts_service.db import migrate, session
from contacts_service.web import cors, me, request_log, responses, security_headers
from contacts_service.web.blueprint import ResourceId

NAME = "contacts_service"
SQLALCHEMY_SETTINGS = "SQLALCHEMY_"
BLUEPRINTS = (
    contact_routes.blueprint,
    note_routes.blueprint,
    conversation_routes.blueprint,
    conversation_routes.inbound_blueprint,
    attribute_routes.blueprint,
    me.blueprint,
)


class Contacts:
    """The contacts API in an application.

    Settings are `app.config["CONTACTS_…"]`, as text or as the values that the text stands for; the
    database is by default a file in the application's instance folder. `is_alone` says that the
    application serves nothing else: then errors, headers and the log are the same on all routes.
    """

    def __init__(
        self, app: Flask | None = None, *, url_prefix: str = "/api/v1", is_alone: bool = False
    ) -> None:
        self.url_prefix = url_prefix
        self.is_alone = is_alone
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the API to an application. Raises SettingsError for a bad setting."""
        _complete_settings(app)
        with _apart_from_other_databases(app):
            session.init_database(app)
        permissions.init_auth(app)
        app.extensions[NAME] = self
        api = Blueprint(NAME, __name__, url_prefix=self.url_prefix)
        for each in BLUEPRINTS:
            api.register_blueprint(each)
        for init in (
            request_log.init_request_log,
            security_headers.init_security_headers,
            responses.init_errors,
        ):
            init(app if self.is_alone else api)
        converters = dict(app.url_map.converters)
        app.url_map.converters["id"] = ResourceId
        app.register_blueprint(api)
        app.url_map.converters = converters  # the application may have an "id" of its own
        cors.init_cors(app, self.url_prefix)
        if not self.is_alone:
            app.before_request(self._answer_unknown_route)

    def _answer_unknown_route(self) -> Response | None:
        """Answer unknown routes and methods below the prefix, which have no blueprint in Flask."""
        error = request.routing_exception
        if error is None or not f"{request.path}/".startswith(f"{self.url_prefix}/"):
            return None
        request_log.begin_request()
        after_this_request(security_headers.add_headers)
        after_this_request(request_log.log_request)
        return responses.http_error(error)


def migrate_database(app: Flask) -> None:
    """Make or upgrade the database of the API. Raises SettingsError with what to do."""
    with migrate.database_context(app):
        migrate.migrate_database(may_create=True)


@contextmanager
def _apart_from_other_databases(app: Flask) -> Iterator[None]:
    """Leave the application's own Flask-SQLAlchemy its place, settings and binds."""
    settings = _taken(app.config, SQLALCHEMY_SETTINGS)
    extensions = _taken(app.extensions, "sqlalchemy")
    try:
        yield
    finally:
        _taken(app.config, SQLALCHEMY_SETTINGS)
        _taken(app.extensions, "sqlalchemy")
        app.config.update(settings)
        app.extensions.update(extensions)


def _taken(entries: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Take the entries whose names begin with `prefix` out, and return them."""
    return {name: entries.pop(name) for name in list(entries) if name.startswith(prefix)}


def _complete_settings(app: Flask) -> None:
    app.config.setdefault("CONTACTS_DATABASE_URL", f"sqlite:///{app.instance_path}/contacts.db")
    texts = {name: _text(value) for name, value in _contacts_settings(app).items()}
    app.config.update(load_settings(texts))


def _text(value: Any) -> str:
    """A setting as it would be in the environment."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple | list | frozenset) else str(value)


def _contacts_settings(app: Flask) -> dict[str, Any]:
    return {name: value for name, value in app.config.items() if name.startswith(PREFIX)}
