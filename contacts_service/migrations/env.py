"""Runs the migrations in one transaction, with the database to itself."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from contacts_service.db.migrate import is_compared
from contacts_service.db.session import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=is_compared,
        render_as_batch=True,
        transactional_ddl=True,
    )
    context.run_migrations()


database = current_app.extensions["database"]
database.create()  # `flask db upgrade` may be the first command of all
with database.migrating() as connection:
    run(connection)
