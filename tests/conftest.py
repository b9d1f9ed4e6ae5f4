"""Fixtures: one application for the whole run, an empty database for every test.

Nothing here keeps an application context open, so that a forgotten commit shows.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contacts_service import create_app, keys, logs, migration
from contacts_service.database import Base, db, unit_of_work
from contacts_service.logs import JsonFormatter
from contacts_service.principal import SCOPES
from tests.client import Api


def make_app(folder: Path, **settings: str) -> Flask:
    """An application over an empty, migrated database in `folder`."""
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{folder / 'contacts.db'}", **settings})
    with app.app_context():
        migration.migrate_database()
    return app


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
        session.connection().exec_driver_sql(
            "INSERT INTO contact_search (contact_search) VALUES ('delete-all')"
        )


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
