"""The schema of a channel, which is a further address of a contact."""

from collections.abc import Callable
from typing import Any, ClassVar

from marshmallow import ValidationError, post_load, validate

from contacts_service import text
from contacts_service.limits import CHANNEL_PATTERN, IDENTIFIER_LENGTH, PHONE_LENGTH
from contacts_service.strict_json import Json
from contacts_service.text import PHONE_PATTERN
from schemas.fields import NOT_BLANK, ClosedSchema, SingleLine, Token


class ChannelName(Token):
    """The kind of an address: `email`, `phone`, `chat`, …"""

    def __init__(self, **kwargs: Any) -> None:
        check = validate.Regexp(
            CHANNEL_PATTERN.replace("$", r"\Z"),
            error="Must be a lower-case word of at most 32 characters.",
        )
        super().__init__(validate=check, metadata={"pattern": CHANNEL_PATTERN}, **kwargs)


class Identifier(SingleLine):
    """An address in the spelling of its channel."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"minLength": 1, "pattern": NOT_BLANK, **kwargs.pop("metadata", {})}
        super().__init__(IDENTIFIER_LENGTH, metadata=metadata, **kwargs)


def by_channel(rule: Callable[[Json], Json]) -> Json:
    """Document how the channel decides the form of identifiers.

    `rule` takes the JSON schema of an identifier, and returns the properties that contain one.
    """
    email = {"type": ["string", "null"], "format": "email"}
    phone = {"type": ["string", "null"], "pattern": PHONE_PATTERN, "maxLength": PHONE_LENGTH}
    return {
        "anyOf": [
            {"properties": {"channel": {"const": "email"}, **rule(email)}},
            {"properties": {"channel": {"const": "phone"}, **rule(phone)}},
            {"properties": {"channel": {"not": {"enum": ["email", "phone"]}}}},
        ]
    }


class ChannelCreateSchema(ClosedSchema):
    """An address to add. Loads as the pair (channel, identifier) in its stored spelling."""

    json_rules: ClassVar[Json] = by_channel(lambda identifier: {"identifier": identifier})

    channel = ChannelName(required=True)
    identifier = Identifier(required=True)

    @post_load
    def to_address(self, data: dict[str, Any], **kwargs: Any) -> tuple[str, str]:
        return normalise_address(data["channel"], data["identifier"])


def normalise_address(channel: str, identifier: str) -> tuple[str, str]:
    """Bring an address into its stored spelling. Raises ValidationError about `identifier`."""
    try:
        return channel, text.normalise_identifier(channel, identifier)
    except ValueError as error:
        raise ValidationError({"identifier": [str(error)]}) from None
