"""A standby of PostgreSQL answers who reads, and who writes once it is promoted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from contacts_service.db.migrate import migrate_database
from contacts_service.db.session import close_connections
from contacts_service.factory import create_app
from tests import databases
from tests.client import Api
from tests.conftest import make_api

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


@pytest.fixture
def primary() -> Iterator[databases.Cluster]:
    with databases.own_server() as made:
        yield made


@pytest.fixture
def standby(primary: databases.Cluster) -> Iterator[databases.Cluster]:
    with databases.own_server(primary) as made:
        yield made


@contextmanager
def app_over(server: databases.Cluster) -> Iterator[Flask]:
    """Outside of its context, so that each request has one of its own, and its own transaction."""
    app = create_app({"CONTACTS_DATABASE_URL": databases.url_of("contacts", str(server.folder))})
    with app.app_context():
        migrate_database()  # as at every start
    yield app
    with app.app_context():
        close_connections()


@pytest.fixture
def on_primary(primary: databases.Cluster) -> Iterator[Api]:
    with databases.administration(str(primary.folder)) as connection:
        connection.execute("CREATE DATABASE contacts TEMPLATE template0")
    with app_over(primary) as app:
        yield make_api(app)


@pytest.fixture
def on_standby(on_primary: Api, standby: databases.Cluster) -> Iterator[Api]:
    with app_over(standby) as app:
        yield Api(app.test_client(), on_primary.token)


def arrives(api: Api, path: str) -> bool:
    end = time.monotonic() + 10
    headers = {"Authorization": f"Bearer {api.token}"}
    while time.monotonic() < end:
        if api.client.get(f"/api/v1{path}", headers=headers).status_code == 200:
            return True
        time.sleep(0.05)
    return False


def test_standby_answers_readers_and_writers_once_it_is_promoted(
    on_primary: Api, on_standby: Api, standby: databases.Cluster
) -> None:
    contact = on_primary.make_contact("linda@example.com", first_name="Linda")
    path = f"/contacts/{contact['id']}"
    assert arrives(on_standby, path)
    assert on_standby.get(path) == contact
    assert [found["id"] for found in on_standby.get("/contacts/search?q=lind")] == [contact["id"]]
    assert on_standby.client.get("/health").status_code == 200

    on_standby.post("/contacts/quick", {"email": "bob@example.com"}, 503)
    on_standby.put(path, {"first_name": "Eve"}, 503)
    on_standby.delete(f"{path}/notes/1", 503)
    assert on_standby.get(path) == contact

    standby.promote()
    bob = on_standby.post("/contacts/quick", {"email": "bob@example.com"}, 201)
    assert bob["id"] > contact["id"]
    assert on_standby.put(path, {"first_name": "Eve"})["first_name"] == "Eve"
