"""SQLite: how connections are made and checked, and how transactions begin and end."""

import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DatabaseError

from contacts_service.db.backend import Backend, Cause, Rows

# Primary result codes that are no fault of a statement of ours: READONLY, IOERR, CORRUPT, FULL,
# CANTOPEN, PROTOCOL, NOTADB.
UNAVAILABLE_CODES = {8, 10, 11, 13, 14, 15, 26}

NOT_OUR_TABLES = re.compile(
    r"no such table: |no such column: \w+\.\w+|table \w+ has no column named "
)

DEADLINE_STEPS = 100_000  # instructions of SQLite between looks at a reader's deadline
POLLING_SECONDS = 0.001  # between a writer's attempts to get the lock from another process

# SQLite starts its write-ahead log anew only when nobody reads from it. If readers always overlap,
# that never happens, so a writer truncates the log once it is longer than MAX_LOG_BYTES. It waits
# for the readers to end, and other writers wait for it: at most TRUNCATION_SECONDS or half their
# time-out, and then not again for PAUSE_FACTOR times as long as it took.
MAX_LOG_BYTES = 16 * 2**20
TRUNCATION_SECONDS = 1.0
PAUSE_FACTOR = 4

CACHED_STATEMENTS = 64  # of each connection; the service has about thirty

FileIdentity = tuple[int, int] | None  # device and inode


class _FileConnection(sqlite3.Connection):
    """Knows which file it was opened to, and until when it may read (monotonic seconds)."""

    file: FileIdentity
    deadline: float


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
        self._truncation_seconds = min(TRUNCATION_SECONDS, busy_timeout / 2)
        self._next_truncation = 0.0  # monotonic seconds

    def exists(self) -> bool:
        return self.path.exists()

    def check(self, connection: Connection) -> None:
        """Accept any file that SQLite opens."""

    def connect(self) -> _FileConnection:
        """A connection to the file. Raises sqlite3.Error if it does not exist."""
        identity = self._identity()
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
            factory=_FileConnection,
        )
        connection.file, connection.deadline = identity, inf
        connection.set_progress_handler(
            lambda: time.monotonic() > connection.deadline, DEADLINE_STEPS
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        connection.create_function("casefold", 1, _casefold, deterministic=True)
        return connection

    def create(self) -> None:
        """Make the file and its folder if they are missing; only the owner may read the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(0o600)

    def is_current(self, driver: Any) -> bool:
        """Whether it is to the file that is there.

        A file that was removed or replaced can still be written to, but nobody would read it.
        """
        return bool(driver.file == self._identity())

    def begin_reading(self, driver: Any, seconds: float | None) -> None:
        driver.deadline = inf if seconds is None else time.monotonic() + seconds
        driver.execute("BEGIN")

    def end_reading(self, driver: Any) -> None:
        driver.rollback()

    def _identity(self) -> FileIdentity:
        try:
            file = os.stat(self.name)  # noqa: PTH116 (once a request)
        except OSError:
            return None
        return file.st_dev, file.st_ino

    def on_begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if "write_before" in options:
            self.begin_writing(connection.connection.dbapi_connection, options["write_before"])
        else:
            connection.exec_driver_sql("BEGIN")

    def begin_writing(self, driver: Any, deadline: float) -> None:
        """See Backend. BEGIN IMMEDIATE takes the lock before the first statement.

        A transaction that reads first and asks for the lock later fails at once if another has
        written meanwhile, whatever the busy time-out.
        """
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            while not _has_begun_writing(driver, deadline):
                time.sleep(POLLING_SECONDS)
        finally:
            driver.execute(f"PRAGMA busy_timeout = {self.busy_timeout * 1000}")

    def after_commit(self, driver: Any) -> None:
        """Truncate the write-ahead log if it has grown long."""
        begun = time.monotonic()
        if begun < self._next_truncation:
            return
        with suppress(OSError, sqlite3.Error):
            if self._log.stat().st_size > MAX_LOG_BYTES:
                self._truncate_log(driver)
                end = time.monotonic()
                self._next_truncation = end + PAUSE_FACTOR * (end - begun)

    def sizes(self, driver: Any) -> tuple[int, int]:
        return _size(self.path), _size(self._log)

    def _truncate_log(self, driver: Any) -> None:
        """Copy the log into the file and truncate it, unless readers or writers are in the way."""
        driver.execute(f"PRAGMA busy_timeout = {int(1000 * self._truncation_seconds)}")
        try:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            driver.execute(f"PRAGMA busy_timeout = {1000 * self.busy_timeout}")

    def checkpoint_on_exit(self) -> None:
        """Copy the log into the file, so that the file is complete by itself."""
        with suppress(sqlite3.Error), closing(self.connect()) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """See Backend. Foreign keys are checked before the commit.

        They are not enforced meanwhile: rebuilding a table would delete the rows that refer to it.
        """
        deadline = time.monotonic() + self.busy_timeout
        with self.engine.connect().execution_options(write_before=deadline) as connection:
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
        """See Backend. Whoever holds the write lock reserves by asking: nobody else inserts."""
        last = driver.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        number: int = (last.fetchone() or (0,))[0]
        return number + 1

    def classify_error(self, error: Any) -> Cause | None:
        code = _code(error)
        if code == sqlite3.SQLITE_INTERRUPT:
            return "slow"
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return "busy"
        # A file without our tables is not our database.
        is_foreign = NOT_OUR_TABLES.match(str(error))
        return "unreachable" if code in UNAVAILABLE_CODES or is_foreign else None

    def connection_hint(self, error: Any) -> str:
        return (
            f"The database {self.name} cannot be opened for writing ({error}); "
            "check CONTACTS_DATABASE_URL and the rights on its folder."
        )


def _size(file: Path) -> int:
    """The bytes of a file; 0 if there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _require_parents(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"The migration would leave a row of {broken[0]} without its parent.")


def _has_begun_writing(driver: Any, deadline: float) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        is_busy = _code(error) == sqlite3.SQLITE_BUSY  # also while another process recovers the log
        if not is_busy or time.monotonic() >= deadline:
            raise DatabaseError(None, None, error, hide_parameters=True) from None
        return False
    return True


def _code(error: Any) -> int | None:
    """The primary result code of a driver's error."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
