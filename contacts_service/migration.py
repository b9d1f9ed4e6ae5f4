"""Bringing a database to this version's tables, whoever else starts at the same moment."""

from pathlib import Path
from typing import Any

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import DBAPIError

from contacts_service.backends import BackendError
from contacts_service.config import INSTANCE_FOLDER, SettingsError, load_settings
from contacts_service.database import (
    backend,
    busy_sentence,
    db,
    init_database,
    why_unavailable,
)

FOLDER = Path(__file__).parent / "migrations"


def init_migration(app: Flask) -> None:
    """Offer `flask db`."""
    flask_migrate.Migrate(app, db, directory=str(FOLDER))


def other_database(url: str) -> Flask:
    """An application over another database, without routes. Raises SettingsError."""
    app = Flask(__name__, instance_path=str(INSTANCE_FOLDER))
    app.config.update(load_settings({"CONTACTS_DATABASE_URL": url}))
    init_database(app)
    init_migration(app)
    return app


def migrate_database(*, may_create: bool = False) -> None:
    """Upgrade the database of the current application; `may_create`: make it if it is not there.

    Raises SettingsError with what to do: it is not there, cannot be opened or written, or is
    a newer version's.
    """
    if not may_create and not backend().is_there():
        raise SettingsError(f"There is no database {backend().name}; see CONTACTS_DATABASE_URL.")
    try:
        backend().create()
        with db.engine.connect() as connection:
            backend().check(connection)
            revision = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory(str(FOLDER))
        if revision == scripts.get_current_head():
            return
        if revision is not None and revision not in _revisions(scripts):
            raise SettingsError(
                f"The database {backend().name} was made by a newer version of this "
                "service; start that version, or restore a backup of this one."
            )
        flask_migrate.upgrade()
    except BackendError as error:
        raise SettingsError(str(error)) from None
    except (DBAPIError, OSError) as error:
        is_busy = why_unavailable(error) == "busy"
        told = busy_sentence() if is_busy else backend().advice(getattr(error, "orig", error))
        raise SettingsError(told) from error


def is_compared(
    item: Any, name: str | None, kind: str, _is_reflected: bool, _other: object
) -> bool:
    """Whether models and tables must agree on it: not on what one database alone has."""
    if kind == "table":
        return not (name or "").startswith(("contact_search", "contact_count"))
    return kind != "foreign_key_constraint" or item.table.name != "contact_documents"


def is_known_revision(revision: str) -> bool:
    """Whether this version can work with a database of that revision."""
    return revision in _revisions(ScriptDirectory(str(FOLDER)))


def _revisions(scripts: ScriptDirectory) -> set[str]:
    return {script.revision for script in scripts.walk_revisions()}
