"""A row of a CSV file of contacts: what each cell may hold, by the rules of the API.

Cells are text, and only those that hold something are given.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, post_load, validate

from contacts_service import text
from contacts_service.strict_json import JSONError, read_json
from schemas.contacts import ContactUpdateSchema
from schemas.fields import ClosedSchema, CustomAttributes, Line

CHANNEL = r"^[a-z][a-z0-9_-]{0,31}\Z"
IDENTIFIER_LENGTH = 254

# Clocks of two machines differ a little.
CLOCK_DIFFERENCE = timedelta(minutes=1)

_moment = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_words = {"true": True, "false": False}


class BooleanCell(fields.Field[bool]):
    """`true` or `false`; spreadsheets put them in capitals."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> bool:
        word = value.strip().lower()
        if word not in _words:
            raise ValidationError("Must be true or false.")
        return _words[word]


class MomentCell(fields.Field[datetime]):
    """A date or a time; a date alone is its midnight, and without an offset it is UTC."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> datetime:
        try:
            if not _moment.fullmatch(value.strip()):
                raise ValueError
            moment = datetime.fromisoformat(value.strip().upper())
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Must be a date or a time, as in 2026-05-13T21:47:44Z.") from None
        if moment > datetime.now(UTC) + CLOCK_DIFFERENCE:
            raise ValidationError("Lies in the future.")
        return moment


class AttributesCell(CustomAttributes):
    """An object of custom attributes as JSON."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        return super()._deserialize(_read_cell(value), attr, data, **kwargs)


class ChannelSchema(ClosedSchema):
    """A further address, turned into the pair (channel, identifier); what else it tells is ours."""

    channel = fields.String(
        required=True, validate=validate.Regexp(CHANNEL, error="Not a name of a channel.")
    )
    identifier = Line(IDENTIFIER_LENGTH, required=True)
    id = fields.Raw(load_only=True)
    created_at = fields.Raw(load_only=True)
    updated_at = fields.Raw(load_only=True)

    @post_load
    def to_address(self, data: dict[str, Any], **kwargs: Any) -> tuple[str, str]:
        channel, identifier = data["channel"], data["identifier"]
        try:
            if channel == "email":
                identifier = text.normalise_email(identifier)
            elif channel == "phone":
                identifier = text.normalise_phone(identifier)
            elif not identifier:
                raise ValueError("Must not be blank.")
        except ValueError as error:
            raise ValidationError({"identifier": [str(error)]}) from None
        return channel, identifier


class ChannelsCell(fields.List[Any]):
    """A list of further addresses as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Nested(ChannelSchema()), **kwargs)

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        addresses = super()._deserialize(_read_cell(value), attr, data, **kwargs)
        return list(dict.fromkeys(addresses))


class ImportedContactSchema(ContactUpdateSchema):
    """A row of a file that is imported; `id` is another directory's and is left out."""

    class Meta:
        unknown = EXCLUDE

    custom_attributes = AttributesCell()
    blocked = BooleanCell()
    contact_channels = ChannelsCell()
    created_at = MomentCell()
    updated_at = MomentCell()


def _read_cell(cell: str) -> Any:
    try:
        return read_json(cell)
    except JSONError as error:
        raise ValidationError(str(error)) from None
