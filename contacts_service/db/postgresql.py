"""PostgreSQL: how connections are made and found to be lost, and how transactions begin.

Writers of all instances queue for one advisory lock, as they do for SQLite's file. So the docids of
the search index grow in the order of commits, nothing that a writer has read changes before it
commits, and writers cannot deadlock.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.numeric import FloatDumper
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DatabaseError

from contacts_service.db.backend import Backend, BackendError, Cause, Rows

DRIVER = "postgresql+psycopg"
WRITERS = 0x636F6E7461637473  # "contacts": the advisory lock of whoever writes
PREPARE_THRESHOLD = 5  # psycopg's default: prepares a statement when it runs for the sixth time

# SQLSTATEs that are no fault of a statement of ours. The classes are about connections, resources,
# locks and states of objects, an operator's intervention, the system, and damage. The single states
# are a standby, missing rights, foreign tables or columns, and a prepared statement whose table has
# changed or that a pooler has dropped.
UNAVAILABLE_CLASSES = {"08", "53", "55", "57", "58", "XX"}
UNAVAILABLE_STATES = {"25006", "42501", "42P01", "42703", "0A000", "26000"}
BUSY_STATES = {"40001", "40P01", "55P03"}
SLOW_STATE = "57014"

# A machine or network that vanishes is noticed after half a minute.
KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

# Words in the error of a connection, and what to do about it.
HINTS = (
    ("password authentication", "check the role and the password in CONTACTS_DATABASE_URL"),
    ("no password supplied", "put the role's password in CONTACTS_DATABASE_URL"),
    ("no pg_hba.conf entry", "let this machine and role in by the server's pg_hba.conf"),
    ("denied for table", "use the role that owns the tables"),
    ("permission denied", "grant it: GRANT CREATE, USAGE ON SCHEMA public TO the role"),
    ("database", "make it with createdb, or correct CONTACTS_DATABASE_URL"),
    ("role", "make it with createuser, or correct CONTACTS_DATABASE_URL"),
    ("read-only", "CONTACTS_DATABASE_URL must name the primary server"),
)


class _NumericFloat(FloatDumper):
    """Sends a float as numeric, with every digit; PostgreSQL's own conversion would round it."""

    oid = psycopg.adapters.types["numeric"].oid


class _Connection(psycopg.Connection[Any]):
    """Takes the details out of errors: they quote rows, and messages are logged."""

    def wait(self, *args: Any, **options: Any) -> Any:
        try:
            return super().wait(*args, **options)
        except psycopg.Error as error:
            if error.diag.message_primary:
                error.args = (error.diag.message_primary,)
            raise


class PostgreSQLServer(Backend):
    """A database of a server."""

    placeholder = "%s"

    def __init__(self, url: URL, _folder: Path, busy_timeout: int) -> None:
        self.url = url.set(drivername=DRIVER)
        shown = self.url.difference_update_query(["password", "sslpassword"])
        self.name = shown.render_as_string(hide_password=True)
        self.busy_timeout = busy_timeout
        self.engine_options = {
            "paramstyle": "format",
            "use_native_hstore": False,
            "creator": self.connect,
        }

    def exists(self) -> bool:
        return True  # only an attempt to connect can say

    def create(self) -> None:
        """Do nothing; the server's administrator makes the database."""

    def check(self, connection: Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise BackendError(
                f"The database {self.name} is in {encoding}; "
                "make one with createdb -E UTF8 -T template0."
            )

    def is_current(self, driver: Any) -> bool:
        """Whether the server has not closed it: on an idle connection it sends nothing else."""
        if driver.closed:
            return False
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        return not poll.poll(0)

    def on_begin(self, connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        deadline = connection.get_execution_options().get("write_before")
        if deadline is None:
            self.begin_reading(driver, None)
        else:
            self.begin_writing(driver, deadline)

    def connect(self) -> psycopg.Connection[Any]:
        """A connection in autocommit mode. Raises psycopg.Error.

        Options in the URL take precedence. `prepare_threshold=0` is for poolers that do not support
        prepared statements.
        """
        words, options = self.engine.dialect.create_connect_args(self.url)
        given: dict[str, Any] = {
            "connect_timeout": max(2, self.busy_timeout),
            "application_name": "contacts",
            **KEEPALIVES,
            **options,
            "client_encoding": "UTF8",  # the database or PGCLIENTENCODING may say another
        }
        threshold = int(given.pop("prepare_threshold", PREPARE_THRESHOLD)) or None
        connection: psycopg.Connection[Any] = _Connection.connect(
            *words, autocommit=True, prepare_threshold=threshold, **given
        )
        connection.adapters.register_dumper(float, _NumericFloat)
        return connection

    def begin_reading(self, driver: Any, seconds: float | None) -> None:
        driver.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
            f"SET LOCAL statement_timeout = {round(1000 * (seconds or 0))}"
        )

    def end_reading(self, driver: Any) -> None:
        driver.execute("COMMIT")  # a ROLLBACK would make psycopg forget its prepared statements

    def sizes(self, driver: Any) -> tuple[int, None]:
        size = driver.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        return int(size), None

    def begin_writing(self, driver: Any, deadline: float) -> None:
        patience = max(1, round(1000 * (deadline - time.monotonic())))
        try:
            driver.execute(
                "BEGIN ISOLATION LEVEL READ COMMITTED; "
                f"SET LOCAL lock_timeout = {patience}; SET LOCAL statement_timeout = 0; "
                f"SELECT pg_advisory_xact_lock({WRITERS})"
            )
        except psycopg.Error as error:
            raise DatabaseError(None, None, error, hide_parameters=True) from None

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        deadline = time.monotonic() + self.busy_timeout
        with (
            self.engine.connect().execution_options(write_before=deadline) as connection,
            connection.begin(),
        ):
            yield connection

    def insert_rows(self, driver: Any, table: str, columns: Sequence[str], rows: Rows) -> None:
        names = ", ".join(columns)
        if len(rows) == 1:
            places = ", ".join(["%s"] * len(columns))
            driver.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", rows[0])
            return
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def reserve_ids(self, driver: Any, table: str, count: int) -> int:
        if count == 0:
            return 0
        found = driver.execute(
            "SELECT setval(name, nextval(name) + %s - 1) "
            "FROM pg_get_serial_sequence(%s, 'id') AS name",
            (count, table),
        )
        last: int = found.fetchone()[0]
        return last - count + 1

    def classify_error(self, error: Any) -> Cause | None:
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate
        if state is None:  # the connection is lost, or could not be made
            is_lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            return "unreachable" if is_lost else None
        if state == SLOW_STATE:
            return "slow"
        if state in BUSY_STATES:
            return "busy"
        is_unavailable = state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE_STATES
        return "unreachable" if is_unavailable else None

    def connection_hint(self, error: Any) -> str:
        message = " ".join(str(error).split())
        hint = next(
            (hint for words, hint in HINTS if words in message.lower()),
            "check CONTACTS_DATABASE_URL and that the server runs",
        )
        return f"The database {self.name} cannot be used ({message}); {hint}."
