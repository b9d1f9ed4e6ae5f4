"""The contacts service: `create_app()` puts its parts together."""

import os
from collections.abc import Mapping

from flask import Flask


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The application with the settings of `environ`.

    Raises SettingsError for settings that it cannot start with.
    """
    # Imported here because the schemas, which the routes need, use modules of this package.
    from werkzeug.middleware.proxy_fix import ProxyFix

    from contacts_service import (
        api,
        application,
        auth,
        channel_routes,
        commands,
        config,
        contact_routes,
        conversation_routes,
        database,
        definition_routes,
        docs,
        envelope,
        headers,
        health,
        inbound_routes,
        logs,
        metrics,
        migration,
        note_routes,
        openapi,
        strict_json,
    )

    app = application.Application(
        __name__, instance_path=str(config.INSTANCE_FOLDER), static_folder=None
    )
    app.config.update(config.load_settings(environ))
    app.json = strict_json.StrictJSON(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # OPTIONS is a method like any other: 405
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = api.ResourceId
    logs.init_logs(app)
    database.init_database(app)
    migration.init_migration(app)
    auth.init_auth(app)
    envelope.init_errors(app)
    document = openapi.init_api(app)
    for module in (
        contact_routes,
        channel_routes,
        note_routes,
        conversation_routes,
        inbound_routes,
        definition_routes,
    ):
        document.register_blueprint(module.blueprint, url_prefix="/api/v1")
    docs.init_docs(app, document)
    health.init_health(app)
    metrics.init_metrics(app)
    commands.init_commands(app)
    auth.check_rules(app)
    app.wsgi_app = headers.with_headers(app.wsgi_app)  # type: ignore
    trusted = app.config["CONTACTS_TRUSTED_PROXIES"]
    if trusted:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    return app
