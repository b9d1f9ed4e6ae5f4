"""Conversations of contacts."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from contacts_service.conversations import PREVIEW_LENGTH, STATUSES
from schemas.fields import ClosedSchema, WireTime
from schemas.lists import PageQuerySchema


class ConversationSchema(ClosedSchema):
    """A conversation, and the contact's part in it."""

    uuid = fields.String(required=True, metadata={"format": "uuid"})
    reference_number = fields.Integer(required=True)
    subject = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    channel = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(("sender", "participant")))
    last_message = fields.String(
        required=True, allow_none=True, validate=validate.Length(max=PREVIEW_LENGTH)
    )
    last_message_at = WireTime(required=True)
    created_at = WireTime(required=True)
    updated_at = WireTime(required=True)


class Statuses(fields.String):
    """Names of statuses, comma-separated."""

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


class ConversationsQuerySchema(PageQuerySchema):
    """Which of a contact's conversations."""

    statuses = Statuses()
