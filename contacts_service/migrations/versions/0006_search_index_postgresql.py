"""Lays PostgreSQL's search index out in two columns."""

from alembic import op

from contacts_service.migrations.frozen_search_index import fill_search_index

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
        # Statistics of the tokens would be large and would lead to plans without the index.
        op.execute(f"ALTER TABLE contact_search ALTER {column} SET STATISTICS 0")
    fill_search_index(op.get_bind())
    for column in COLUMNS:
        # Without fastupdate's list of pending entries, which every search would have to read.
        op.execute(
            f"CREATE INDEX ix_contact_search_{column} ON contact_search USING gin ({column}) "
            "WITH (fastupdate = off)"
        )


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    if is_postgresql():
        op.drop_table("contact_search")
