"""The addresses that messages came from, and an index for the list of all conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("messages", sa.Column("from_channel", TEXT, nullable=True))
    op.add_column("messages", sa.Column("from_identifier", TEXT, nullable=True))
    op.create_index(
        op.f("ix_conversations_last_message_at_id"), "conversations", ["last_message_at", "id"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_last_message_at_id"), "conversations")
    op.drop_column("messages", "from_identifier")
    op.drop_column("messages", "from_channel")
