"""The schema of a channel, which is a further address of a contact."""

from typing import Any

from marshmallow import ValidationError, post_load, validate

from contacts_service import text
from contacts_service.limits import CHANNEL_PATTERN, IDENTIFIER_LENGTH
from schemas.fields import NOT_BLANK, ClosedSchema, SingleLine, Token, about


class ChannelName(Token):
    """The kind of an address: `email`, `phone`, `chat`, …"""

    def __init__(self, **kwargs: Any) -> None:
        check = validate.Regexp(
            CHANNEL_PATTERN.replace("$", r"\Z"),
            error="Must be a lower-case word of at most 32 characters.",
        )
        metadata = about("The kind of the address.", "email", pattern=CHANNEL_PATTERN)
        super().__init__(validate=check, metadata=metadata, **kwargs)


class Identifier(SingleLine):
    """An address in the spelling of its channel."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"minLength": 1, "pattern": NOT_BLANK, **kwargs.pop("metadata", {})}
        super().__init__(IDENTIFIER_LENGTH, metadata=metadata, **kwargs)


class ChannelCreateSchema(ClosedSchema):
    """An address to add. Loads as the pair (channel, identifier) in its stored spelling."""

    channel = ChannelName(required=True)
    identifier = Identifier(
        required=True,
        metadata=about(
            "The address: on `email` and `phone` one of that form.", "linda@work.example"
        ),
    )

    @post_load
    def to_address(self, data: dict[str, Any], **kwargs: Any) -> tuple[str, str]:
        return normalise_address(data["channel"], data["identifier"])


def normalise_address(channel: str, identifier: str) -> tuple[str, str]:
    """Bring an address into its stored spelling. Raises ValidationError about `identifier`."""
    try:
        return channel, text.normalise_identifier(channel, identifier)
    except ValueError as error:
        raise ValidationError({"identifier": [str(error)]}) from None
