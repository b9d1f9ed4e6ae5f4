"""Migrations lead from every version to the tables of the models, once, whoever starts."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import inspect

from contacts_service.config import PROJECT_FOLDER, SettingsError
from contacts_service.db import migrate as migration
from contacts_service.db.migrate import FOLDER, is_compared, migrate_database
from contacts_service.db.session import Base, db, unit_of_work
from contacts_service.factory import create_app
from tests.conftest import make_api, make_app
from tests.databases import another_writer, database_url, is_postgresql
from tests.files import add_people, flask, tables


def test_models_and_migrated_tables_agree(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        options = {
            "include_object": is_compared,
            "compare_type": True,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.sqlite
def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    make_app(tmp_path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("contacts.db*")}
    assert set(modes.values()) == {0o600}


def test_everything_can_be_taken_back(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with app.app_context():
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        migrate_database(may_create=True)


# Whatever the frozen copy of the search index treats apart: scripts, letters, numbers, channels.
PEOPLE = (
    {"first_name": "Linda", "email": "linda@example.com", "phone": "+61 412 345 678"},
    {"first_name": "José Đorđević", "last_name": "O’Neil–Strauß", "phone": "0012 (0)3 - 45"},
    {"first_name": "小明", "last_name": "王", "email": "wang.long-name@sub.example.com"},
    {"first_name": "ท้าว", "last_name": "あか アカ", "phone": "0412345678"},
    {"first_name": "٣٤٥ ﬁ Ⅷ", "email": "o'neil@x-am.com"},
    {},
)
CHANNELS = (("chat", "Lin Da"), ("phone", "(02) 9999-1234"), ("email", "lin@example.org"))


def rows_that_are_kept(app: Flask) -> dict[str, list[Any]]:
    """All but the index, which is made anew, and keys, which have a new column."""
    made = ("contact_documents", "api_keys")
    return {name: rows for name, rows in tables(app).items() if name not in made}


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006", "0007"])
def test_upgrade_from_every_version_keeps_the_data_and_indexes_it(
    tmp_path: Path, revision: str
) -> None:
    app = make_app(tmp_path)
    add_people(app, *PEOPLE)
    api = make_api(app)
    for number, (channel, identifier) in enumerate(CHANNELS):
        sent = {"channel": channel, "identifier": identifier}
        api.post(f"/contacts/{1 + number // 2}/channels", sent)
    before = rows_that_are_kept(app)
    with app.app_context():
        downgrade(revision=revision)
        if is_postgresql() and "0001" < revision < "0006":  # 0002 once made such a table
            with unit_of_work() as session:
                session.connection().exec_driver_sql(
                    "CREATE TABLE contact_search (number bigint PRIMARY KEY, tokens integer[])"
                )
        migrate_database()
    assert rows_that_are_kept(app) == before
    for typed in ("linda", "exam", "nda", "lin", "412345", "王小明"):
        assert api.get(f"/contacts/search?q={typed}")
    flask(app, "search", "check")


def test_migrations_import_nothing_that_may_change() -> None:
    frozen = "from contacts_service.migrations.frozen_search_index import "
    scripts = [*FOLDER.glob("versions/*.py"), FOLDER / "frozen_search_index.py"]
    lines = [line for path in scripts for line in path.read_text().splitlines()]
    imports = [line for line in lines if line.lstrip().startswith(("import ", "from "))]
    assert [line for line in imports if "contacts_service" in line or "schemas" in line] == [
        f"{frozen}fill_search_index"
    ] * 2


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with app.app_context():
        with unit_of_work() as session:
            session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SettingsError, match="newer version"):
            migrate_database(may_create=True)


def at_revision(folder: Path, revision: str) -> Flask:
    """An application that does not wait for other writers, over a database of this revision."""
    app = make_app(folder, CONTACTS_BUSY_TIMEOUT="0")
    with app.app_context():
        downgrade(revision=revision)
    return app


def test_a_start_waits_while_another_process_migrates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = at_revision(tmp_path, "0005")
    pauses: list[float] = []
    with app.app_context(), ExitStack() as others:
        others.enter_context(another_writer(app))

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                others.close()

        monkeypatch.setattr(migration, "time", SimpleNamespace(monotonic=lambda: 0, sleep=pause))
        migrate_database()
    assert pauses == [1, 1, 1]
    flask(app, "search", "check")


@pytest.mark.parametrize("revision", ["0005", "head"])
def test_who_waits_too_long_for_others_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    app = at_revision(tmp_path, revision)
    monkeypatch.setattr(migration, "PATIENCE_SECONDS", 0)
    with another_writer(app):
        told = flask(app, "keys", "create", "--agent=1", "--name=A", "--all-scopes", code=1)
    assert "is kept by others for too long" in told
    flask(app, "keys", "create", "--agent=1", "--name=A", "--all-scopes")


@pytest.mark.sqlite
def test_flask_db_upgrade_may_be_the_first_command(tmp_path: Path) -> None:
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{tmp_path / 'new' / 'contacts.db'}"})
    flask(app, "db", "upgrade")
    assert make_api(app).get("/contacts")["total"] == 0


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "contacts.db").write_bytes(b"not a database" * 1000)
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{tmp_path / 'contacts.db'}"})
    with app.app_context(), pytest.raises(SettingsError, match="cannot be opened"):
        migrate_database(may_create=True)


def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "CONTACTS_DATABASE_URL": database_url(tmp_path / "new"),
    }
    words = ["keys", "create", "--agent=1", "--name=A", "--all-scopes"]
    command = [Path(sys.executable).parent / "flask", *words]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    starts = [subprocess.Popen(command, cwd=PROJECT_FOLDER, env=environ, **pipes) for _ in range(4)]
    said = b"".join(start.communicate()[1] for start in starts).splitlines()
    assert [start.returncode for start in starts] == [0] * 4
    assert all(b"others are at work in it; waiting." in line for line in said), said


NEED_ONE = (
    ("backup", "{folder}/contacts.backup"),
    ("check",),
    ("keys", "list"),
    ("keys", "revoke", "1"),
    ("contacts", "export", "{folder}/people.csv"),
    ("contacts", "copy-to", "postgresql+psycopg://nowhere/contacts"),
    ("search", "check"),
    ("search", "rebuild"),
)


@pytest.mark.sqlite
@pytest.mark.parametrize("words", NEED_ONE, ids=" ".join)
def test_commands_that_begin_no_directory_make_no_database(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{tmp_path / 'contacts.db'}"})
    told = flask(app, *(word.format(folder=tmp_path) for word in words), code=1)
    assert told.startswith("Error: There is no database ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sqlite
def test_a_connection_is_durable_and_checked(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "secure_delete",
                "busy_timeout",
            )
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }
