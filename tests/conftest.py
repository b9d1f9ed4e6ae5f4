"""Fixtures: one application for the whole run, an empty database for every test.

Nothing here keeps an application context open, so that a forgotten commit shows.
"""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.db import migrate as migration
from contacts_service.db.session import Base, db, unit_of_work
from contacts_service.factory import create_app
from contacts_service.web import request_log as logs
from contacts_service.web.request_log import JsonFormatter
from tests import databases
from tests.client import Api

cluster = pytest.StashKey[databases.Cluster]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="What the tests run on. PostgreSQL's are those that need a database.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the server, once for all the processes of this run."""
    if config.getoption("database") == "sqlite" or hasattr(config, "workerinput"):
        return
    programs = databases.programs()
    if programs is None:
        sentence = "PostgreSQL's programs are not installed: its half of the tests is left out."
        pytest.exit(sentence, returncode=1 if os.environ.get("CI") else 0)
    config.stash[cluster] = databases.Cluster(programs)
    config.stash[cluster].start()
    os.environ[databases.SERVER] = str(config.stash[cluster].folder)
    with databases.administration() as connection:
        connection.execute(f"CREATE DATABASE {databases.TEMPLATE} TEMPLATE template0")
    app = create_app({"CONTACTS_DATABASE_URL": databases.url_of(databases.TEMPLATE)})
    with app.app_context():
        migration.migrate_database(may_create=True)
        db.engine.dispose()


def pytest_unconfigure(config: pytest.Config) -> None:
    if cluster in config.stash:
        config.stash[cluster].stop()
        config.stash[cluster].remove()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database, and for PostgreSQL what is about none."""
    other = "sqlite" if databases.is_postgresql() else "postgresql"
    left_out = [
        item
        for item in items
        if item.get_closest_marker(other) or (databases.is_postgresql() and not _has_database(item))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _has_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("postgresql"):
        return True
    makers = {"make_app", "open_directory", "database_url"}
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return "shared_app" in fixtures or bool(makers & set(vars(getattr(item, "module", object()))))


def make_app(folder: Path, **settings: str) -> Flask:
    """An application over an empty, migrated database that belongs to `folder`."""
    url = databases.database_url(folder, is_migrated=True)
    app = create_app({"CONTACTS_DATABASE_URL": url, **settings})
    with app.app_context():
        migration.migrate_database(may_create=True)
    return app


def make_api(app: Flask) -> Api:
    """A caller with every scope."""
    with app.app_context(), unit_of_work() as session:
        key = keys.create_key(session, "17", "Bob Smith", SCOPES)
    return Api(app.test_client(), key)


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(tmp_path_factory.mktemp("database"))


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    yield shared_app
    with shared_app.app_context():
        empty_database()


def empty_database() -> None:
    with unit_of_work() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        databases.empty_search(session)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make_key(app: Flask) -> Callable[..., str]:
    """Makes API keys: by default agent 17's, with every scope."""

    def make(*scopes: str, agent: str = "17", name: str = "Bob Smith", **options: Any) -> str:
        with app.app_context(), unit_of_work() as session:
            return keys.create_key(session, agent, name, scopes or SCOPES, **options)

    return make


@pytest.fixture
def api(client: FlaskClient, make_key: Callable[..., str]) -> Api:
    """A caller with every scope."""
    return Api(client, make_key())


@pytest.fixture
def rows(app: Flask) -> Callable[[Any], list[Any]]:
    """What a query finds in the database, read in a session of its own."""

    def read(query: Any) -> list[Any]:
        with app.app_context():
            return list(db.session.execute(query).all())

    return read


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, in JSON."""
    formatter, written = logs.handler.formatter, io.StringIO()
    logs.handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(logs.handler, "stream", written)
    yield written
    logs.handler.setFormatter(formatter)
