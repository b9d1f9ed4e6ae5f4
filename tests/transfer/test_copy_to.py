"""Copying a SQLite database into PostgreSQL: all of it, of one moment, or nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from contacts_service.db.migrate import migrate_database
from contacts_service.factory import create_app
from contacts_service.search.postgresql_index import COLUMNS
from contacts_service.transfer import copy_to_postgresql as copying
from tests import databases
from tests.conftest import make_api, make_app
from tests.files import flask
from tests.threads import receive, stored

pytestmark = pytest.mark.postgresql

NOBODY = "postgresql+psycopg://nobody:wrong@127.0.0.1:1/contacts"


@pytest.fixture
def source(tmp_path: Path) -> Flask:
    """A SQLite database with something in every table, and an id that will not come again."""
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{tmp_path / 'contacts.db'}"})
    flask(app, "demo", "--contacts", "30")
    api = make_api(app)
    contact = api.make_contact("zoë@example.com", custom_attributes={"é": 'a\\b"', "n": 1e100})
    api.post(f"/contacts/{contact['id']}/channels", {"channel": "chat", "identifier": "z"})
    api.put(f"/contacts/{contact['id']}/block", {"blocked": True})
    note = api.post(f"/contacts/{contact['id']}/notes", {"content": "One.\nTwo.\\N"})
    api.delete(f"/contacts/{contact['id']}/notes/{note['id']}")
    api.post("/custom-attributes", {"key": "tier", "name": "Tier", "data_type": "text"})
    kept = {"Idempotency-Key": "1"}
    api.post("/contacts/quick", {"email": "once@example.com"}, headers=kept)
    receive(api, "zoë@example.com", message_id="1@x")
    return app


@pytest.fixture
def unused(tmp_path: Path) -> Flask:
    """A PostgreSQL database as it is made."""
    return make_app(tmp_path / "unused")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return databases.database_url(tmp_path)


def make_app_at(url: str) -> Flask:
    """An application over a migrated database."""
    app = create_app({"CONTACTS_DATABASE_URL": url})
    with app.app_context():
        migrate_database(may_create=True)
    return app


def test_everything_arrives(source: Flask, url: str, unused: Flask) -> None:
    before = stored(source)
    assert "32 contacts and all" in flask(source, "contacts", "copy-to", url)
    target = create_app({"CONTACTS_DATABASE_URL": url})
    assert stored(target) == before
    with databases.by_other_hands(target) as there, databases.by_other_hands(unused) as here:
        assert databases.search_settings(there) == databases.search_settings(here)
    assert "the search index is sound" in flask(target, "check")


def test_service_goes_on_where_it_was(source: Flask, url: str) -> None:
    flask(source, "contacts", "copy-to", url)
    here, there = make_api(source), make_api(create_app({"CONTACTS_DATABASE_URL": url}))
    for query in ("e", "zoe", "example.com", "example"):
        path = f"/contacts/search?q={query}"
        assert there.get(path) == here.get(path) != []
    made = [api.make_contact("next@example.com") for api in (here, there)]
    assert made[0]["id"] == made[1]["id"]
    notes = [
        api.post(f"/contacts/{made[0]['id']}/notes", {"content": "Next."}) for api in (here, there)
    ]
    assert notes[0]["id"] == notes[1]["id"]
    assert there.get("/contacts")["total"] == here.get("/contacts")["total"] == 33


def test_target_that_holds_something_is_refused(source: Flask, url: str) -> None:
    flask(source, "contacts", "copy-to", url)
    output = flask(source, "contacts", "copy-to", url, code=1)
    assert "The target holds rows already, in " in output


def change_a_row(real: Callable[..., Any]) -> Callable[..., Any]:
    def copy(connection: Any, table: Any, rows: Any) -> Any:
        yield from real(connection, table, rows)
        if table.name == "contacts":
            connection.execute("UPDATE contacts SET last_name = 'X' WHERE id = 3")

    return copy


def fail(_real: Callable[..., Any]) -> Callable[..., Any]:
    def sequences(*_values: Any) -> Any:
        raise copying.CopyError("No more room.")

    return sequences


def lose_a_row(real: Callable[..., Any]) -> Callable[..., Any]:
    def tokens(read: Any, server: Any, makers: Any) -> Any:
        yield from real(read, server, makers)
        copying._execute(server, f"DELETE FROM {copying.COPIED} WHERE number = 3")

    return tokens


def no_index_of(column: str) -> Callable[..., Callable[..., Any]]:
    def harm(real: Callable[..., Any]) -> Callable[..., Any]:
        def execute(server: Any, statement: str) -> None:
            real(server, statement.replace(f"USING gin ({column})", "USING gin (nothing)"))

        return execute

    return harm


HARM = {
    **{
        f"no index of {column}": ("_execute", no_index_of(column), 'column "nothing" does not')
        for column in COLUMNS
    },
    "tokens are lost": ("_copy_tokens", lose_a_row, "The search index has not arrived"),
    "a row changes": ("_copy", change_a_row, "What has arrived in contacts differs"),
    "no room": ("_set_sequences", fail, "No more room."),
}


@pytest.mark.parametrize(("step", "harm", "sentence"), HARM.values(), ids=HARM)
def test_copy_that_fails_leaves_nothing_and_can_be_repeated(
    source: Flask,
    url: str,
    unused: Flask,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    harm: Any,
    sentence: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(copying, step, harm(getattr(copying, step)))
        told = flask(source, "contacts", "copy-to", url, code=1)
        assert told.startswith("Error: ")
        assert sentence in told
        assert told.count("\n") == 1
    target = create_app({"CONTACTS_DATABASE_URL": url})
    assert not any(stored(target).values())
    with databases.by_other_hands(target) as connection:
        assert connection.execute("SELECT count(*) FROM contact_search").fetchone() == (0,)
        tables = f"SELECT 1 FROM pg_class WHERE relname LIKE '{copying.COPIED}%'"
        assert connection.execute(tables).fetchone() is None
    test_everything_arrives(source, url, unused)


def lose_the_server(server: Any, _statement: str = "") -> None:
    databases.end_connections(server.url.database)
    raise psycopg.OperationalError("No server.")


@pytest.mark.parametrize("step", ["_alone", "_execute"])
def test_server_that_goes_is_told_in_a_sentence(
    source: Flask, url: str, unused: Flask, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(copying, step, lose_the_server)
        told = flask(source, "contacts", "copy-to", url, code=1)
        assert told.startswith("Error: The database could not do its work: ")
        assert told.count("\n") == 1
    test_everything_arrives(source, url, unused)


def test_only_what_can_be_copied_is_copied(source: Flask, url: str, tmp_path: Path) -> None:
    output = flask(source, "contacts", "copy-to", f"sqlite:///{tmp_path / 'other.db'}", code=1)
    assert "The target must be a PostgreSQL database." in output
    assert "check CONTACTS_DATABASE_URL" in flask(source, "contacts", "copy-to", NOBODY, code=1)
    target = create_app({"CONTACTS_DATABASE_URL": url})
    other = databases.database_url(tmp_path / "other")
    assert "Only a SQLite database" in flask(target, "contacts", "copy-to", other, code=1)


def test_one_copy_at_a_time(source: Flask, url: str, unused: Flask) -> None:
    target = create_app({"CONTACTS_DATABASE_URL": url})
    with databases.by_other_hands(target) as another:
        another.execute(f"SELECT pg_advisory_lock({copying.COPYING})")
        output = flask(source, "contacts", "copy-to", url, code=1)
    assert "Another copy into the target is at work." in output
    test_everything_arrives(source, url, unused)


def test_who_keeps_the_target_is_told_of(
    source: Flask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTACTS_BUSY_TIMEOUT", "0")
    target = make_app_at(url)
    with databases.another_writer(target):
        told = flask(source, "contacts", "copy-to", url, code=1)
    assert "is kept by others for too long" in told
    assert "postgresql+psycopg://" in told


def test_limits_of_time_for_requests_do_not_end_a_copy(source: Flask, url: str) -> None:
    target = make_app_at(url)
    with databases.by_other_hands(target) as connection:
        alter = f"ALTER DATABASE {target.extensions['database'].url.database}"
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(f"{alter} SET {limit} = 20")
        flask(source, "contacts", "copy-to", url)
        connection.execute(f"{alter} RESET ALL")
    assert stored(target) == stored(source)
