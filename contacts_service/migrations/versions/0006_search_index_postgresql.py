"""PostgreSQL's search index in two columns, as `search_postgresql` fills it.

Who changes the columns moves the filling into the migration that does.
"""

from alembic import op

from contacts_service.db.session import UnitOfWork
from contacts_service.search.index import index_everybody

revision = "0006"
down_revision = "0005"

COLUMNS = ("words", "inner_parts")


def upgrade() -> None:
    if not is_postgresql():
        return
    op.execute("DROP TABLE IF EXISTS contact_search")  # an earlier 0002 made one of one column
    op.execute("TRUNCATE contact_documents")
    op.execute(
        "CREATE TABLE contact_search (number bigint CONSTRAINT pk_contact_search PRIMARY KEY, "
        "words integer[] NOT NULL, inner_parts integer[] NOT NULL)"
    )
    for column in COLUMNS:
        # How often each token comes would fill the statistics, and mislead: any scan but that of
        # the index is too slow.
        op.execute(f"ALTER TABLE contact_search ALTER {column} SET STATISTICS 0")
    with UnitOfWork(op.get_bind()) as session:
        for _ in index_everybody(session):
            pass
    for column in COLUMNS:
        # Without a list of what is still to be indexed, which every search would go through.
        op.execute(
            f"CREATE INDEX ix_contact_search_{column} ON contact_search USING gin ({column}) "
            "WITH (fastupdate = off)"
        )


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    if is_postgresql():
        op.drop_table("contact_search")
