"""How many contacts there are, kept by triggers: counting a million takes longer than a page.

The number is one of SQLite's sequences because their page is written with every contact anyway; a
page of its own would make each commit larger.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

COUNT = "UPDATE sqlite_sequence SET seq = seq {} 1 WHERE name = 'contact_count'"


def upgrade() -> None:
    op.execute("INSERT INTO sqlite_sequence SELECT 'contact_count', count(*) FROM contacts")
    op.execute(
        f"CREATE TRIGGER count_new_contact AFTER INSERT ON contacts BEGIN {COUNT.format('+')}; END"
    )
    op.execute(
        "CREATE TRIGGER count_deleted_contact AFTER DELETE ON contacts "
        f"BEGIN {COUNT.format('-')}; END"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER count_deleted_contact")
    op.execute("DROP TRIGGER count_new_contact")
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'contact_count'")
