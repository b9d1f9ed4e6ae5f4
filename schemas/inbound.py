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
from schemas.channels import ChannelName, Identifier, normalise_address
from schemas.contacts import EMAIL_EXAMPLE, ContactDetailSchema
from schemas.conversations import ConversationSchema
from schemas.fields import (
    UUID_EXAMPLE,
    UUID_FORMAT,
    AnswerSchema,
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
    about,
)

MAIL_ID = "<b1946ac9@mail.example.com>"

ADDRESSES = ("email", "phone", "identifier")


class CorrespondentSchema(ClosedSchema):
    """The sender of a message or somebody copied in. Needs one of the first three fields."""

    email = Email(allow_none=True, metadata=about("The email address.", EMAIL_EXAMPLE))
    phone = Phone(allow_none=True, metadata=about("The phone number."))
    identifier = Identifier(allow_none=True, metadata=about("The channel's own id of the person."))
    first_name = SingleLine(
        NAME_LENGTH, load_default="", metadata=about("The given name.", "Linda")
    )
    last_name = SingleLine(
        NAME_LENGTH, load_default="", metadata=about("The family name.", "Olsen")
    )

    @validates_schema
    def require_an_address(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not any(data.get(name) for name in ADDRESSES):
            raise ValidationError("Needs an email, a phone or an identifier.")


class IncomingMessageSchema(ClosedSchema):
    """A message that has arrived."""

    body_limit = MESSAGE_BODY
    raw_types: ClassVar = {MAIL_TYPE: MAIL_BODY}
    channel = ChannelName(required=True)
    sender = fields.Nested(
        CorrespondentSchema(), required=True, data_key="from", metadata=about("Who wrote it.")
    )
    cc = BoundedList(
        fields.Nested(CorrespondentSchema()),
        load_default=[],
        validate=validate.Length(max=CC_COUNT, error="More than {max} people."),
        metadata=about("Who else got it."),
    )
    subject = SingleLine(
        SUBJECT_LENGTH, load_default="", metadata=about("What it is about.", "My invoice")
    )
    content = MultiLine(
        CONTENT_LENGTH,
        may_be_blank=True,
        load_default="",
        metadata=about("The text.", "Could you send it again?"),
    )
    message_id = MessageId(
        MESSAGE_ID_LENGTH,
        allow_none=True,
        metadata=about(
            "The id that the sender's system gave it; a repeat changes nothing.", MAIL_ID
        ),
    )
    in_reply_to = MessageId(
        MESSAGE_ID_LENGTH, allow_none=True, metadata=about("The id of the message it answers.")
    )
    references = BoundedList(
        MessageId(MESSAGE_ID_LENGTH),
        load_default=[],
        metadata=about("The ids of the messages before it, oldest first."),
    )
    conversation_uuid = Uuid(
        allow_none=True, metadata=about("The conversation it belongs to, where that is known.")
    )
    received_at = DateTime(allow_none=True, metadata=about("When it arrived; by default now."))

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


class MessageReceiptSchema(AnswerSchema):
    """The recorded message, in the answer to its deliverer."""

    uuid = fields.String(
        required=True, metadata=about("The id of the message.", UUID_EXAMPLE, **UUID_FORMAT)
    )
    direction = fields.String(
        required=True,
        validate=validate.OneOf((INCOMING, OUTGOING)),
        metadata=about("Whether it came in or goes out.", INCOMING),
    )
    created_at = Timestamp("When it was received.")


class DeliverySchema(AnswerSchema):
    """What happened to a message."""

    contact = fields.Nested(
        ContactDetailSchema(),
        required=True,
        allow_none=True,
        metadata=about("The sender; null for an automatic message of somebody unknown."),
    )
    contact_created = fields.Boolean(
        required=True, metadata=about("Whether the sender was unknown before.", True)
    )
    conversation = fields.Nested(
        ConversationSchema(), required=True, metadata=about("Where the message is.")
    )
    conversation_created = fields.Boolean(
        required=True, metadata=about("Whether the message began it.", True)
    )
    message = fields.Nested(
        MessageReceiptSchema(), required=True, metadata=about("The recorded message.")
    )
    bucket = fields.String(
        required=True,
        validate=validate.OneOf((INBOX, SPAM_BUCKET)),
        metadata=about("Where agents see it.", INBOX),
    )
    duplicate = fields.Boolean(
        required=True, metadata=about("Whether it had been handed over before.", False)
    )
