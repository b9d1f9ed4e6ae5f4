"""The schemas of the definitions of custom attributes.

An update need not name the data type, so `contacts.attribute_definitions` checks which fields it
allows. BY_DATA_TYPE says the same in the API document.
"""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from contacts_service import limits, text
from contacts_service.limits import DATA_TYPES
from schemas.fields import BoundedList, ClosedSchema, SingleLine, Text, Timestamp, Token

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


class FilledLine(SingleLine):
    """A line of text that is not blank."""

    def __init__(self, max_length: int, **kwargs: Any) -> None:
        metadata = {"pattern": FILLED_LINE, **kwargs.pop("metadata", {})}
        super().__init__(max_length, metadata=metadata, **kwargs)
        self.validators.append(validate.Length(min=1, error="Must not be blank."))


class AttributeKey(Text):
    """The name of the attribute in `custom_attributes`."""

    clean = staticmethod(text.clean_line)

    def __init__(self, **kwargs: Any) -> None:
        sentence = "Must have 1 to 64 characters: a to z, 0 to 9 and _."
        pattern = validate.Regexp(limits.DEFINITION_KEY, error=sentence)
        super().__init__(validate=pattern, **kwargs)


class Pattern(FilledLine):
    """A regular expression in the syntax of RE2."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {
            "format": "regex",
            "description": "Only for `text`: an RE2 pattern that the whole value must match.",
        }
        super().__init__(limits.REGEX_LENGTH, metadata=metadata, **kwargs)
        self.validators.append(_check_pattern)


class ListValues(BoundedList):
    """The values to choose from."""

    def __init__(self, **kwargs: Any) -> None:
        limit = validate.Length(1, limits.LIST_VALUES, error="Must be {min} to {max} values.")
        metadata = {"uniqueItems": True, "description": "Only for `list`: what to choose from."}
        value = FilledLine(limits.LIST_VALUE_LENGTH)
        super().__init__(value, validate=[limit, _check_distinct], metadata=metadata, **kwargs)


class DataType(Token):
    """The name of a data type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(DATA_TYPES), **kwargs)


class AttributeDefinitionSchema(ClosedSchema):
    """The name of a custom attribute and the values that it may have."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    data_type = DataType(required=True)
    values = fields.List(fields.String(), required=True, allow_none=True)
    regex = fields.String(required=True, allow_none=True)
    regex_hint = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class AttributeDefinitionCreateSchema(ClosedSchema):
    """A custom attribute to define."""

    json_properties: ClassVar = {"anyOf": BY_DATA_TYPE}

    key = AttributeKey(required=True)
    name = FilledLine(limits.NAME_LENGTH, required=True)
    description = SingleLine(limits.DESCRIPTION_LENGTH, load_default="")
    data_type = DataType(required=True)
    values = ListValues(load_default=None)
    regex = Pattern(load_default=None)
    regex_hint = FilledLine(limits.HINT_LENGTH, load_default=None)


class AttributeDefinitionUpdateSchema(ClosedSchema):
    """Changes to a definition. Key and data type may be sent, but not changed."""

    key = AttributeKey()
    name = FilledLine(limits.NAME_LENGTH)
    description = SingleLine(limits.DESCRIPTION_LENGTH)
    data_type = DataType()
    values = ListValues(allow_none=True)
    regex = Pattern(allow_none=True)
    regex_hint = FilledLine(limits.HINT_LENGTH, allow_none=True)
