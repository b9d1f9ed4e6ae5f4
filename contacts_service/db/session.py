"""The database of the application: `reader()` for what reads, `unit_of_work()` for what writes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, has_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, PoolProxiedConnection, Table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, registry

from contacts_service.db.backend import Backend, Cause, Reading
from contacts_service.db.postgresql import PostgreSQLServer
from contacts_service.db.queries import Reader, driver_errors
from contacts_service.db.sql import Text
from contacts_service.db.sqlite import POLLING_SECONDS, SQLiteFile

BACKENDS: dict[str, type[SQLiteFile] | type[PostgreSQLServer]] = {
    "sqlite": SQLiteFile,
    "postgresql": PostgreSQLServer,
}

DRIVER = "driver"  # in a session's info while it is at work
READING = "database_reading"  # in an application context that has read
UNIT = "unit_of_work"  # in one that writes

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
    made = kind(url, Path(app.instance_path), app.config["CONTACTS_BUSY_TIMEOUT"])
    app.config["SQLALCHEMY_DATABASE_URI"] = made.url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **made.engine_options,
        "hide_parameters": True,  # people's data stays out of logs
        "pool_size": app.config["CONTACTS_THREADS"],
        "pool_use_lifo": True,  # the connection used last has its pages at hand
        "pool_timeout": app.config["CONTACTS_BUSY_TIMEOUT"],
    }
    app.extensions["database"] = made
    db.init_app(app)
    app.teardown_appcontext(_end_reading)
    with app.app_context():
        made.prepare(db.engine)


def backend() -> Backend:
    """What the current application's database is."""
    found: Backend = current_app.extensions["database"]
    return found


def reader() -> Reader:
    """What this application context reads by: one state of the database until a unit of work.

    Raises SQLAlchemyError where the database cannot be reached. A request has only so much time.
    """
    here = g._get_current_object()
    reading: tuple[Reading, Reader] | None = here.get(READING)
    if reading is None:
        reading = _begin_reading()
        setattr(here, READING, reading)
    return reading[1]


def _begin_reading() -> tuple[Reading, Reader]:
    # Not by SQLAlchemy's pool, which takes several times as long as what is read.
    database = backend()
    seconds = current_app.config["CONTACTS_QUERY_TIMEOUT"] if has_request_context() else None
    with driver_errors:
        reading = database.begin_reading(seconds)
    return reading, Reader(reading.executor, database.dialect)


def _end_reading(_error: BaseException | None = None) -> None:
    reading: tuple[Reading, Reader] | None = g.pop(READING, None)
    if reading is not None:
        backend().end_reading(reading[0])


def close_connections() -> None:
    """Close all connections of this process, for which nothing is at work."""
    _end_reading()
    db.session.remove()
    db.engine.dispose()
    backend().close_idle()


@contextmanager
def unit_of_work(*, is_patient: bool = True) -> Iterator[Session]:
    """A writing transaction: committed at the end, rolled back whole by any exception.

    One that is not patient fails at once where another writer is at work. Inside of another it is
    a part of that, rolled back alone.
    """
    outer: Session | None = g.get(UNIT)
    if outer is not None:
        with outer.begin_nested():
            outer.connection()  # only now is the savepoint made
            yield outer
        return
    _end_reading()
    database = backend()
    deadline = time.monotonic() + database.busy_timeout if is_patient else 0
    with (
        database.writer(deadline),
        closing(_checkout()) as connection,
        _Unit(db.engine, connection) as session,
    ):
        database.begin_writing(connection.dbapi_connection, deadline)
        setattr(g, UNIT, session)
        try:
            with driver_errors:
                yield session
                session.flush()
                connection.commit()
                database.after_commit(connection.dbapi_connection)
        finally:
            g.pop(UNIT)


def _checkout() -> PoolProxiedConnection:
    """A connection of the pool; when it is closed, what it has not committed is rolled back."""
    with driver_errors:
        return db.engine.raw_connection()


class _Unit(Session):
    """The session of a unit of work, in whose transaction it takes part once it is used.

    To begin and to end one by itself takes it as long as adding a contact.
    """

    def __init__(self, engine: Engine, connection: PoolProxiedConnection) -> None:
        super().__init__(info={DRIVER: connection.dbapi_connection})
        self._parts = engine, connection
        self._bound: Connection | None = None

    def get_bind(self, *_args: Any, **_kwargs: Any) -> Connection:
        if self._bound is None:
            engine, connection = self._parts
            self._bound = Connection(engine, connection=connection)
            self._bound.execution_options(is_begun=True)
        return self._bound


def reader_of(session: Session) -> Reader:
    """What a unit of work reads by: it sees what was written so far."""
    session.flush()
    return Reader(driver(session), db.engine.dialect)


def driver(session: Session) -> Any:
    """The driver's own connection, for the few statements of a unit of work that add contacts.

    SQLAlchemy takes longer about them than the database. `unit_of_work` answers for the errors.
    """
    return session.info.get(DRIVER) or session.connection().connection.dbapi_connection


def give_way() -> None:
    """Between the steps of long work, let those write who wait: they look once a millisecond."""
    time.sleep(5 * POLLING_SECONDS)


def insert_rows(
    session: Session, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows within a unit of work."""
    if rows:
        backend().insert_rows(driver(session), table.name, columns, rows)


def take_ids(session: Session, table: Table, count: int) -> int:
    """The first of so many ids that were never given; nobody else takes them.

    Asking for the ids of many rows back would insert them one by one.
    """
    return backend().take_ids(driver(session), table.name, count)


def why_unavailable(error: Exception) -> Cause | None:
    """Why the database could not do its work for now; None where that is not why it failed."""
    if isinstance(error, PoolTimeoutError):
        return "busy"
    return backend().why_unavailable(error.orig) if isinstance(error, DBAPIError) else None


def busy_sentence() -> str:
    """What whoever runs a command is told of a database that others keep for too long."""
    return (
        f"The database {backend().name} is kept by others for too long, who write to it "
        "or migrate it; try again once they are done."
    )
