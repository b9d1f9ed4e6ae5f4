"""The engine, what SQLite needs on every connection, and the unit of work.

Reads begin a plain transaction by themselves; whoever writes does so inside `unit_of_work()`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Primary result codes that speak of the database's surroundings, not of a statement of ours:
# BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
UNAVAILABLE_CODES = {5, 6, 8, 10, 11, 13, 14, 15, 26}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base)


def init_database(app: Flask) -> None:
    """Bind the application to the database of its settings. Opens no connection."""
    app.config["SQLALCHEMY_DATABASE_URI"] = app.config["CONTACTS_DATABASE_URL"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "connect_args": {"timeout": app.config["CONTACTS_BUSY_TIMEOUT"], "isolation_level": None},
        "hide_parameters": True,  # people's data stays out of logs
        "pool_size": app.config["CONTACTS_THREADS"],
        "pool_timeout": app.config["CONTACTS_BUSY_TIMEOUT"],
    }
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)


def prepare_engine(engine: Engine) -> None:
    """Make every connection of `engine` durable, checked and explicit about its transactions."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("casefold", 1, _casefold, deterministic=True)


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _on_begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another has written
    # meanwhile, whatever the busy time-out: writers take the lock at the start.
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """A writing transaction: committed at the end, rolled back whole by any exception."""
    session = db.session()
    session.rollback()  # ends the reading transaction that the permission check began
    session.connection(execution_options={"is_writing": True})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def is_unavailable(error: Exception) -> bool:
    """Whether the database could not do its work for now: busy, full, unreadable, gone."""
    if isinstance(error, PoolTimeoutError):
        return True
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return isinstance(error, DBAPIError) and code is not None and code & 0xFF in UNAVAILABLE_CODES
