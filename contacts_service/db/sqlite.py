"""What SQLite needs: how connections are made and kept honest, how transactions begin."""

import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DatabaseError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from contacts_service.db.backend import Backend, Cause, Rows

# Primary result codes that speak of the database's surroundings, not of a statement of ours:
# READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
UNAVAILABLE_CODES = {8, 10, 11, 13, 14, 15, 26}

NOT_OUR_TABLES = re.compile(
    r"no such table: |no such column: \w+\.\w+|table \w+ has no column named "
)

STEPS = 100_000  # of SQLite's machine between looks at whether a reader's time is up: milliseconds
POLLING_SECONDS = 0.001  # between a writer's looks at whether another process is done

# SQLite begins its log anew only when nobody reads from it. Where readers overlap that never comes
# by itself, so from LOG_BYTES on a writer empties it: it waits for those who read, but first for no
# longer than EMPTYING_SECONDS, then for twice as long each time. Other writers wait for that, so it
# takes at most half of their time-out.
LOG_BYTES = 16 * 2**20
EMPTYING_SECONDS = 0.25
LONGEST_EMPTYING_SECONDS = 2.0
EMPTYING_PAUSE = 4  # times as long writers go on before the next try

# Statements kept by each connection. The service has about thirty of its own.
CACHED_STATEMENTS = 64

FileIdentity = tuple[int, int] | None  # device and inode


class SQLiteFile(Backend):
    """A database file."""

    placeholder = "?"
    path: Path

    def __init__(self, url: URL, folder: Path, busy_timeout: int) -> None:
        """A relative path is one in `folder`."""
        self.path = folder / (url.database or "")
        self.name = str(self.path)
        self.url = url.set(database=self.name)
        self.busy_timeout = busy_timeout
        self.engine_options = {"creator": self.connect}
        self._log = Path(f"{self.path}-wal")
        self._longest_emptying = min(LONGEST_EMPTYING_SECONDS, busy_timeout / 2)
        self._emptying = min(EMPTYING_SECONDS, self._longest_emptying)
        self._next_emptying = 0.0

    def exists(self) -> bool:
        return self.path.exists()

    def check(self, connection: Connection) -> None:
        """Any file that SQLite opens will do."""

    def connect(self) -> sqlite3.Connection:
        """A connection to the file, which must exist: nobody is served an empty database."""
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("casefold", 1, _casefold, deterministic=True)
        return connection

    def create(self) -> None:
        """Make the file, its owner's alone, and its folder, if not there. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(0o600)

    def prepare(self, engine: Engine) -> None:
        """Let the engine's connections be of the file that is there, and begin as we say."""
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "begin", self._on_begin)

    def begin_reading(self, driver: Any, seconds: float | None) -> None:
        if seconds is not None:
            deadline = time.monotonic() + seconds
            driver.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
        driver.execute("BEGIN")

    def end_reading(self, driver: Any) -> None:
        driver.rollback()
        driver.set_progress_handler(None, 0)

    def _on_connect(self, _connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = self._identity()

    def _on_checkout(
        self, _connection: sqlite3.Connection, record: ConnectionPoolEntry, _proxy: object
    ) -> None:
        # A file that was removed or replaced can still be written to, and nobody would read it.
        if record.info["file"] != self._identity():
            raise DisconnectionError

    def _identity(self) -> FileIdentity:
        try:
            file = os.stat(self.name)  # noqa: PTH116 (once a request)
        except OSError:
            return None
        return file.st_dev, file.st_ino

    def _on_begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if "write_before" in options:
            self.begin_writing(connection.connection.dbapi_connection, options["write_before"])
        else:
            connection.exec_driver_sql("BEGIN")

    def begin_writing(self, driver: Any, deadline: float) -> None:
        """Take the lock at the start, waiting for it until `deadline`.

        A transaction that reads first and writes later fails at once when another has written
        meanwhile, whatever the busy time-out. Raises SQLAlchemy's DatabaseError.
        """
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            while not _has_begun_writing(driver, deadline):
                time.sleep(POLLING_SECONDS)
        finally:
            driver.execute(f"PRAGMA busy_timeout = {self.busy_timeout * 1000}")

    def after_commit(self, driver: Any) -> None:
        """After a commit: empty the write-ahead log where it has grown long. Raises nothing."""
        if time.monotonic() < self._next_emptying:
            return
        with suppress(OSError, sqlite3.Error):
            if self._log.stat().st_size <= LOG_BYTES:
                return
            begun = time.monotonic()
            is_empty = self._has_emptied_log(driver)
            spent = time.monotonic() - begun
            if is_empty:
                self._emptying = min(EMPTYING_SECONDS, self._longest_emptying)
            elif spent >= self._emptying:  # else another process was at it, which takes no time
                self._emptying = min(2 * self._emptying, self._longest_emptying)
            self._next_emptying = time.monotonic() + EMPTYING_PAUSE * spent

    def _has_emptied_log(self, driver: Any) -> bool:
        driver.execute(f"PRAGMA busy_timeout = {int(self._emptying * 1000)}")
        try:
            is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy
        finally:
            driver.execute(f"PRAGMA busy_timeout = {self.busy_timeout * 1000}")

    def checkpoint_on_exit(self) -> None:
        """Once nobody else of the service has it open: bring the log into the file."""
        with suppress(sqlite3.Error), closing(self.connect()) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def migrating(self, engine: Engine) -> Iterator[Connection]:
        """Foreign keys are not enforced, as rebuilding a table would empty those that refer to it.

        They are checked before the commit.
        """
        deadline = time.monotonic() + self.busy_timeout
        with engine.connect().execution_options(write_before=deadline) as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.begin():
                    yield connection
                    _require_parents(connection)
            finally:
                driver.execute("PRAGMA foreign_keys = ON")

    def insert_rows(self, driver: Any, table: str, columns: Sequence[str], rows: Rows) -> None:
        places = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    def reserve_ids(self, driver: Any, table: str, count: int) -> int:
        last = driver.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        number: int = (last.fetchone() or (0,))[0]
        return number + 1

    def classify_error(self, error: Any) -> Cause | None:
        code = _code(error)
        if code == sqlite3.SQLITE_INTERRUPT:
            return "slow"
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return "busy"
        # A file without our tables is not our database, whatever else is in it.
        is_another = NOT_OUR_TABLES.match(str(error))
        return "unreachable" if code in UNAVAILABLE_CODES or is_another else None

    def connection_hint(self, error: Any) -> str:
        return (
            f"The database {self.name} cannot be opened for writing ({error}); "
            "check CONTACTS_DATABASE_URL and the rights on its folder."
        )


def _require_parents(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"The migration would leave a row of {broken[0]} without its parent.")


def _has_begun_writing(driver: Any, deadline: float) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        is_busy = _code(error) == sqlite3.SQLITE_BUSY  # also while another recovers the log
        if not is_busy or time.monotonic() >= deadline:
            raise DatabaseError(None, None, error, hide_parameters=True) from None
        return False
    return True


def _code(error: Any) -> int | None:
    """The primary code of an error of the driver."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
