"""Several messages may have one message_id; a mail's Date tells them apart."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


AS_BEFORE = {"sqlite_autoincrement": True}  # of a table that SQLite builds anew


def upgrade() -> None:
    with op.batch_alter_table("messages", table_kwargs=AS_BEFORE) as messages:
        messages.add_column(sa.Column("date", TEXT, nullable=True))
        messages.drop_constraint(op.f("uq_messages_message_id"), type_="unique")
        messages.create_index(op.f("ix_messages_message_id_id"), ["message_id", "id"])


def downgrade() -> None:
    with op.batch_alter_table("messages", table_kwargs=AS_BEFORE) as messages:
        messages.drop_index(op.f("ix_messages_message_id_id"))
        messages.drop_column("date")
        messages.create_unique_constraint(op.f("uq_messages_message_id"), ["message_id"])
