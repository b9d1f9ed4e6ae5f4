"""The index that finds people by any part of what is known of them; on SQLite filled for all."""

import sqlalchemy as sa
from alembic import op

from contacts_service.db.session import UnitOfWork
from contacts_service.search.index import index_everybody

revision = "0002"
down_revision = "0001"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

# Tokens are made in Python and come with spaces between them: everything else belongs to a token.
ASCII_PUNCTUATION = "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum())


def upgrade() -> None:
    if not is_postgresql():
        op.drop_table("contact_search")
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    references = [
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_documents_contact_id")
        )
    ]
    if is_postgresql():  # it would keep everybody from the contacts when the index is rebuilt
        references = []
    op.create_table(
        "contact_documents",
        sa.Column("id", big, autoincrement=False, nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        *references,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_documents")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_contact_documents_contact_id")),
    )
    if is_postgresql():
        return  # 0006 makes the index there
    connection = op.get_bind()
    create_full_text_index(connection)
    with UnitOfWork(connection) as session:
        for _ in index_everybody(session):
            pass


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def create_full_text_index(connection: sa.Connection) -> None:
    punctuation = ASCII_PUNCTUATION.replace("'", "''").replace('"', '""')
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE contact_search USING fts5(tokens, content = '', columnsize = 0, "
        f"""detail = none, tokenize = "ascii tokenchars '{punctuation}'")"""
    )


def downgrade() -> None:
    op.drop_table("contact_documents")
    if not is_postgresql():
        op.drop_table("contact_search")
        op.execute("CREATE VIRTUAL TABLE contact_search USING fts5(words, tokenize = 'unicode61')")
