"""Runs the migrations in one transaction, with the database to itself.

Foreign keys are not enforced meanwhile, because rebuilding a table would empty those that refer to
it; they are checked before the commit.
"""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from contacts_service import models  # noqa: F401 (fills the metadata)
from contacts_service.database import Base, db
from contacts_service.turns import arrival


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave the full-text index and its shadow tables alone."""
    return not (kind == "table" and name is not None and name.startswith("contact_search"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        render_as_batch=True,
        transactional_ddl=True,
    )
    context.run_migrations()
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"The migration would leave a row of {broken[0]} without its parent.")


file = current_app.extensions["database_file"]
deadline = arrival() + file.busy_timeout
with (
    file.writer(deadline),
    db.engine.connect().execution_options(write_before=deadline) as connection,
):
    driver = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            run(connection)
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
