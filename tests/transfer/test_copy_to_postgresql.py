"""Copying a SQLite database to PostgreSQL: all of one snapshot, or nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.db.migrate import migrate_database
from contacts_service.factory import create_app
from contacts_service.transfer import copy_to_postgresql as copying
from contacts_service.transfer.copy_to_postgresql import CopyError
from tests import databases
from tests.conftest import make_api, make_app
from tests.files import add_people, flask
from tests.threads import receive, stored

pytestmark = pytest.mark.postgresql

NOBODY = "postgresql+psycopg://nobody:wrong@127.0.0.1:1/contacts"


@pytest.fixture
def source(tmp_path: Path) -> Flask:
    """A SQLite database with rows in every table, of which some with the last ids were deleted."""
    url = f"sqlite:///{tmp_path / 'contacts.db'}"
    app = create_app({"CONTACTS_DATABASE_URL": url, "CONTACTS_BUSY_TIMEOUT": "0"})
    with app.app_context():
        migrate_database(may_create=True)
    add_people(app, *({"email": f"{number}@example.com", "phone": "1"} for number in range(30)))
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


def lose_a_row(real: Callable[..., Iterator[int]]) -> Callable[..., Iterator[int]]:
    def copy(source: Any, session: Any, table: Any) -> Iterator[int]:
        yield from real(source, session, table)
        if table.name == "messages":
            session.connection().exec_driver_sql("DELETE FROM messages WHERE id = 1")

    return copy


def index_nobody(_real: Callable[..., None]) -> Callable[..., None]:
    return lambda _session, _documents: None


def run_out_of_room(_real: Callable[..., None]) -> Callable[..., None]:
    def compare(_target: Any, _counts: Any) -> None:
        raise CopyError("No more room.")

    return compare


def send_nonsense(_real: Callable[..., None]) -> Callable[..., None]:
    def compare(target: Any, _counts: Any) -> None:
        target.exec_driver_sql("SELECT nothing")

    return compare


def lose_the_server(_real: Callable[..., None]) -> Callable[..., None]:
    def compare(target: Any, _counts: Any) -> None:
        databases.end_connections(target.engine.url.database)
        target.exec_driver_sql("SELECT 1")

    return compare


HARM = {
    "lost row": ("_copy_table", lose_a_row, "Not all of messages has arrived"),
    "lost index": ("index_documents", index_nobody, "Not all of contact_search has arrived"),
    "no room": ("_compare_counts", run_out_of_room, "No more room."),
    "bad statement": ("_compare_counts", send_nonsense, 'column "nothing" does not exist'),
    "lost server": ("_compare_counts", lose_the_server, "The database could not do its work: "),
}


@pytest.mark.parametrize(("step", "harm", "sentence"), HARM.values(), ids=HARM)
def test_a_copy_that_fails_says_why_leaves_nothing_and_can_be_repeated(
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
    test_everything_arrives(source, url, unused)


def test_a_copy_is_of_one_moment(source: Flask, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(source)
    real = copying._copy_table

    def copy(*parts: Any) -> Iterator[int]:
        make_api(source).make_contact(f"{parts[2].name}@example.com")
        yield from real(*parts)

    monkeypatch.setattr(copying, "_copy_table", copy)
    flask(source, "contacts", "copy-to", url)
    assert stored(create_app({"CONTACTS_DATABASE_URL": url})) == before


def test_of_two_copies_at_once_one_arrives_and_the_other_is_told(
    source: Flask, url: str, unused: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying._copy_table
    command = "contacts", "copy-to", url
    told: list[str] = []

    def copy(*parts: Any) -> Iterator[int]:
        if not told:
            told.append(beside.submit(flask, source, *command, code=1).result())
        yield from real(*parts)

    monkeypatch.setattr(copying, "_copy_table", copy)
    with ThreadPoolExecutor(1) as beside:  # a thread has no application context yet
        test_everything_arrives(source, url, unused)
    assert "is kept by others for too long" in told[0]


def test_only_what_can_be_copied_is_copied(source: Flask, url: str, tmp_path: Path) -> None:
    output = flask(source, "contacts", "copy-to", f"sqlite:///{tmp_path / 'other.db'}", code=1)
    assert "The target must be a PostgreSQL database." in output
    assert "check CONTACTS_DATABASE_URL" in flask(source, "contacts", "copy-to", NOBODY, code=1)
    target = create_app({"CONTACTS_DATABASE_URL": url})
    other = databases.database_url(tmp_path / "other")
    assert "Only a SQLite database" in flask(target, "contacts", "copy-to", other, code=1)


def test_a_target_that_others_write_to_is_told(source: Flask, url: str) -> None:
    with databases.another_writer(make_app_at(url)):
        told = flask(source, "contacts", "copy-to", url, code=1)
    assert "The database postgresql+psycopg://" in told
    assert "is kept by others for too long" in told


def test_limits_of_time_for_requests_do_not_end_a_copy(
    source: Flask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying._build_search_index

    def build(*parts: Any) -> Iterator[int]:
        time.sleep(1)  # the target's transaction is idle
        parts[1].driver.execute("SELECT pg_sleep(1)")
        yield from real(*parts)

    monkeypatch.setattr(copying, "_build_search_index", build)
    target = make_app_at(url)
    with databases.by_other_hands(target) as connection:
        alter = f"ALTER DATABASE {target.extensions['database'].url.database}"
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(f"{alter} SET {limit} = 500")
        flask(source, "contacts", "copy-to", url)
        connection.execute(f"{alter} RESET ALL")
    assert stored(target) == stored(source)
