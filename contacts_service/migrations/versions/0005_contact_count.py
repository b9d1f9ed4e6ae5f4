"""How many contacts there are, kept by triggers: counting a million takes longer than a page."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "contact_count",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contacts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_count")),
    )
    op.execute("INSERT INTO contact_count (contacts) SELECT count(*) FROM contacts")
    op.execute(
        "CREATE TRIGGER count_new_contact AFTER INSERT ON contacts BEGIN "
        "UPDATE contact_count SET contacts = contacts + 1; END"
    )
    op.execute(
        "CREATE TRIGGER count_deleted_contact AFTER DELETE ON contacts BEGIN "
        "UPDATE contact_count SET contacts = contacts - 1; END"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER count_deleted_contact")
    op.execute("DROP TRIGGER count_new_contact")
    op.drop_table("contact_count")
