"""The schemas of conversations and their messages."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from contacts_service.limits import (
    CONTENT_LENGTH,
    INCOMING,
    MESSAGE_BODY,
    MESSAGE_ID_LENGTH,
    OUTGOING,
    PARTICIPANT,
    PREVIEW_LENGTH,
    SENDER,
    STATUSES,
    SUBJECT_LENGTH,
)
from contacts_service.strict_json import Json
from schemas.channels import ChannelName
from schemas.contacts import QuickContactSchema
from schemas.fields import ClosedSchema, MessageId, MultiLine, SingleLine, Timestamp, Token
from schemas.lists import ListQuerySchema
from schemas.notes import AuthorSchema


class ConversationSchema(ClosedSchema):
    """A conversation."""

    uuid = fields.String(required=True, metadata={"format": "uuid"})
    reference_number = fields.Integer(required=True)
    subject = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    channel = fields.String(required=True)
    last_message = fields.String(
        required=True, allow_none=True, validate=validate.Length(max=PREVIEW_LENGTH)
    )
    last_message_at = Timestamp(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class ConversationOfContactSchema(ConversationSchema):
    """A conversation with the role of a contact in it."""

    role = fields.String(required=True, validate=validate.OneOf((SENDER, PARTICIPANT)))


class Statuses(fields.String):
    """Statuses, separated by commas."""

    def __init__(self, **kwargs: Any) -> None:
        status = "|".join(STATUSES)
        metadata = {"pattern": f"^({status})(,({status}))*$", "example": "Open,Spam"}
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

    status = Token(required=True, validate=validate.OneOf(STATUSES))


class MessageSchema(ClosedSchema):
    """A message. One of an agent has an `author`, one of a contact a `contact_id`."""

    uuid = fields.String(required=True, metadata={"format": "uuid"})
    conversation_uuid = fields.String(required=True, metadata={"format": "uuid"})
    direction = fields.String(required=True, validate=validate.OneOf((INCOMING, OUTGOING)))
    content = fields.String(required=True)
    message_id = fields.String(required=True, allow_none=True)
    contact_id = fields.Integer(required=True, allow_none=True)
    author = fields.Nested(AuthorSchema(), required=True, allow_none=True)
    created_at = Timestamp(required=True)


class BegunConversationSchema(ConversationSchema):
    """A conversation with its first message."""

    message = fields.Nested(MessageSchema(), required=True)


class MessageCreateSchema(ClosedSchema):
    """A message of an agent."""

    body_limit = MESSAGE_BODY

    message = MultiLine(CONTENT_LENGTH, required=True)
    message_id = MessageId(MESSAGE_ID_LENGTH, load_default=None, allow_none=True)


class ConversationCreateSchema(MessageCreateSchema):
    """A conversation that an agent begins, with its first message."""

    json_rules: ClassVar[Json] = {
        "oneOf": [{"required": ["contact_id"]}, {"required": ["contact"]}]
    }

    contact_id = fields.Integer(strict=True)
    contact = fields.Nested(QuickContactSchema())
    channel = ChannelName(required=True)
    subject = SingleLine(SUBJECT_LENGTH, load_default="")

    @validates_schema
    def require_one_contact(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("contact_id" in data) == ("contact" in data):
            raise ValidationError("Give contact_id or contact, and not both.")
