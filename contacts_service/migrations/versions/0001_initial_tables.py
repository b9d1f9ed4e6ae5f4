"""The first tables, and the index that search answers from."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_hash", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("agent_name", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("expires_at", TEXT, nullable=True),
        sa.Column("revoked_at", TEXT, nullable=True),
        sa.Column("last_used_at", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_name", TEXT, nullable=False),
        sa.Column("last_name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("custom_attributes", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("first_name_folded", TEXT, nullable=False),
        sa.Column("last_name_folded", TEXT, nullable=False),
        sa.Column("email_folded", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contacts_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_contacts_email_folded_id"), ["email_folded", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_contacts_first_name_folded_id"),
            ["first_name_folded", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_contacts_last_name_folded_id"), ["last_name_folded", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_contacts_updated_at_id"), ["updated_at", "id"], unique=False
        )

    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("last_message", TEXT, nullable=True),
        sa.Column("last_message_at", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("uuid", name=op.f("uq_conversations_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conversations_status_last_message_at_id"),
            ["status", "last_message_at", "id"],
            unique=False,
        )

    op.create_table(
        "custom_attribute_definitions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("data_type", TEXT, nullable=False),
        sa.Column("values", TEXT, nullable=True),
        sa.Column("regex", TEXT, nullable=True),
        sa.Column("regex_hint", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_attribute_definitions")),
        sa.UniqueConstraint("key", name=op.f("uq_custom_attribute_definitions_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contact_channels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("identifier", TEXT, nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_channels_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_channels")),
        sa.UniqueConstraint(
            "channel", "identifier", name=op.f("uq_contact_channels_channel_identifier")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("contact_channels", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_channels_contact_id"), ["contact_id"], unique=False
        )

    op.create_table(
        "contact_notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("author_id", TEXT, nullable=False),
        sa.Column("author_name", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_notes_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_notes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("contact_notes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_notes_contact_id_created_at_id"),
            ["contact_id", "created_at", "id"],
            unique=False,
        )

    op.create_table(
        "conversation_participants",
        sa.Column(
            "conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("role", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_conversation_participants_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_participants_conversation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id", "contact_id", name=op.f("pk_conversation_participants")
        ),
    )
    with op.batch_alter_table("conversation_participants", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_conversation_participants_contact_id"), ["contact_id"], unique=False
        )

    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", TEXT, nullable=False),
        sa.Column(
            "conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("direction", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=True),
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("author_id", TEXT, nullable=True),
        sa.Column("author_name", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_messages_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("message_id", name=op.f("uq_messages_message_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_messages_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_messages_conversation_id_created_at_id"),
            ["conversation_id", "created_at", "id"],
            unique=False,
        )

    if is_postgresql():
        op.execute(
            "CREATE INDEX ix_contacts_email_folded_id_descending "
            "ON contacts (email_folded DESC NULLS LAST, id DESC)"
        )
        op.get_bind().exec_driver_sql(casefold_function())
    else:
        op.execute("CREATE VIRTUAL TABLE contact_search USING fts5(words, tokenize = 'unicode61')")


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def casefold_function() -> str:
    """What Python's `str.casefold` does, as SQLite's connections have it from Python itself."""
    characters = map(chr, range(128, 0x20000))  # none beyond has cases
    folded = {c: c.casefold() for c in characters if c != c.casefold()}
    value = "value"
    for character, several in folded.items():
        if len(several) > 1:
            value = f"replace({value}, '{character}', '{several}')"
    single = {c: one for c, one in folded.items() if len(one) == 1}
    value = f"translate({value}, '{''.join(single)}', '{''.join(single.values())}')"
    return (
        "CREATE FUNCTION contacts_casefold(value text) RETURNS text "
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT "
        'CASE WHEN octet_length(value) = char_length(value) THEN lower(value COLLATE "C") '
        f'ELSE lower({value} COLLATE "C") END $$'
    )


def downgrade() -> None:
    if is_postgresql():
        op.execute("DROP FUNCTION contacts_casefold(text)")
    else:
        op.drop_table("contact_search")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_messages_conversation_id_created_at_id"))

    op.drop_table("messages")
    with op.batch_alter_table("conversation_participants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversation_participants_contact_id"))

    op.drop_table("conversation_participants")
    with op.batch_alter_table("contact_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_notes_contact_id_created_at_id"))

    op.drop_table("contact_notes")
    with op.batch_alter_table("contact_channels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_channels_contact_id"))

    op.drop_table("contact_channels")
    op.drop_table("custom_attribute_definitions")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversations_status_last_message_at_id"))

    op.drop_table("conversations")
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contacts_updated_at_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_last_name_folded_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_first_name_folded_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_email_folded_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_created_at_id"))

    op.drop_table("contacts")
    op.drop_table("api_keys")
