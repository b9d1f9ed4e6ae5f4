"""The schemas of conversations and their messages."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from contacts_service.limits import (
    CONTENT_LENGTH,
    INCOMING,
    MESSAGE_BODY,
    MESSAGE_ID_LENGTH,
    OPEN,
    OUTGOING,
    PARTICIPANT,
    PREVIEW_LENGTH,
    SENDER,
    STATUSES,
    SUBJECT_LENGTH,
)
from schemas.channels import ChannelName
from schemas.contacts import ContactSchema, QuickContactSchema
from schemas.fields import (
    UUID_EXAMPLE,
    UUID_FORMAT,
    AnswerSchema,
    ClosedSchema,
    MessageId,
    MultiLine,
    SingleLine,
    Timestamp,
    Token,
    about,
)
from schemas.lists import ListQuerySchema
from schemas.notes import AuthorSchema


class Role(fields.String):
    """What a contact is in a conversation."""

    def __init__(self) -> None:
        roles = validate.OneOf((SENDER, PARTICIPANT))
        sentence = "Whether the conversation is with the contact, or somebody copied them in."
        super().__init__(required=True, validate=roles, metadata=about(sentence, SENDER))


class ConversationSchema(AnswerSchema):
    """A conversation."""

    uuid = fields.String(
        required=True, metadata=about("The id of the conversation.", UUID_EXAMPLE, **UUID_FORMAT)
    )
    reference_number = fields.Integer(
        required=True, metadata=about("Its number for people, counted from 1.", 1024)
    )
    subject = fields.String(required=True, metadata=about("What it is about.", "My invoice"))
    status = fields.String(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata=about("Where it stands; Spam is the bucket of blocked contacts.", OPEN),
    )
    channel = fields.String(required=True, metadata=about("How it is held.", "email"))
    last_message = fields.String(
        required=True,
        allow_none=True,
        validate=validate.Length(max=PREVIEW_LENGTH),
        metadata=about("The beginning of its last message.", "Could you send it again?"),
    )
    last_message_at = Timestamp("When its last message was written.")
    created_at = Timestamp("When it began.")
    updated_at = Timestamp("When it was changed last.")


class ConversationOfContactSchema(ConversationSchema):
    """A conversation with the role of a contact in it."""

    role = Role()


class ParticipantSchema(AnswerSchema):
    """A contact and its role in a conversation."""

    role = Role()
    contact = fields.Nested(ContactSchema(), required=True, metadata=about("The contact."))


class ConversationDetailSchema(ConversationSchema):
    """A conversation by itself, with the contacts in it."""

    contacts = fields.List(
        fields.Nested(ParticipantSchema()),
        required=True,
        metadata=about("The contacts in it, the sender first."),
    )


class Statuses(fields.String):
    """Statuses, separated by commas."""

    def __init__(self, **kwargs: Any) -> None:
        status = "|".join(STATUSES)
        pattern = f"^({status})(,({status}))*$"
        metadata = about("Only those in one of these, by commas.", "Open,Spam", pattern=pattern)
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        statuses = [word.strip() for word in value.split(",")]
        unknown = [word for word in statuses if word not in STATUSES]
        if unknown:
            raise ValidationError(f"Must be one or more of {', '.join(STATUSES)}.")
        return statuses


class ConversationsQuerySchema(ListQuerySchema):
    """The page and statuses of a list of conversations."""

    statuses = Statuses()


class StatusSchema(ClosedSchema):
    """The status of a conversation."""

    status = Token(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata=about("Where it stands.", "Resolved"),
    )


class ConversationContactSchema(ClosedSchema):
    """The contact whom a conversation is with."""

    contact_id = fields.Integer(
        strict=True, required=True, metadata=about("The id of the contact.", 42)
    )


class MessageAddressSchema(AnswerSchema):
    """The address that a message came from."""

    channel = fields.String(required=True, metadata=about("The kind of the address.", "email"))
    identifier = fields.String(required=True, metadata=about("The address.", "linda@example.com"))


class MessageSchema(AnswerSchema):
    """A message. One of an agent has an `author`, one of a contact a `contact_id`."""

    class Meta(AnswerSchema.Meta):
        include: ClassVar = {
            "from": fields.Nested(
                MessageAddressSchema(),
                required=True,
                allow_none=True,
                metadata=about("The address it came from, if it is incoming and that was kept."),
            )
        }

    uuid = fields.String(
        required=True, metadata=about("The id of the message.", UUID_EXAMPLE, **UUID_FORMAT)
    )
    conversation_uuid = fields.String(
        required=True, metadata=about("The id of the conversation.", UUID_EXAMPLE, **UUID_FORMAT)
    )
    direction = fields.String(
        required=True,
        validate=validate.OneOf((INCOMING, OUTGOING)),
        metadata=about("Whether it came in or goes out.", INCOMING),
    )
    content = fields.String(
        required=True, metadata=about("The whole text.", "Could you send it again?")
    )
    message_id = fields.String(
        required=True,
        allow_none=True,
        metadata=about("The id that mail systems give it.", "b1946ac9@mail.example.com"),
    )
    contact_id = fields.Integer(
        required=True, allow_none=True, metadata=about("The contact who wrote it.", 42)
    )
    author = fields.Nested(
        AuthorSchema(),
        required=True,
        allow_none=True,
        metadata=about("The agent who wrote it.", None),
    )
    created_at = Timestamp("When it was written or received.")


class BegunConversationSchema(ConversationSchema):
    """A conversation with its first message."""

    message = fields.Nested(MessageSchema(), required=True, metadata=about("The first message."))


class MessageCreateSchema(ClosedSchema):
    """A message of an agent."""

    body_limit = MESSAGE_BODY

    message = MultiLine(CONTENT_LENGTH, required=True, metadata=about("The text.", "We are on it."))
    message_id = MessageId(
        MESSAGE_ID_LENGTH,
        load_default=None,
        allow_none=True,
        metadata=about("The id that the mail has, to recognise it.", "c81e7@help.example"),
    )


class ConversationCreateSchema(MessageCreateSchema):
    """A conversation that an agent begins. Needs `contact_id` or `contact`, and not both."""

    contact_id = fields.Integer(strict=True, metadata=about("The id of a contact."))
    contact = fields.Nested(
        QuickContactSchema(), metadata=about("A contact to find by its address, or to create.")
    )
    channel = ChannelName(required=True)
    subject = SingleLine(
        SUBJECT_LENGTH, load_default="", metadata=about("What it is about.", "Your invoice")
    )

    @validates_schema
    def require_one_contact(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("contact_id" in data) == ("contact" in data):
            raise ValidationError("Give contact_id or contact, and not both.")
