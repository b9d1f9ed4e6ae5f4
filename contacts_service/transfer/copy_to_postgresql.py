"""Copies everything from a SQLite file into an empty PostgreSQL database.

It is one transaction: a copy that fails leaves nothing behind.
"""

from collections.abc import Iterator

from flask import Flask, current_app
from sqlalchemy import Connection, Table, func, select, text

from contacts_service.config import load_settings
from contacts_service.db.migrate import init_migration
from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import Base, UnitOfWork, init_database, unit_of_work
from contacts_service.errors import OperatorError
from contacts_service.search.index import index_documents

TABLES = Base.metadata.sorted_tables

_DOCUMENTS = CompiledStatement(select(ContactDocument.id, ContactDocument.document))
_LAST_IDS = CompiledStatement(text("SELECT name, seq FROM sqlite_sequence"))


class CopyError(OperatorError):
    """The copy cannot be made, or differs from its source."""


def open_target(url: str) -> Flask:
    """An application without routes over another database. Raises SettingsError."""
    app = Flask(__name__, instance_path=current_app.instance_path)
    busy_timeout = str(current_app.config["CONTACTS_BUSY_TIMEOUT"])
    settings = {"CONTACTS_DATABASE_URL": url, "CONTACTS_BUSY_TIMEOUT": busy_timeout}
    app.config.update(load_settings(settings))
    init_database(app)
    init_migration(app)
    return app


def copy_all(source: ReadConnection) -> Iterator[int]:
    """Copy what `source` reads into the database of the current application.

    First yields how many rows and entries of the search index there are, then how many were copied
    since the last time. Raises CopyError.
    """
    counts = {
        table.name: source.value(CompiledStatement(select(func.count()).select_from(table)))
        for table in TABLES
    }
    counts["contact_search"] = counts[ContactDocument.__tablename__]
    yield sum(counts.values())
    with unit_of_work() as session:
        target = session.connection()
        # The role's or database's limit is meant for requests.
        target.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        _require_empty(target)
        for table in TABLES:
            yield from _copy_table(source, session, table)
        yield from _build_search_index(source, session)
        _continue_ids(source, target)
        _compare_counts(target, counts)


def _count(connection: Connection, table: str) -> int:
    count: int = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    return count


def _require_empty(target: Connection) -> None:
    held = [table.name for table in TABLES if _count(target, table.name)]
    if held:
        raise CopyError(f"The target holds rows already, in {', '.join(held)}; name an empty one.")


def _copy_table(source: ReadConnection, session: UnitOfWork, table: Table) -> Iterator[int]:
    columns = ", ".join(column.name for column in table.columns)
    statement = f"COPY {table.name} ({columns}) FROM STDIN"
    with session.driver.cursor() as cursor, cursor.copy(statement) as copy:
        for rows in source.batches(CompiledStatement(select(table))):
            for row in rows:
                copy.write_row(row)
            yield len(rows)


def _build_search_index(source: ReadConnection, session: UnitOfWork) -> Iterator[int]:
    """Fill the search index from the documents.

    Its indexes are dropped and created again afterwards: that takes 4 seconds instead of 50 for
    82,171 contacts (`python -m bench.postgresql`).
    """
    target = session.connection()
    indexes = target.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
        "AND tablename = 'contact_search' AND strpos(indexdef, 'USING gin') > 0"
    ).all()
    for name, _ in indexes:
        target.exec_driver_sql(f"DROP INDEX {name}")
    for documents in source.batches(_DOCUMENTS):
        index_documents(session, documents)
        yield len(documents)
    for _, definition in indexes:
        target.exec_driver_sql(definition)


def _continue_ids(source: ReadConnection, target: Connection) -> None:
    """Let no id be given again, not even that of a row that was deleted."""
    for name, last in source.rows(_LAST_IDS):
        if last and name in Base.metadata.tables:
            target.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), last)))


def _compare_counts(target: Connection, wanted: dict[str, int]) -> None:
    for table, count in wanted.items():
        if _count(target, table) != count:
            raise CopyError(f"Not all of {table} has arrived; nothing was kept.")
    counted = target.exec_driver_sql("SELECT total FROM contact_count").scalar_one()
    if counted != wanted[Contact.__tablename__]:
        raise CopyError("The number of contacts has not arrived; nothing was kept.")
