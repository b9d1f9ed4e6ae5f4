"""What incoming messages leave behind: guessed names, and what each delivery was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

GUESSED = ("is_first_name_guessed", "is_last_name_guessed")


def upgrade() -> None:
    for name in GUESSED:
        op.add_column(
            "contacts", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    op.add_column("messages", sa.Column("first_answer", TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "first_answer")
    for name in GUESSED:
        op.drop_column("contacts", name)
