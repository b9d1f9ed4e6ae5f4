"""The index that finds people by any part of what is known of them, filled for those there are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from contacts_service.search_index import index_everybody

revision = "0002"
down_revision = "0001"

# Tokens are made in Python and come with spaces between them: everything else belongs to a token.
ASCII_PUNCTUATION = "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum())


def upgrade() -> None:
    op.drop_table("contact_search")
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "contact_documents",
        sa.Column("id", big, nullable=False),
        sa.Column("contact_id", big, nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_documents_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_documents")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_contact_documents_contact_id")),
    )
    punctuation = ASCII_PUNCTUATION.replace("'", "''").replace('"', '""')
    connection = op.get_bind()
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE contact_search USING fts5(tokens, content = '', columnsize = 0, "
        f"""detail = none, tokenize = "ascii tokenchars '{punctuation}'")"""
    )
    with Session(connection) as session:
        for _ in index_everybody(session):
            pass


def downgrade() -> None:
    op.drop_table("contact_search")
    op.drop_table("contact_documents")
    op.execute("CREATE VIRTUAL TABLE contact_search USING fts5(words, tokenize = 'unicode61')")
