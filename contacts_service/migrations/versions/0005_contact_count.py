"""How many contacts there are, kept by triggers: counting a million takes longer than a page.

The number is one of SQLite's sequences because their page is written with every contact anyway; a
page of its own would make each commit larger.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

# In PostgreSQL each statement counts once: every change of a row leaves an old version behind.
STATEMENT_COUNTS = """
CREATE FUNCTION count_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE contact_count SET total = total + (SELECT count(*) FROM changed);
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE contact_count SET total = total - (SELECT count(*) FROM changed);
    ELSE
        UPDATE contact_count SET total = 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TABLE contact_count (total bigint NOT NULL);
INSERT INTO contact_count SELECT count(*) FROM contacts;
CREATE TRIGGER count_new_contacts AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();
CREATE TRIGGER count_deleted_contacts AFTER DELETE ON contacts
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();
CREATE TRIGGER count_no_contacts AFTER TRUNCATE ON contacts
    FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();
"""

COUNT = "UPDATE sqlite_sequence SET seq = seq {} 1 WHERE name = 'contact_count'"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(STATEMENT_COUNTS)
        return
    op.execute("INSERT INTO sqlite_sequence SELECT 'contact_count', count(*) FROM contacts")
    op.execute(
        f"CREATE TRIGGER count_new_contact AFTER INSERT ON contacts BEGIN {COUNT.format('+')}; END"
    )
    op.execute(
        "CREATE TRIGGER count_deleted_contact AFTER DELETE ON contacts "
        f"BEGIN {COUNT.format('-')}; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(
            "DROP FUNCTION count_contacts CASCADE; DROP TABLE contact_count"
        )
        return
    op.execute("DROP TRIGGER count_deleted_contact")
    op.execute("DROP TRIGGER count_new_contact")
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'contact_count'")
