"""The tables and their constraints; no queries.

Times are text of 27 characters in UTC, as the API writes them, so that they sort as text. JSON is
compact text.
"""

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    UniqueConstraint,
    desc,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from contacts_service.db.session import Base
from contacts_service.db.sql import StoredJSON

Id = BigInteger().with_variant(Integer, "sqlite")
NO_REUSE = {"sqlite_autoincrement": True}  # the id of a deleted row never comes back


class Contact(Base):
    """A person. Lists are ordered and filtered by the folded columns (docs/api.md, "Lists")."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    blocked: Mapped[bool] = mapped_column(default=False, server_default=false())
    custom_attributes: Mapped[str] = mapped_column(StoredJSON)
    created_at: Mapped[str]
    updated_at: Mapped[str]
    first_name_folded: Mapped[str]
    last_name_folded: Mapped[str]
    email_folded: Mapped[str | None]
    # A name that was guessed from an address is replaced by one in a message (docs/messages.md).
    is_first_name_guessed: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_last_name_guessed: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        Index(None, "first_name_folded", "id"),
        Index(None, "last_name_folded", "id"),
        Index(None, "email_folded", "id"),
        Index(None, "created_at", "id"),
        Index(None, "updated_at", "id"),
        # Contacts without an address come last in this order too; PostgreSQL needs an index for it.
        Index(
            "ix_contacts_email_folded_id_descending",
            desc("email_folded").nulls_last(),
            desc("id"),
        ).ddl_if("postgresql"),
        NO_REUSE,
    )


class ContactChannel(Base):
    """An address of a person.

    The primary email has a row too (`is_primary`, not shown as a channel), so that one constraint
    ensures that no two people have the same address.
    """

    __tablename__ = "contact_channels"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    channel: Mapped[str]
    identifier: Mapped[str]
    is_primary: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[str]
    updated_at: Mapped[str]

    __table_args__ = (UniqueConstraint("channel", "identifier"), NO_REUSE)


class ContactDocument(Base):
    """A contact's dumped `search.ranking.Document`; the id is the docid (see `search.index`)."""

    __tablename__ = "contact_documents"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(Id, unique=True)
    document: Mapped[str]

    # In PostgreSQL a foreign key would lock the contacts while a rebuilt index is put in place.
    __table_args__ = (ForeignKeyConstraint(["contact_id"], ["contacts.id"]).ddl_if("sqlite"),)


class Note(Base):
    """A text that an agent wrote about a contact. It is never changed."""

    __tablename__ = "contact_notes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    content: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[str]

    __table_args__ = (Index(None, "contact_id", "created_at", "id"), NO_REUSE)


class Conversation(Base):
    """A thread of messages. Its id is the reference number that people quote."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str]
    status: Mapped[str]
    channel: Mapped[str]
    last_message: Mapped[str | None]
    last_message_at: Mapped[str]
    created_at: Mapped[str]
    updated_at: Mapped[str]

    __table_args__ = (
        Index(None, "status", "last_message_at", "id"),
        Index(None, "last_message_at", "id"),
        NO_REUSE,
    )

    @property
    def reference_number(self) -> int:
        return self.id


class Participant(Base):
    """A contact in a conversation. `role` is "sender", or "participant" if copied in."""

    __tablename__ = "conversation_participants"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, index=True)
    role: Mapped[str]


class Message(Base):
    """A message of a conversation: `incoming` from a contact or `outgoing` from an agent.

    `first_answer` is the JSON that the delivery of an incoming message was answered with; further
    deliveries of the same message are answered with it too.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    direction: Mapped[str]
    content: Mapped[str]
    message_id: Mapped[str | None]  # not unique: some senders use one for many mails
    date: Mapped[str | None]  # what a mail says of itself
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    author_id: Mapped[str | None]
    author_name: Mapped[str | None]
    from_channel: Mapped[str | None]  # with from_identifier: the address that it came from
    from_identifier: Mapped[str | None]
    first_answer: Mapped[str | None]
    created_at: Mapped[str]

    __table_args__ = (
        Index(None, "conversation_id", "created_at", "id"),
        Index(None, "message_id", "id"),
        NO_REUSE,
    )


class IdempotencyRecord(Base):
    """What a request with an Idempotency-Key was answered; `content` is the body."""

    __tablename__ = "kept_answers"

    agent_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    etag: Mapped[str | None]
    location: Mapped[str | None]
    content: Mapped[str]
    created_at: Mapped[str] = mapped_column(index=True)


class ApiKey(Base):
    """A key of an agent. `key_hash` is the SHA-256 of the key in hexadecimal."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    beginning: Mapped[str | None]  # its first characters, to tell it from others
    agent_id: Mapped[str]
    agent_name: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[str]
    expires_at: Mapped[str | None]
    revoked_at: Mapped[str | None]
    last_used_at: Mapped[str | None]

    __table_args__ = (NO_REUSE,)


class AttributeDefinition(Base):
    """What a custom attribute may hold, if definitions are enforced. `values` is JSON."""

    __tablename__ = "custom_attribute_definitions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    data_type: Mapped[str]
    values: Mapped[str | None] = mapped_column(StoredJSON)
    regex: Mapped[str | None]
    regex_hint: Mapped[str | None]
    created_at: Mapped[str]
    updated_at: Mapped[str]

    __table_args__ = (NO_REUSE,)
