"""Validates the cells of a CSV row by the rules of the API."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError, fields

from contacts_service.strict_json import JSONError, read_json
from contacts_service.timestamps import format_timestamp
from schemas.channels import ChannelCreateSchema
from schemas.contacts import ContactFieldsSchema
from schemas.fields import CustomAttributes, SingleLine

CACHED_NAMES = 4096
CLOCK_DIFFERENCE = timedelta(minutes=1)  # tolerated between two machines

_moment = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_words = {"true": True, "false": False}


class BooleanCell(fields.Field[bool]):
    """`true` or `false`, also in the capitals of spreadsheets."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> bool:
        word = value.strip().lower()
        if word not in _words:
            raise ValidationError("Must be true or false.")
        return _words[word]


class MomentCell(fields.Field[str]):
    """A date or a time. A date means its midnight; without an offset the time is UTC."""

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
        return format_timestamp(moment)


class AttributesCell(CustomAttributes):
    """An object of custom attributes as JSON."""

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        return super()._deserialize(_read_cell(value), attr, data, **kwargs)


class ChannelSchema(ChannelCreateSchema):
    """A channel. `id` and times are ignored: the API's answers have them."""

    id = fields.Raw(load_only=True)
    created_at = fields.Raw(load_only=True)
    updated_at = fields.Raw(load_only=True)


class ChannelsCell(fields.List[Any]):
    """A list of channels as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Nested(ChannelSchema()), **kwargs)

    def _deserialize(self, value: str, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        addresses = super()._deserialize(_read_cell(value), attr, data, **kwargs)
        return list(dict.fromkeys(addresses))


class ImportedContactSchema(ContactFieldsSchema):
    """The columns that an import reads."""

    custom_attributes = AttributesCell()
    blocked = BooleanCell()
    contact_channels = ChannelsCell()
    created_at = MomentCell()
    updated_at = MomentCell()


# Names repeat, so their results are cached.
_read: dict[str, Callable[[str], Any]] = {
    name: lru_cache(maxsize=CACHED_NAMES)(field.deserialize)
    if isinstance(field, SingleLine)
    else field.deserialize
    for name, field in ImportedContactSchema().load_fields.items()
}


def read_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """The values of non-blank cells in their stored spelling, by column.

    Cells of columns that are not imported are left out. Raises ValidationError with the errors of
    all cells. Does what `Schema.load` would, without its hooks.
    """
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
