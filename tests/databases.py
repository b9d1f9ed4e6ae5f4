"""The database that the tests run on: SQLite's files, or a PostgreSQL cluster of this run's own.

`pytest --database postgresql` starts one in a temporary folder where the programs are installed. A
test that is about SQLite alone is marked `sqlite`, one about PostgreSQL alone `postgresql`.
"""

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from contacts_service.db import postgresql
from contacts_service.db.session import READ_POOL, db

SERVER = "TEST_POSTGRESQL_SERVER"  # in the environment of this run: the folder of the socket
TEMPLATE = "migrated"
OWNER = "postgres"  # who runs the server where the tests run as root, which it refuses to
SETTINGS = (
    "listen_addresses=''", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
    "autovacuum=off", "max_connections=200",
)  # fmt: skip
# Of a language with an order and with capitals of its own, neither of which must matter.
LOCALE = ("--no-locale", "--locale-provider=icu", "--icu-locale=tr-TR")
LASTING = ("listen_addresses=''",)

_made: set[str] = set()


def is_postgresql() -> bool:
    return SERVER in os.environ


def programs() -> Path | None:
    """The folder of the newest server's programs."""
    found = shutil.which("pg_ctl")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=_version)
    path = folders[-1] if folders else found and Path(found).resolve()
    return path.parent if path else None


def _version(program: Path) -> float:
    return float(program.parent.parent.name)


class Cluster:
    """A server in a temporary folder, reached by its socket there; or a standby of another."""

    def __init__(self, bin_folder: Path, primary: "Cluster | None" = None) -> None:
        self.programs = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="contacts-postgresql-"))
        if os.getuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        if primary is None:
            self._run("initdb", "-A", "trust", "-U", OWNER, "-E", "UTF8", "-N", *LOCALE)
        else:
            self._run("pg_basebackup", "-h", str(primary.folder), "-U", OWNER, "-R", "-c", "fast")

    def start(self, settings: Iterable[str] = SETTINGS) -> None:
        options = " ".join(f"-c {setting}" for setting in settings)
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-l", log, "-o", f"{options} -k {self.folder}")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate")

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w")

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *words]
        owner: dict[str, Any] = {}
        if os.getuid() == 0:
            owner = {"user": OWNER, "group": pwd.getpwnam(OWNER).pw_gid, "extra_groups": []}
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **owner)


@contextmanager
def own_server(primary: Cluster | None = None) -> Iterator[Cluster]:
    """A server of one test's own, which keeps what it has acknowledged, and may be stopped."""
    bin_folder = programs()
    assert bin_folder
    made = Cluster(bin_folder, primary)
    made.start(LASTING)
    try:
        yield made
    finally:
        made.stop()
        made.remove()


@contextmanager
def administration(
    server: str | None = None, name: str = "postgres"
) -> Iterator[psycopg.Connection]:
    """A connection of whoever administers the server."""
    host = server or os.environ[SERVER]
    with psycopg.connect(host=host, user=OWNER, dbname=name, autocommit=True) as connection:
        yield connection


def url_of(name: str, server: str | None = None) -> str:
    return f"postgresql+psycopg://{OWNER}@/{name}?host={server or os.environ[SERVER]}"


def database_url(folder: Path, *, is_migrated: bool = False) -> str:
    """The database that belongs to a folder, empty when it is first asked for."""
    if not is_postgresql():
        return f"sqlite:///{folder / 'contacts.db'}"
    name = f"test_{os.getpid()}_{crc32(str(folder).encode()):x}"
    if name not in _made:
        _made.add(name)
        with administration() as connection:
            template = TEMPLATE if is_migrated else "template0"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return url_of(name)


@contextmanager
def another_writer(app: Flask) -> Iterator[None]:
    """Another program that is writing all the while."""
    with by_other_hands(app) as connection:
        connection.execute("BEGIN" if is_postgresql() else "BEGIN IMMEDIATE")
        if is_postgresql():
            connection.execute(f"SELECT pg_advisory_xact_lock({postgresql.WRITERS})")
        yield


@contextmanager
def by_other_hands(app: Flask) -> Iterator[Any]:
    """A connection of another program's, which commits each statement."""
    database = app.extensions["database"]
    if is_postgresql():
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection: Any = psycopg.connect(url, autocommit=True)
    else:
        connection = sqlite3.connect(database.path, isolation_level=None)
    with closing(connection):
        yield connection


def end_connections(name: str) -> None:
    """End everybody's connections to a database of this run's server."""
    with administration() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )


def search_settings(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The columns of PostgreSQL's search index and what is set for them and their indexes."""
    return connection.execute(
        "SELECT relname, attname, attstattarget, reloptions FROM pg_attribute JOIN pg_class "
        "ON pg_class.oid = attrelid WHERE relname LIKE '%contact_search%' AND attnum > 0 "
        "ORDER BY 1, 2"
    ).fetchall()


def empty_search(session: Session) -> None:
    session.execute(
        text(
            "DELETE FROM contact_search"
            if is_postgresql()
            else "INSERT INTO contact_search (contact_search) VALUES ('delete-all')"
        )
    )


def assert_connections_are_back(app: Flask) -> None:
    """Fail where a request has kept a connection: all that may read and write can be taken."""
    pool = app.extensions[READ_POOL]
    taken = [pool.take() for _ in range(app.config["CONTACTS_THREADS"])]
    for driver in taken:
        pool.give_back(driver)
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
