"""Definitions of custom attributes: what may be sent, and what is answered.

Which fields go with which data type is judged by `contacts.attribute_definitions`, since an update
need not name the type; the document says it by BY_DATA_TYPE.
"""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from contacts_service import limits, text
from contacts_service.limits import DATA_TYPES
from schemas.fields import ClosedSchema, Items, Line, Text, WireTime, Word

FILLED_LINE = rf"^[^{text.NOT_IN_LINES}]*[^\s{text.NOT_IN_LINES}][^{text.NOT_IN_LINES}]*$"

_null = {"type": "null"}
BY_DATA_TYPE = [
    {"properties": {"data_type": {"const": "text"}, "values": _null}},
    {
        "properties": {
            "data_type": {"const": "list"},
            "values": {"type": "array"},
            "regex": _null,
            "regex_hint": _null,
        },
        "required": ["values"],
    },
    {
        "properties": {
            "data_type": {"enum": [name for name in DATA_TYPES if name not in ("text", "list")]},
            "values": _null,
            "regex": _null,
            "regex_hint": _null,
        }
    },
]


def _check_pattern(pattern: str) -> None:
    try:
        text.compile_pattern(pattern)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _check_distinct(values: list[str]) -> None:
    if len(set(values)) < len(values):
        raise ValidationError("A value is given twice.")


class FilledLine(Line):
    """One line of text that is not blank."""

    def __init__(self, max_length: int, **kwargs: Any) -> None:
        metadata = {"pattern": FILLED_LINE, **kwargs.pop("metadata", {})}
        super().__init__(max_length, metadata=metadata, **kwargs)
        self.validators.append(validate.Length(min=1, error="Must not be blank."))


class AttributeKey(Text):
    """The key under which contacts have the attribute."""

    clean = staticmethod(text.clean_line)

    def __init__(self, **kwargs: Any) -> None:
        sentence = "Must have 1 to 64 characters: a to z, 0 to 9 and _."
        pattern = validate.Regexp(limits.DEFINITION_KEY, error=sentence)
        super().__init__(validate=pattern, **kwargs)


class Pattern(FilledLine):
    """A regular expression that RE2 takes."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {
            "format": "regex",
            "description": "Only for `text`: an RE2 pattern that the whole value must match.",
        }
        super().__init__(limits.REGEX_LENGTH, metadata=metadata, **kwargs)
        self.validators.append(_check_pattern)


class ListValues(Items):
    """The values to choose from."""

    def __init__(self, **kwargs: Any) -> None:
        limit = validate.Length(1, limits.LIST_VALUES, error="Must be {min} to {max} values.")
        metadata = {"uniqueItems": True, "description": "Only for `list`: what to choose from."}
        value = FilledLine(limits.LIST_VALUE_LENGTH)
        super().__init__(value, validate=[limit, _check_distinct], metadata=metadata, **kwargs)


class DataType(Word):
    """The name of a data type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(DATA_TYPES), **kwargs)


class AttributeDefinitionSchema(ClosedSchema):
    """What a custom attribute is called and which values suit it."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    data_type = DataType(required=True)
    values = fields.List(fields.String(), required=True, allow_none=True)
    regex = fields.String(required=True, allow_none=True)
    regex_hint = fields.String(required=True, allow_none=True)
    created_at = WireTime(required=True)
    updated_at = WireTime(required=True)


class AttributeDefinitionCreateSchema(ClosedSchema):
    """A new custom attribute."""

    json_properties: ClassVar = {"anyOf": BY_DATA_TYPE}

    key = AttributeKey(required=True)
    name = FilledLine(limits.NAME_LENGTH, required=True)
    description = Line(limits.DESCRIPTION_LENGTH, load_default="")
    data_type = DataType(required=True)
    values = ListValues(load_default=None)
    regex = Pattern(load_default=None)
    regex_hint = FilledLine(limits.HINT_LENGTH, load_default=None)


class AttributeDefinitionUpdateSchema(ClosedSchema):
    """What may be corrected of a custom attribute; key and data type only as they are."""

    key = AttributeKey()
    name = FilledLine(limits.NAME_LENGTH)
    description = Line(limits.DESCRIPTION_LENGTH)
    data_type = DataType()
    values = ListValues(allow_none=True)
    regex = Pattern(allow_none=True)
    regex_hint = FilledLine(limits.HINT_LENGTH, allow_none=True)
