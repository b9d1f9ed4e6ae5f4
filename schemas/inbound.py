"""The schemas of incoming messages and of the answer to their deliverer."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from contacts_service.limits import (
    CC_COUNT,
    CONTENT_LENGTH,
    INBOX,
    INCOMING,
    MAIL_BODY,
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
from schemas.channels import ChannelName, Identifier, by_channel, normalise_address
from schemas.contacts import ContactDetailSchema
from schemas.conversations import ConversationSchema
from schemas.fields import (
    BoundedList,
    ClosedSchema,
    DateTime,
    Email,
    MessageId,
    MultiLine,
    Phone,
    SingleLine,
    Timestamp,
    Uuid,
)

ADDRESSES = ("email", "phone", "identifier")


class CorrespondentSchema(ClosedSchema):
    """The sender of a message or somebody copied in. Needs one of the first three fields."""

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
    first_name = SingleLine(NAME_LENGTH, load_default="")
    last_name = SingleLine(NAME_LENGTH, load_default="")

    @validates_schema
    def require_an_address(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not any(data.get(name) for name in ADDRESSES):
            raise ValidationError("Needs an email, a phone or an identifier.")


class IncomingMessageSchema(ClosedSchema):
    """A message that has arrived."""

    body_limit = MESSAGE_BODY
    raw_types: ClassVar = {MAIL_TYPE: MAIL_BODY}
    json_rules: ClassVar[Json] = by_channel(
        lambda identifier: {
            "from": {"properties": {"identifier": identifier}},
            "cc": {"items": {"properties": {"identifier": identifier}}},
        }
    )

    channel = ChannelName(required=True)
    sender = fields.Nested(CorrespondentSchema(), required=True, data_key="from")
    cc = BoundedList(
        fields.Nested(CorrespondentSchema()),
        load_default=[],
        validate=validate.Length(max=CC_COUNT, error="More than {max} people."),
    )
    subject = SingleLine(SUBJECT_LENGTH, load_default="")
    content = MultiLine(CONTENT_LENGTH, may_be_blank=True, load_default="")
    message_id = MessageId(MESSAGE_ID_LENGTH, allow_none=True)
    in_reply_to = MessageId(MESSAGE_ID_LENGTH, allow_none=True)
    references = BoundedList(MessageId(MESSAGE_ID_LENGTH), load_default=[])
    conversation_uuid = Uuid(allow_none=True)
    received_at = DateTime(allow_none=True)

    @post_load
    def normalise_identifiers(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        _normalise_identifier(data["channel"], data["sender"], "from")
        for number, person in enumerate(data["cc"]):
            _normalise_identifier(data["channel"], person, "cc", number)
        data["references"] = tuple(data["references"][-REFERENCES_COUNT:])
        return data


def _normalise_identifier(channel: str, person: dict[str, Any], *path: Any) -> None:
    """Bring the identifier into its stored spelling.

    On the channels `email` and `phone` it moves to that field. Raises ValidationError below `path`.
    """
    if person.get("identifier") is None:
        return
    try:
        channel, person["identifier"] = normalise_address(channel, person["identifier"])
    except ValidationError as error:
        messages: Any = error.messages
        for step in reversed(path):
            messages = {step: messages}
        raise ValidationError(messages) from None
    if channel in ("email", "phone"):
        if person.get(channel) is None:
            person[channel] = person["identifier"]
        if person[channel] == person["identifier"]:
            del person["identifier"]


class MessageReceiptSchema(ClosedSchema):
    """The recorded message, in the answer to its deliverer."""

    uuid = fields.String(required=True, metadata={"format": "uuid"})
    direction = fields.String(required=True, validate=validate.OneOf((INCOMING, OUTGOING)))
    created_at = Timestamp(required=True)


class DeliverySchema(ClosedSchema):
    """What happened to a message. `contact` is null for an automatic one of an unknown sender."""

    contact = fields.Nested(ContactDetailSchema(), required=True, allow_none=True)
    contact_created = fields.Boolean(required=True)
    conversation = fields.Nested(ConversationSchema(), required=True)
    conversation_created = fields.Boolean(required=True)
    message = fields.Nested(MessageReceiptSchema(), required=True)
    bucket = fields.String(required=True, validate=validate.OneOf((INBOX, SPAM_BUCKET)))
    duplicate = fields.Boolean(required=True)
