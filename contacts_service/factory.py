"""The application, put together from its packages."""

import os
from collections.abc import Mapping

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from contacts_service import commands, monitoring
from contacts_service.auth import commands as auth_commands
from contacts_service.auth import permissions
from contacts_service.config import INSTANCE_FOLDER, load_settings
from contacts_service.contacts import attribute_routes, note_routes
from contacts_service.contacts import routes as contact_routes
from contacts_service.conversations import commands as message_commands
from contacts_service.conversations import inbound_routes
from contacts_service.conversations import routes as conversation_routes
from contacts_service.db import commands as database_commands
from contacts_service.db import migrate, session
from contacts_service.demo import commands as demo_commands
from contacts_service.search import commands as search_commands
from contacts_service.strict_json import StrictJSON
from contacts_service.transfer import commands as transfer_commands
from contacts_service.web import blueprint, docs, openapi, request_log, responses, security_headers

BLUEPRINTS = (
    contact_routes.blueprint,
    note_routes.blueprint,
    conversation_routes.blueprint,
    inbound_routes.blueprint,
    attribute_routes.blueprint,
)
COMMANDS = (
    *commands.COMMANDS,
    auth_commands.keys_group,
    *database_commands.COMMANDS,
    message_commands.inbound_group,
    search_commands.search_group,
    transfer_commands.contacts_group,
    demo_commands.demo_command,
)


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The application with the settings of `environ`.

    Raises SettingsError for settings that it cannot start with.
    """
    app = Flask(__name__, instance_path=str(INSTANCE_FOLDER), static_folder=None)
    app.config.update(load_settings(environ))
    app.json = StrictJSON(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS is a method like any other: 405
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = blueprint.ResourceId
    request_log.init_logs(app)
    session.init_database(app)
    migrate.init_migration(app)
    permissions.init_auth(app)
    responses.init_errors(app)
    document = openapi.init_api(app)
    for each in BLUEPRINTS:
        document.register_blueprint(each, url_prefix="/api/v1")
    docs.init_docs(app, document)
    monitoring.init_monitoring(app)
    for command in COMMANDS:
        app.cli.add_command(command)
    permissions.check_rules(app)
    app.wsgi_app = security_headers.with_headers(app.wsgi_app)  # type: ignore
    trusted = app.config["CONTACTS_TRUSTED_PROXIES"]
    if trusted:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    return app
