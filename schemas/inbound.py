"""A message that has arrived: what a gateway hands over, and what it is told."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from contacts_service.conversations.incoming import Correspondent, IncomingMessage
from contacts_service.limits import (
    CC_COUNT,
    CONTENT_LENGTH,
    INBOX,
    INCOMING,
    MAIL_TYPE,
    MESSAGE_BODY,
    MESSAGE_ID_LENGTH,
    NAME_LENGTH,
    OUTGOING,
    REFERENCES_COUNT,
    SPAM_BUCKET,
    SUBJECT_LENGTH,
)
from contacts_service.strict_json import Json
from schemas.channels import ChannelName, Identifier, by_channel, normalised
from schemas.contacts import ContactDetailSchema
from schemas.conversations import ConversationSchema
from schemas.fields import (
    ClosedSchema,
    Email,
    Items,
    Line,
    MessageId,
    Moment,
    Paragraphs,
    Phone,
    Uuid,
    WireTime,
)

ADDRESSES = ("email", "phone", "identifier")


class CorrespondentSchema(ClosedSchema):
    """Somebody who wrote or was copied in; one of the first three is needed."""

    json_rules: ClassVar[Json] = {
        "anyOf": [
            {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
            for name in ADDRESSES
        ]
    }

    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    identifier = Identifier(
        allow_none=True, metadata={"description": "The channel's own id of the person."}
    )
    first_name = Line(NAME_LENGTH, load_default="")
    last_name = Line(NAME_LENGTH, load_default="")

    @validates_schema
    def require_an_address(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not any(data.get(name) for name in ADDRESSES):
            raise ValidationError("Needs an email, a phone or an identifier.")


class IncomingMessageSchema(ClosedSchema):
    """A message that has arrived."""

    body_limit = MESSAGE_BODY
    other_types = (MAIL_TYPE,)
    json_rules: ClassVar[Json] = by_channel(
        lambda identifier: {
            "from": {"properties": {"identifier": identifier}},
            "cc": {"items": {"properties": {"identifier": identifier}}},
        }
    )

    channel = ChannelName(required=True)
    sender = fields.Nested(CorrespondentSchema(), required=True, data_key="from")
    cc = Items(
        fields.Nested(CorrespondentSchema()),
        load_default=[],
        validate=validate.Length(max=CC_COUNT, error="More than {max} people."),
    )
    subject = Line(SUBJECT_LENGTH, load_default="")
    content = Paragraphs(CONTENT_LENGTH, may_be_blank=True, load_default="")
    message_id = MessageId(MESSAGE_ID_LENGTH, allow_none=True)
    in_reply_to = MessageId(MESSAGE_ID_LENGTH, allow_none=True)
    references = Items(MessageId(MESSAGE_ID_LENGTH), load_default=[])
    conversation_uuid = Uuid(allow_none=True)
    received_at = Moment(allow_none=True)

    @post_load
    def to_message(self, data: dict[str, Any], **kwargs: Any) -> IncomingMessage:
        channel = data["channel"]
        data["sender"] = _correspondent(channel, data["sender"], "from")
        data["cc"] = tuple(
            _correspondent(channel, who, "cc", number) for number, who in enumerate(data["cc"])
        )
        data["references"] = tuple(data["references"][-REFERENCES_COUNT:])
        return IncomingMessage(**data)


def _correspondent(channel: str, who: dict[str, Any], *path: Any) -> Correspondent:
    """On a channel of emails or phones, the channel's own id is an address like any other."""
    if who.get("identifier") is not None:
        try:
            channel, who["identifier"] = normalised(channel, who["identifier"])
        except ValidationError as error:
            messages: Any = error.messages
            for step in reversed(path):
                messages = {step: messages}
            raise ValidationError(messages) from None
        if channel in ("email", "phone"):
            if who.get(channel) is None:
                who[channel] = who["identifier"]
            if who[channel] == who["identifier"]:
                del who["identifier"]
    return Correspondent(**who)


class MessageReceiptSchema(ClosedSchema):
    """The message, as far as its sender's side has to know it."""

    uuid = fields.String(required=True, metadata={"format": "uuid"})
    direction = fields.String(required=True, validate=validate.OneOf((INCOMING, OUTGOING)))
    created_at = WireTime(required=True)


class DeliverySchema(ClosedSchema):
    """What became of a message. `contact` is null only for an automatic one of somebody unknown."""

    contact = fields.Nested(ContactDetailSchema(), required=True, allow_none=True)
    contact_created = fields.Boolean(required=True)
    conversation = fields.Nested(ConversationSchema(), required=True)
    conversation_created = fields.Boolean(required=True)
    message = fields.Nested(MessageReceiptSchema(), required=True)
    bucket = fields.String(required=True, validate=validate.OneOf((INBOX, SPAM_BUCKET)))
    duplicate = fields.Boolean(required=True)
