"""A row of a CSV file of contacts: what each cell may hold, by the rules of the API.

Cells are text, and only those that hold something are given.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError, fields

from contacts_service.strict_json import JSONError, read_json
from contacts_service.timestamps import wire_time
from schemas.channels import ChannelCreateSchema
from schemas.contacts import ContactUpdateSchema
from schemas.fields import CustomAttributes, Line

CHANNEL = r"^[a-z][a-z0-9_-]{0,31}\Z"
IDENTIFIER_LENGTH = 254
CACHED = 1 << 12  # names that are kept at hand

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


class MomentCell(fields.Field[str]):
    """A date or a time; a date alone is its midnight, and without an offset it is UTC."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            if not _moment.fullmatch(value.strip()):
                raise ValueError
            moment = datetime.fromisoformat(value.strip().upper())
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Must be a date or a time, as in 2026-05-13T21:47:44Z.") from None
        if moment > datetime.now(UTC) + CLOCK_DIFFERENCE:
            raise ValidationError("Lies in the future.")
        return wire_time(moment)


class AttributesCell(CustomAttributes):
    """An object of custom attributes as JSON."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        return super()._deserialize(_read_cell(value), attr, data, **kwargs)


class ChannelSchema(ChannelCreateSchema):
    """A further address as export writes it; what else it tells is ours."""

    id = fields.Raw(load_only=True)
    created_at = fields.Raw(load_only=True)
    updated_at = fields.Raw(load_only=True)


class ChannelsCell(fields.List[Any]):
    """A list of further addresses as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Nested(ChannelSchema()), **kwargs)

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        addresses = super()._deserialize(_read_cell(value), attr, data, **kwargs)
        return list(dict.fromkeys(addresses))


class ImportedContactSchema(ContactUpdateSchema):
    """A row of a file that is imported."""

    custom_attributes = AttributesCell()
    blocked = BooleanCell()
    contact_channels = ChannelsCell()
    created_at = MomentCell()
    updated_at = MomentCell()


# Names come again and again.
_read: dict[str, Callable[[str], Any]] = {
    name: lru_cache(maxsize=CACHED)(field.deserialize)
    if isinstance(field, Line)
    else field.deserialize
    for name, field in ImportedContactSchema().load_fields.items()
}


def read_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """What cells hold in its stored spelling, by column; those of other columns are left out.

    Raises ValidationError with the faults of all of them.
    """
    # As Schema.load does for every kind of input, in a fraction of the time.
    values: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, read in _read.items():
        if name in cells:
            try:
                values[name] = read(cells[name])
            except ValidationError as error:
                errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    return values


def _read_cell(cell: str) -> Any:
    try:
        return read_json(cell)
    except JSONError as error:
        raise ValidationError(str(error)) from None
