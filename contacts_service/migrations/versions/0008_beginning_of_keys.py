"""The first characters of API keys, by which an operator tells them apart."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("beginning", TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("api_keys", "beginning")
