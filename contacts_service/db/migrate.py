"""Migrates a database to this version's tables, even if several processes start at once."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from contacts_service.config import PREFIX, SettingsError
from contacts_service.db.backend import BackendError
from contacts_service.db.session import (
    backend,
    busy_sentence,
    classify_error,
    close_connections,
    db,
    init_database,
)

FOLDER = Path(__file__).parent.parent / "migrations"
PATIENCE_SECONDS = 3600  # how long to wait for another process that migrates

logger = logging.getLogger(__name__)


def init_migration(app: Flask) -> None:
    """Add the `flask db` commands."""
    flask_migrate.Migrate(app, db, directory=str(FOLDER))


@contextmanager
def database_context(app: Flask, url: URL | None = None) -> Iterator[None]:
    """The context of an application that has a database and nothing else.

    It is the one at `url`, or that of `app`, whose settings count; `app` may have migrations of its
    own. Raises SQLAlchemyError.
    """
    alone = Flask(__name__, instance_path=app.instance_path)
    settings = {name: value for name, value in app.config.items() if name.startswith(PREFIX)}
    alone.config.update(settings, CONTACTS_DATABASE_URL=url or settings["CONTACTS_DATABASE_URL"])
    init_database(alone)
    init_migration(alone)
    with alone.app_context():
        try:
            yield
        finally:
            close_connections()


def is_up_to_date() -> bool:
    """Whether the database of the current application has nothing to be upgraded."""
    with db.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    return revision == ScriptDirectory(str(FOLDER)).get_current_head()


def migrate_database(*, may_create: bool = False, is_patient: bool = True) -> None:
    """Upgrade the database of the current application. Makes it if it may and there is none.

    Waits for another process that migrates: an hour if it is patient, otherwise as long as a writer
    waits. Raises SettingsError, which says what to do, if there is no database, if it cannot be
    opened or written, and if a newer version made it.
    """
    if not may_create and not backend().exists():
        raise SettingsError(f"There is no database {backend().name}; see CONTACTS_DATABASE_URL.")
    deadline = time.monotonic() + (PATIENCE_SECONDS if is_patient else 0)
    while not _is_migrated():
        if time.monotonic() >= deadline:
            raise SettingsError(busy_sentence())
        logger.warning("The database is to be migrated, and others are at work in it; waiting.")
        time.sleep(1)


def _is_migrated() -> bool:
    """Upgrade the database if necessary; False if others are writing to it."""
    try:
        backend().create()
        with db.engine.connect() as connection:
            backend().check(connection)
            revision = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory(str(FOLDER))
        if revision == scripts.get_current_head():
            return True
        if revision is not None and revision not in _revisions(scripts):
            raise SettingsError(
                f"The database {backend().name} was made by a newer version of this "
                "service; start that version, or restore a backup of this one."
            )
        # Not flask_migrate.upgrade(), which ends the process for the errors of alembic.
        alembic.command.upgrade(current_app.extensions["migrate"].migrate.get_config(), "head")
    except BackendError as error:
        raise SettingsError(str(error)) from None
    except (DBAPIError, OSError) as error:
        if classify_error(error) == "busy":
            return False
        raise SettingsError(backend().connection_hint(getattr(error, "orig", error))) from error
    return True


def is_compared(
    item: Any, name: str | None, kind: str, _is_reflected: bool, _other: object
) -> bool:
    """Whether models and tables must agree on it. They need not on what only one database has."""
    if kind == "table":
        return not (name or "").startswith(("contact_search", "contact_count"))
    return kind != "foreign_key_constraint" or item.table.name != "contact_documents"


def is_known_revision(revision: str) -> bool:
    """Whether this version can work with a database of that revision."""
    return revision in _revisions(ScriptDirectory(str(FOLDER)))


def _revisions(scripts: ScriptDirectory) -> set[str]:
    return {script.revision for script in scripts.walk_revisions()}
