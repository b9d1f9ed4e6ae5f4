"""The application's database: `read_connection()` to read, `unit_of_work()` to write."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from flask import Flask, current_app, g, has_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, MetaData, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, registry

from contacts_service.db.backend import Backend, Cause
from contacts_service.db.postgresql import PostgreSQLServer
from contacts_service.db.queries import ReadConnection, driver_errors
from contacts_service.db.sql import Text
from contacts_service.db.sqlite import SQLiteFile

BACKENDS: dict[str, type[SQLiteFile] | type[PostgreSQLServer]] = {
    "sqlite": SQLiteFile,
    "postgresql": PostgreSQLServer,
}
WRITE_CONNECTIONS = 2  # of which a unit of work takes one at a time
READ_POOL = "contacts_read_pool"  # in the application's extensions
PAUSE_SECONDS = 0.005  # between the steps of long work; waiting writers try every millisecond

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    registry = registry(metadata=MetaData(naming_convention=NAMES), type_annotation_map={str: Text})


db = SQLAlchemy(model_class=Base)


def init_database(app: Flask) -> None:
    """Bind the application to the database of its settings. Opens no connection."""
    url = make_url(app.config["CONTACTS_DATABASE_URL"])
    kind = BACKENDS[url.get_backend_name()]
    database = kind(url, Path(app.instance_path), app.config["CONTACTS_BUSY_TIMEOUT"])
    app.config["SQLALCHEMY_DATABASE_URI"] = database.url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **database.engine_options,
        "hide_parameters": True,  # keeps personal data out of logs
        "pool_size": WRITE_CONNECTIONS,
        "max_overflow": 0,
        "pool_timeout": app.config["CONTACTS_BUSY_TIMEOUT"],
    }
    app.extensions["database"] = database
    app.extensions["write_lock"] = threading.Lock()
    app.extensions[READ_POOL] = ReadPool(database, app.config["CONTACTS_THREADS"])
    db.init_app(app)
    app.teardown_appcontext(close_read_connection)
    with app.app_context():
        database.engine = db.engine
    event.listen(database.engine, "begin", database.on_begin)
    event.listen(database.engine, "checkout", partial(_require_current, database))


def _require_current(database: Backend, driver: Any, *_: object) -> None:
    """Let SQLAlchemy's pool replace a connection that is of no more use."""
    if not database.is_current(driver):
        raise DisconnectionError


def backend() -> Backend:
    """The current application's database."""
    database: Backend = current_app.extensions["database"]
    return database


def read_connection() -> ReadConnection:
    """The read-only snapshot of this request. Raises SQLAlchemyError.

    Opened on first use, closed when a unit of work begins or the application context ends. In a
    request it reads for at most CONTACTS_QUERY_TIMEOUT. Inside a unit of work it reads in that.
    """
    snapshot: Snapshot | None = g.get("snapshot")
    if snapshot is not None:
        return snapshot
    session: UnitOfWork | None = g.get("unit_of_work")
    if session is not None:
        return session.reads
    snapshot = g.snapshot = Snapshot(current_app.extensions[READ_POOL])
    return snapshot


def close_read_connection(_error: BaseException | None = None) -> None:
    """End the request's snapshot, if there is one; the next reading makes another.

    For whoever is going to wait: a snapshot keeps a connection, and the log from being emptied.
    """
    snapshot: Snapshot | None = g.pop("snapshot", None)
    if snapshot is not None:
        snapshot.close()


class ReadPool:
    """The connections that requests read by, at most `size` of them at a time.

    SQLAlchemy's pool takes four times as long for each request (`python -m bench.request`).
    The permits are a queue, since a semaphore of `threading` is several times as slow.
    """

    def __init__(self, database: Backend, size: int) -> None:
        self.database = database
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._permits.put(None)
        self._idle: list[Any] = []  # the one used last is taken first: its pages are cached

    def take(self) -> Any:
        """A connection of the driver. Raises its errors, and TimeoutError of SQLAlchemy."""
        try:
            self._permits.get(timeout=self.database.busy_timeout)
        except Empty:
            raise PoolTimeoutError("Other requests read all the time.") from None
        try:
            while True:
                try:
                    driver = self._idle.pop()
                except IndexError:
                    return self.database.connect()
                if self.database.is_current(driver):
                    return driver
                driver.close()
        except BaseException:
            self._permits.put(None)
            raise

    def give_back(self, driver: Any) -> None:
        self._idle.append(driver)
        self._permits.put(None)

    def discard(self, driver: Any) -> None:
        """Give a connection back that is of no more use."""
        try:
            driver.close()
        finally:
            self._permits.put(None)

    def close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


class Snapshot(ReadConnection):
    """A connection in a read-only transaction. Raises SQLAlchemyError."""

    def __init__(self, pool: ReadPool) -> None:
        seconds = current_app.config["CONTACTS_QUERY_TIMEOUT"] if has_request_context() else None
        self._pool = pool
        with driver_errors:
            super().__init__(pool.take(), pool.database.engine.dialect)
            try:
                pool.database.begin_reading(self.driver, seconds)
            except BaseException:
                pool.discard(self.driver)
                raise

    def close(self) -> None:
        """Give the connection back."""
        try:
            self._pool.database.end_reading(self.driver)
        except Exception:  # the connection is broken, whatever the error
            self._pool.discard(self.driver)
        else:
            self._pool.give_back(self.driver)


class UnitOfWork(Session):
    """A writing transaction. `reads` runs compiled statements in it; `driver` is its connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(bind=connection)
        self.driver: Any = connection.connection.dbapi_connection
        self.dialect = connection.dialect

    @property
    def reads(self) -> ReadConnection:
        """Sees what was written so far."""
        self.flush()
        return ReadConnection(self.driver, self.dialect)


@contextmanager
def unit_of_work(*, is_patient: bool = True) -> Iterator[UnitOfWork]:
    """A writing transaction: committed at the end, rolled back whole by any exception.

    Waits for other writers for CONTACTS_BUSY_TIMEOUT, or not at all if it is not patient; then
    raises SQLAlchemyError. Inside another unit of work it is a savepoint of that.
    """
    outer: UnitOfWork | None = g.get("unit_of_work")
    if outer is not None:
        with outer.begin_nested():
            outer.connection()  # makes the savepoint here and not at the first statement
            yield outer
        return
    close_read_connection()
    database = backend()
    deadline = time.monotonic() + (database.busy_timeout if is_patient else 0)
    with (
        driver_errors,
        _write_lock(deadline),
        database.engine.connect().execution_options(write_before=deadline) as connection,
    ):
        with connection.begin(), UnitOfWork(connection) as session:
            g.unit_of_work = session
            try:
                yield session
                session.flush()
            finally:
                g.pop("unit_of_work")
        database.after_commit(connection.connection.dbapi_connection)


@contextmanager
def _write_lock(deadline: float) -> Iterator[None]:
    """Holds this process's write lock. Raises TimeoutError after `deadline` (monotonic seconds).

    The threads of a process wait here, so that only one of them asks the database for its lock.
    """
    lock: threading.Lock = current_app.extensions["write_lock"]
    if not lock.acquire(timeout=max(0, deadline - time.monotonic())):
        raise PoolTimeoutError("Other threads wrote all the time.")
    try:
        yield
    finally:
        lock.release()


def insert_rows(
    session: UnitOfWork, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows through the driver, without what SQLAlchemy's ORM does for each."""
    if rows:
        backend().insert_rows(session.driver, table.name, columns, rows)


def reserve_ids(session: UnitOfWork, table: Table, count: int) -> int:
    """Reserve `count` consecutive ids that were never used; the first one."""
    return backend().reserve_ids(session.driver, table.name, count)


def yield_to_writers() -> None:
    """Pause between the steps of long work, so that waiting writers get the lock."""
    time.sleep(PAUSE_SECONDS)


def close_connections() -> None:
    """Close all connections of this process. None may be in use."""
    close_read_connection()
    db.session.remove()
    db.engine.dispose()
    current_app.extensions[READ_POOL].close_idle()


def classify_error(error: Exception) -> Cause | None:
    """Why the database was unavailable; None if it was not."""
    if isinstance(error, PoolTimeoutError):
        return "busy"
    return backend().classify_error(error.orig) if isinstance(error, DBAPIError) else None


def describe_error(error: SQLAlchemyError) -> str:
    """The driver's message on one line; libpq's may have several."""
    return " ".join(str(getattr(error, "orig", error)).split())


def busy_sentence() -> str:
    """What a command says when other writers keep the database for too long."""
    return (
        f"The database {backend().name} is kept by others for too long, who write to it "
        "or migrate it; try again once they are done."
    )
