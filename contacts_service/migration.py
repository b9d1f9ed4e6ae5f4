"""Bringing a database to this version's tables, whoever else starts at the same moment."""

from pathlib import Path

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError

from contacts_service.config import SettingsError
from contacts_service.database import db

FOLDER = Path(__file__).parent / "migrations"


def init_migration(app: Flask) -> None:
    """Offer `flask db`."""
    flask_migrate.Migrate(app, db, directory=str(FOLDER))


def migrate_database() -> None:
    """Upgrade the database of the current application, made first if it is not there.

    Raises SettingsError with what to do: it cannot be opened or written, or is a newer version's.
    """
    try:
        current_app.extensions["database_file"].create()
        with db.engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory(str(FOLDER))
        if revision == scripts.get_current_head():
            return
        if revision is not None and revision not in _revisions(scripts):
            raise SettingsError(
                f"The database {db.engine.url.database} was made by a newer version of this "
                "service; start that version, or restore a backup of this one."
            )
        flask_migrate.upgrade()
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", error)
        raise SettingsError(
            f"The database {db.engine.url.database} cannot be opened for writing ({cause}); "
            "check CONTACTS_DATABASE_URL and the rights on its folder."
        ) from error


def is_known_revision(revision: str) -> bool:
    """Whether this version can work with a database of that revision."""
    return revision in _revisions(ScriptDirectory(str(FOLDER)))


def _revisions(scripts: ScriptDirectory) -> set[str]:
    return {script.revision for script in scripts.walk_revisions()}
