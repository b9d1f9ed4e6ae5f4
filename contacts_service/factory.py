"""Puts the application together from its packages."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from contacts_service import commands, monitoring
from contacts_service.auth import commands as auth_commands
from contacts_service.auth import permissions
from contacts_service.config import INSTANCE_FOLDER, load_settings
from contacts_service.contacts.queries import FIELDS
from contacts_service.conversations import commands as message_commands
from contacts_service.db import migrate
from contacts_service.demo import commands as demo_commands
from contacts_service.extension import BLUEPRINTS, NAME, Contacts
from contacts_service.limits import ATTRIBUTE_PREFIX
from contacts_service.listing.filter_schema import filter_schemas
from contacts_service.search import commands as search_commands
from contacts_service.transfer import commands as transfer_commands
from contacts_service.web import docs, openapi, request_log
from contacts_service.web.blueprint import ResourceId


class NoSession(SessionInterface):
    """Opens no session."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._none


COMMANDS = (
    *commands.COMMANDS,
    auth_commands.keys_group,
    message_commands.inbound_group,
    search_commands.search_group,
    transfer_commands.contacts_group,
    demo_commands.demo_command,
)


class Service(Flask):
    """Flask without what no view here is or has: coroutines, and sessions in cookies.

    To look for them takes some 4 % of a request for one contact.
    """

    session_interface = NoSession()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`, which is a plain function."""
        return func


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """Make the application with the settings of `environ`.

    Raises SettingsError for settings that it cannot start with.
    """
    app = Service(__name__, instance_path=str(INSTANCE_FOLDER), static_folder=None)
    app.config.update(load_settings(environ))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS is 405, as any other method
    app.url_map.merge_slashes = False
    request_log.init_logging(app)
    Contacts(app, url_prefix="/api/v1", is_alone=True)
    migrate.init_migration(app)
    document = openapi.init_api(app)
    document.register_converter(ResourceId, lambda _: ResourceId.json_schema)
    for each in BLUEPRINTS:
        document.describe_blueprint(each, f"{NAME}.{each.name}")
    for name, shape in filter_schemas(FIELDS, ATTRIBUTE_PREFIX).items():
        document.spec.components.schema(name, shape)
    docs.init_docs(app, document)
    monitoring.init_monitoring(app)
    for command in COMMANDS:
        app.cli.add_command(command)
    permissions.check_rules(app)
    trusted = app.config["CONTACTS_TRUSTED_PROXIES"]
    if trusted:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    return app
