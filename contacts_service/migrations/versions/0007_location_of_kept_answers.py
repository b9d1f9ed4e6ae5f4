"""The Location of an answer that is kept for its Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("kept_answers", sa.Column("location", TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("kept_answers", "location")
