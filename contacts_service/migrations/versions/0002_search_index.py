"""Adds the index that finds people by any part of what is known of them; fills it on SQLite."""

import sqlalchemy as sa
from alembic import op

from contacts_service.migrations.frozen_search_index import fill_search_index

revision = "0002"
down_revision = "0001"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

# Tokens come with spaces between them; every other character belongs to a token.
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
    if is_postgresql():  # putting a rebuilt index in place would lock the contacts
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
    fill_search_index(connection)


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
