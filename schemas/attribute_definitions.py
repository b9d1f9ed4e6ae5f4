"""The schemas of the definitions of custom attributes.

An update need not name the data type, so `contacts.attribute_definitions` checks which fields it
allows.
"""

from typing import Any

from marshmallow import ValidationError, fields, validate

from contacts_service import limits, text
from contacts_service.limits import DATA_TYPES
from schemas.fields import (
    AnswerSchema,
    BoundedList,
    ClosedSchema,
    SingleLine,
    Text,
    Timestamp,
    Token,
    about,
)

KEY = "The name of the attribute in `custom_attributes`."
NAME = "The name for people."
DESCRIPTION = "What the attribute is for."
DATA_TYPE = "What kind of values it has."
VALUES = "Only for `list`: what to choose from."
REGEX = "Only for `text`: an RE2 pattern that the whole value must match."
HINT = "Only for `text`: what the pattern asks for, for people."

FILLED_LINE = rf"^[^{text.NOT_IN_LINES}]*[^\s{text.NOT_IN_LINES}][^{text.NOT_IN_LINES}]*$"


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
        metadata = about(REGEX, format="regex")
        super().__init__(limits.REGEX_LENGTH, metadata=metadata, **kwargs)
        self.validators.append(_check_pattern)


class ListValues(BoundedList):
    """The values to choose from."""

    def __init__(self, **kwargs: Any) -> None:
        limit = validate.Length(1, limits.LIST_VALUES, error="Must be {min} to {max} values.")
        metadata = about(VALUES, ["gold", "silver"], uniqueItems=True)
        value = FilledLine(limits.LIST_VALUE_LENGTH)
        super().__init__(value, validate=[limit, _check_distinct], metadata=metadata, **kwargs)


class DataType(Token):
    """The name of a data type."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(DATA_TYPES), **kwargs)


class AttributeDefinitionSchema(AnswerSchema):
    """The name of a custom attribute and the values that it may have."""

    id = fields.Integer(required=True, metadata=about("The id of the definition.", 5))
    key = fields.String(required=True, metadata=about(KEY, "tier"))
    name = fields.String(required=True, metadata=about(NAME, "Tier"))
    description = fields.String(required=True, metadata=about(DESCRIPTION, "What they pay for."))
    data_type = DataType(required=True, metadata=about(DATA_TYPE, "list"))
    values = fields.List(
        fields.String(), required=True, allow_none=True, metadata=about(VALUES, ["gold", "silver"])
    )
    regex = fields.String(required=True, allow_none=True, metadata=about(REGEX, None))
    regex_hint = fields.String(required=True, allow_none=True, metadata=about(HINT, None))
    created_at = Timestamp("When it was created.")
    updated_at = Timestamp("When it was changed last.")


class AttributeDefinitionCreateSchema(ClosedSchema):
    """A custom attribute to define. A `list` needs `values`."""

    key = AttributeKey(required=True, metadata=about(KEY, "tier"))
    name = FilledLine(limits.NAME_LENGTH, required=True, metadata=about(NAME, "Tier"))
    description = SingleLine(
        limits.DESCRIPTION_LENGTH, load_default="", metadata=about(DESCRIPTION)
    )
    data_type = DataType(required=True, metadata=about(DATA_TYPE, "list"))
    values = ListValues(load_default=None)
    regex = Pattern(load_default=None)
    regex_hint = FilledLine(limits.HINT_LENGTH, load_default=None, metadata=about(HINT))


class AttributeDefinitionUpdateSchema(ClosedSchema):
    """Changes to a definition. Key and data type may be sent, but not changed."""

    key = AttributeKey(metadata=about(KEY, "tier"))
    name = FilledLine(limits.NAME_LENGTH, metadata=about(NAME, "Tier"))
    description = SingleLine(limits.DESCRIPTION_LENGTH, metadata=about(DESCRIPTION))
    data_type = DataType(metadata=about(DATA_TYPE, "list"))
    values = ListValues(allow_none=True)
    regex = Pattern(allow_none=True)
    regex_hint = FilledLine(limits.HINT_LENGTH, allow_none=True, metadata=about(HINT))
