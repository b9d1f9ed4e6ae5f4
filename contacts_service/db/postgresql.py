"""What PostgreSQL needs: how connections are made and watched, how transactions begin.

Writers of all instances queue at one lock, as they do for SQLite's file. So numbers of the search
index grow in the order of commits, nothing that a writer has read changes before it commits, and no
two writers can wait for each other.
"""

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.types.numeric import FloatDumper, Int8Dumper
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DatabaseError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from contacts_service.db.backend import Backend, BackendError, Cause, Reading, Rows
from contacts_service.db.postgresql_statements import OUTDATED_STATES, Statements, without_details
from contacts_service.search.postgresql_index import PostgreSQLSearch

DRIVER = "postgresql+psycopg"
WRITERS = 0x636F6E7461637473  # "contacts": the advisory lock of whoever writes

BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
END_READING = b"COMMIT AND CHAIN"  # begins the next of the same kind
# Committed, so that no later failure takes it back.
LIMIT_TIME = f"SET statement_timeout = {{milliseconds}}; {END_READING.decode()}"

# Classes of SQLSTATEs that speak of the database's surroundings: connection, resources, an
# operator's doing, the system, damage; and a standby, which nobody can write to.
UNAVAILABLE_CLASSES = {"08", "53", "55", "57", "58", "XX"}
# Then: rights that are missing, tables or columns that are not ours, or that have just changed.
UNAVAILABLE_STATES = {"25006", "42501", "42P01", "42703", *OUTDATED_STATES}
BUSY_STATES = {"40001", "40P01", "55P03"}
SLOW_STATE = "57014"

# A machine or network that is gone without a word is noticed after half a minute.
NOTICING = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

PROMPT_SECONDS = 1  # in which a server that is there refuses a connection, or ends a reading

# What a server or its absence says, and what to do.
ADVICE = (
    ("password authentication", "check the role and the password in CONTACTS_DATABASE_URL"),
    ("no password supplied", "put the role's password in CONTACTS_DATABASE_URL"),
    ("no pg_hba.conf entry", "let this machine and role in by the server's pg_hba.conf"),
    ("denied for table", "use the role that owns the tables"),
    ("permission denied", "grant it: GRANT CREATE, USAGE ON SCHEMA public TO the role"),
    ("database", "make it with createdb, or correct CONTACTS_DATABASE_URL"),
    ("role", "make it with createuser, or correct CONTACTS_DATABASE_URL"),
    ("read-only", "CONTACTS_DATABASE_URL must name the primary server"),
)


class _Float(FloatDumper):
    """Every digit of a number, which PostgreSQL's own conversion would round."""

    oid = psycopg.adapters.types["numeric"].oid


class ServerReading(Reading):
    """What is asked by a connection, and how long each query may take.

    0 is without a limit, None what the server allows before the first one.
    """

    __slots__ = ("milliseconds", "server")

    def __init__(self, server: psycopg.Connection[Any]) -> None:
        super().__init__(Statements(server))
        self.server = server
        self.milliseconds: int | None = None


class _Connection(psycopg.Connection[Any]):
    """Keeps what rows hold out of errors, which are logged: their details name values."""

    def wait(self, *words: Any, **options: Any) -> Any:
        try:
            return super().wait(*words, **options)
        except psycopg.Error as error:
            without_details(error)
            raise


class PostgreSQLServer(Backend):
    """A database of a server."""

    placeholder = "%s"

    def __init__(self, url: URL, _folder: Path, busy_timeout: int) -> None:
        self.url = url.set(drivername=DRIVER)
        shown = self.url.difference_update_query(["password", "sslpassword"])
        self.name = shown.render_as_string(hide_password=True)
        self.busy_timeout = busy_timeout
        self._idle: list[ServerReading] = []  # readers, last used last
        self.search = PostgreSQLSearch()
        self.engine_options = {
            "paramstyle": "format",
            "use_native_hstore": False,
            "creator": lambda: self._connect_in_place_of(self._close_readers),
        }

    def is_there(self) -> bool:
        return True  # what is not there is told by the attempt

    def create(self) -> None:
        """The database is made by whoever administers the server."""

    def check(self, connection: Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise BackendError(
                f"The database {self.name} is in {encoding}; "
                "make one with createdb -E UTF8 -T template0."
            )

    def prepare(self, engine: Engine) -> None:
        self.dialect = engine.dialect
        self._engine = engine
        event.listen(engine, "checkout", _on_checkout)
        event.listen(engine, "begin", self._on_begin)

    def _on_begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        driver: Any = connection.connection.dbapi_connection
        if "write_before" in options:
            self.begin_writing(driver, options["write_before"])
        elif not options.get("is_begun"):
            driver.execute(BEGIN_READING)

    def connect(self) -> Any:
        """A connection whose transactions begin explicitly. Raises psycopg's errors.

        What the URL says after its question mark comes first; `prepare_threshold=0` there is for
        poolers that know no prepared statements.
        """
        words, options = self.dialect.create_connect_args(self.url)
        given: dict[str, Any] = {
            "connect_timeout": max(2, self.busy_timeout),
            "application_name": "contacts",
            **NOTICING,
            **options,
            "client_encoding": "UTF8",  # whatever the database or the environment says
        }
        threshold = int(given.pop("prepare_threshold", 5)) or None
        connection = _Connection.connect(
            *words, autocommit=True, prepare_threshold=threshold, **given
        )
        # Of one type whatever their size, so that a statement is prepared once.
        connection.adapters.register_dumper(int, Int8Dumper)
        connection.adapters.register_dumper(float, _Float)
        return connection

    def _connect_in_place_of(self, close_some: Callable[[], bool]) -> Any:
        """As `connect`; where the server has no room, connections at rest are given up for it."""
        end = time.monotonic() + PROMPT_SECONDS
        try:
            return self.connect()
        except psycopg.OperationalError:
            if time.monotonic() > end or not close_some():
                raise
        while True:
            try:
                return self.connect()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.02)  # in which the server ends those

    def _close_readers(self) -> bool:
        """Whether there were any at rest."""
        were_some = bool(self._idle)
        with suppress(IndexError):  # another thread was faster
            while self._idle:
                self._idle.pop().server.close()
        return were_some

    def _close_all(self) -> bool:
        were_some = self._engine.pool.checkedin() > 0  # type: ignore[attr-defined]
        self._engine.dispose()
        return self._close_readers() or were_some

    def begin_reading(self, seconds: float | None) -> Reading:
        milliseconds = round(1000 * (seconds or 0))
        reading = self._take_idle() or ServerReading(self._connect_in_place_of(self._close_all))
        try:
            if reading.milliseconds is None:
                reading.server.execute(BEGIN_READING)
            if reading.milliseconds != milliseconds:
                reading.server.execute(LIMIT_TIME.format(milliseconds=milliseconds))
                reading.milliseconds = milliseconds
        except psycopg.Error:
            reading.server.close()
            raise
        return reading

    def _take_idle(self) -> ServerReading | None:
        end = time.monotonic() + PROMPT_SECONDS
        while self._idle:
            with suppress(IndexError):  # another thread was faster
                reading = self._idle.pop()
                if _is_ready(reading.server, end):
                    return reading
                reading.server.close()
        return None

    def end_reading(self, reading: Any) -> None:
        """End the transaction and begin the next, which sees nothing before it is first used.

        Nobody waits for the answer, which `begin_reading` takes in.
        """
        try:
            reading.server.pgconn.send_query(END_READING)
            reading.server.pgconn.flush()
        except psycopg.Error:
            reading.server.close()
        else:
            self._idle.append(reading)

    def close_idle(self) -> None:
        self._close_readers()

    def writer(self, deadline: float) -> AbstractContextManager[None]:
        return nullcontext()

    def begin_writing(self, driver: Any, deadline: float) -> None:
        patience = max(1, round(1000 * (deadline - time.monotonic())))
        try:
            # In one message, as each takes its time there and back.
            driver.execute(
                "BEGIN ISOLATION LEVEL READ COMMITTED; "
                f"SET LOCAL lock_timeout = {patience}; SET LOCAL statement_timeout = 0; "
                f"SELECT pg_advisory_xact_lock({WRITERS})"
            )
        except psycopg.Error as error:
            raise DatabaseError(None, None, error, hide_parameters=True) from None

    @contextmanager
    def migrating(self, engine: Engine) -> Iterator[Connection]:
        deadline = time.monotonic() + self.busy_timeout
        with (
            engine.connect().execution_options(write_before=deadline) as connection,
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

    def take_ids(self, driver: Any, table: str, count: int) -> int:
        if count == 0:
            return 0
        found = driver.execute(
            "SELECT setval(name, nextval(name) + %s - 1) "
            "FROM pg_get_serial_sequence(%s, 'id') AS name",
            (count, table),
        )
        last: int = found.fetchone()[0]
        return last - count + 1

    def why_unavailable(self, error: Any) -> Cause | None:
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate
        if state is None:  # the connection is gone, or was never there
            is_gone = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            return "unreachable" if is_gone else None
        if state == SLOW_STATE:
            return "slow"
        if state in BUSY_STATES:
            return "busy"
        is_outside = state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE_STATES
        return "unreachable" if is_outside else None

    def advice(self, error: Any) -> str:
        told = " ".join(str(error).split())
        todo = next(
            (todo for words, todo in ADVICE if words in told.lower()),
            "check CONTACTS_DATABASE_URL and that the server runs",
        )
        return f"The database {self.name} cannot be used ({told}); {todo}."


def _is_ready(connection: Any, end: float) -> bool:
    """Take in the answers to END_READING until `end`; whether the connection can be used."""
    server = connection.pgconn
    is_ended = False
    try:
        while True:
            while server.is_busy():  # libpq would wait with all threads of Python stopped
                if not _has_something(connection, max(0, end - time.monotonic())):
                    return False
                server.consume_input()
            result = server.get_result()
            if result is None:
                return is_ended and not _has_ended(connection)
            is_ended = result.status == ExecStatus.COMMAND_OK
    except psycopg.OperationalError:
        return False


def _on_checkout(connection: Any, _record: ConnectionPoolEntry, _proxy: object) -> None:
    if _has_ended(connection):
        raise DisconnectionError


def _has_ended(connection: Any) -> bool:
    """Whether a connection at rest is of no use: a server says nothing to it, but that it ends."""
    return connection.closed or _has_something(connection, 0)


def _has_something(connection: Any, seconds: float) -> bool:
    """Whether there is something to read, or comes in so many seconds."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(1000 * seconds))
