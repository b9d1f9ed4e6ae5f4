"""When the database cannot do its work: 503, nothing half-done, and back by itself."""

import io
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.contacts import routes as contact_routes
from contacts_service.db.models import ApiKey
from contacts_service.db.session import Base, db, unit_of_work
from tests import databases
from tests.auth.test_permissions import OPERATIONS
from tests.client import Api
from tests.conftest import make_app


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contacts.db"


@pytest.fixture
def own_app(tmp_path: Path) -> Flask:
    """An application over a file that a test may harm; a busy database is given up on at once."""
    return make_app(tmp_path, CONTACTS_BUSY_TIMEOUT="1")


@pytest.fixture
def own_api(own_app: Flask) -> Api:
    with own_app.app_context(), unit_of_work() as session:
        key = keys.create_key(session, "17", "Bob Smith", SCOPES)
    return Api(own_app.test_client(), key)


@pytest.fixture
def lock(own_app: Flask) -> Iterator[Callable[[], None]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(databases.another_writer(own_app))


def test_a_writer_that_waits_too_long_is_told_to_try_again(
    own_api: Api, lock: Callable[[], None]
) -> None:
    contact = own_api.make_contact()
    lock()
    answer = own_api.call("PUT", f"/contacts/{contact['id']}", 503, json={"first_name": "New"})
    assert answer.headers["Retry-After"] == "1"
    assert own_api.get(f"/contacts/{contact['id']}") == contact


def test_readers_never_wait_for_a_writer(
    own_app: Flask, own_api: Api, lock: Callable[[], None]
) -> None:
    with own_app.app_context(), unit_of_work() as session:
        session.execute(update(ApiKey).values(last_used_at=None))
    lock()
    began = time.monotonic()
    for _ in range(5):
        own_api.call("GET", "/contacts").close()  # its use of the key is due to be recorded
    assert time.monotonic() - began < 4  # five that wait for the lock take five seconds


def uses(app: Flask) -> list[str | None]:
    with app.app_context():
        return list(db.session.scalars(select(ApiKey.last_used_at)))


def test_use_of_a_key_that_a_writer_is_in_the_way_of_is_recorded_later_without_a_word(
    own_app: Flask, own_api: Api, log: io.StringIO
) -> None:
    with databases.another_writer(own_app):
        own_api.call("GET", "/contacts").close()
    assert uses(own_app) == [None]
    assert "could not be recorded" not in log.getvalue()
    own_api.call("GET", "/contacts").close()
    assert uses(own_app) != [None]


def test_use_of_a_key_that_cannot_be_recorded_is_told_once_in_a_while(
    own_app: Flask, own_api: Api, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OperationalError("UPDATE", None, Exception("disk full"))
    monkeypatch.setattr(keys, "unit_of_work", Mock(side_effect=error))
    for _ in range(3):
        own_api.call("GET", "/contacts").close()
    assert log.getvalue().count("could not be recorded") == 1
    own_app.extensions[keys.NEXT_WARNING] -= keys.WARNED_EVERY
    own_api.call("GET", "/contacts").close()
    assert log.getvalue().count("could not be recorded") == 2


@pytest.mark.sqlite
def test_a_removed_database_is_not_made_anew(own_app: Flask, own_api: Api, path: Path) -> None:
    own_api.make_contact()
    kept = path.parent / "kept"
    kept.mkdir()
    files = [file.rename(kept / file.name) for file in path.parent.glob("contacts.db*")]
    own_api.call("GET", "/contacts", 503)
    own_api.call("POST", "/contacts/quick", 503, json={"email": "lost@example.com"})
    health = own_app.test_client().get("/health")
    assert (health.status_code, health.data, health.headers["Retry-After"]) == (503, b"", "1")
    assert not path.exists()
    for file in files:
        file.rename(path.parent / file.name)
    assert own_api.get("/contacts")["total"] == 1


@pytest.mark.sqlite
def test_a_database_put_in_place_of_another_is_the_one_that_answers(
    own_app: Flask, own_api: Api, path: Path, tmp_path: Path
) -> None:
    own_api.make_contact("old@example.com")
    copy = sqlite3.connect(tmp_path / "copy.db")
    with sqlite3.connect(path) as live:
        live.backup(copy)
    copy.execute("UPDATE contacts SET first_name = 'Restored'")
    copy.commit()
    copy.close()
    for name in ("contacts.db-wal", "contacts.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    (tmp_path / "copy.db").replace(path)
    assert own_api.get("/contacts")["results"][0]["first_name"] == "Restored"


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path, content: bytes) -> None:
    (path.parent / "other").write_bytes(content)
    (path.parent / "other").replace(path)


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARM: dict[str, Callable[[Path], None]] = {
    "removed": remove,
    "a folder": put_folder,
    "truncated to nothing": lambda path: os.truncate(path, 0),
    "overwritten": lambda path: path.write_bytes(b"rubbish " * 10_000) and None,
    "replaced by nothing": lambda path: replace(path, b""),
    "replaced by rubbish": lambda path: replace(path, b"rubbish " * 10_000),
}


def change(path: Path, statement: str) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(statement).fetchall()
    other.close()


@pytest.mark.sqlite
@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_every_route_is_503_while_the_file_is_no_database_and_well_again_after(
    own_app: Flask, own_api: Api, path: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    own_api.make_contact()
    change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    kept = tmp_path / "kept"
    shutil.copy(path, kept)
    harm(path)
    for method, route, _ in (case.values for case in OPERATIONS):
        answer = own_api.call(method, route.removeprefix("/api/v1"), 503, json={})
        assert answer.json["data"]["type"] == "UnavailableError"
        assert answer.headers["Retry-After"] == "1"
    health = own_app.test_client().get("/health")
    assert (health.status_code, health.data, health.headers["Retry-After"]) == (503, b"", "1")
    if path.is_dir():
        path.rmdir()
    for name in ("contacts.db-wal", "contacts.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    kept.replace(path)
    assert own_api.get("/contacts")["total"] == 1
    assert own_app.test_client().get("/health").status_code == 200


@pytest.mark.sqlite
def test_health_misses_every_table_and_column(own_app: Flask, path: Path) -> None:
    health = own_app.test_client()
    renamed = [("contact_search", "TO elsewhere", "TO contact_search")]
    for table in Base.metadata.sorted_tables:
        renamed.append((table.name, "TO elsewhere", f"TO {table.name}"))
        column = table.columns.keys()[-1]
        renamed.append((table.name, f"COLUMN {column} TO other", f"COLUMN other TO {column}"))
    for name, away, back in renamed:
        change(path, f"ALTER TABLE {name} RENAME {away}")
        assert health.get("/health").status_code == 503, (name, away)
        change(path, f"ALTER TABLE {away.split()[-1] if away[:2] == 'TO' else name} RENAME {back}")
        assert health.get("/health").status_code == 200, (name, back)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("method", "route", "body"),
    [("GET", "/contacts/1", None), ("POST", "/contacts/quick", {"email": "a@example.com"})],
)
def test_a_database_with_other_columns_is_not_ours(
    own_api: Api, path: Path, method: str, route: str, body: Any
) -> None:
    change(path, "ALTER TABLE contacts RENAME COLUMN blocked TO elsewhere")
    own_api.call(method, route, 503, json=body)


END_ALL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid != pg_backend_pid()"
)


@pytest.mark.postgresql
def test_connections_that_ended_at_rest_are_made_anew(own_app: Flask, own_api: Api) -> None:
    contact = own_api.make_contact()
    with databases.by_other_hands(own_app) as connection:
        assert connection.execute(END_ALL).fetchall()
    assert own_api.get(f"/contacts/{contact['id']}") == contact
    own_api.put(f"/contacts/{contact['id']}", {"first_name": "New"})


@pytest.mark.postgresql
@pytest.mark.parametrize("step", ["check_if_match", "with_etag"])
def test_a_connection_that_ends_amidst_a_request_is_told(
    own_app: Flask, own_api: Api, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    contact = own_api.make_contact()
    real = getattr(contact_routes, step)

    def end_all(*values: Any) -> Any:
        with databases.by_other_hands(own_app) as connection:
            connection.execute(END_ALL)
        return real(*values)

    with monkeypatch.context() as patch:
        patch.setattr(contact_routes, step, end_all)
        changes = {"first_name": "New"}
        status = 503 if step == "check_if_match" else 200  # after the commit, nothing is lost
        answer = own_api.call("PUT", f"/contacts/{contact['id']}", status, json=changes)
    assert (answer.headers.get("Retry-After") == "1") == (status == 503)
    shown = own_api.get(f"/contacts/{contact['id']}")
    assert shown["first_name"] == ("" if status == 503 else "New")
    databases.assert_connections_are_back(own_app)
