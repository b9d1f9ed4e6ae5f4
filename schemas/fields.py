"""Field types that are stricter than marshmallow's own (docs/api.md).

They check the form of values, and bring text into its stored spelling by the rules of `text`.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from math import inf
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from contacts_service import limits, text
from contacts_service.limits import ATTRIBUTE_KEY_LENGTH, ATTRIBUTES_SIZE
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import format_timestamp, parse_timestamp
from schemas.errors import UNKNOWN

MOMENT = "2026-05-13T21:47:44.123456Z"  # the example of a time
UUID_EXAMPLE = "8c5f0f52-6cf5-4b1c-9d3c-54b6b9ad7bb1"
UUID_FORMAT = {"format": "uuid"}
MEMBER_SIZE = len(',"k":1')  # bytes of the shortest member of an object
COMPLAINTS = 100  # reported at most about one object or list

ONE_LINE = f"^[^{text.NOT_IN_LINES}]*$"

_visible = rf"[^\s{text.NOT_IN_LINES}]"
ATTRIBUTE_KEY = rf"^{_visible}([^{text.NOT_IN_LINES}]{{0,{ATTRIBUTE_KEY_LENGTH - 2}}}{_visible})?$"
NOT_BLANK = rf"^[^{text.NOT_IN_LINES}]*{_visible}[^{text.NOT_IN_LINES}]*$"
MESSAGE_ID = rf"^[^{text.NOT_IN_LINES}]*[^\s<>,;{text.NOT_IN_LINES}][^{text.NOT_IN_LINES}]*$"
SEARCHABLE = rf"^[^{text.NOT_IN_SEARCH}]*[^\s{text.NOT_IN_SEARCH}][^{text.NOT_IN_SEARCH}]*$"


class ClosedSchema(Schema):
    """An object without unknown fields. Reports at most 100 of them."""

    class Meta:
        unknown = RAISE

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Drop all but the first unknown fields, then load."""
        if isinstance(data, dict) and len(data) > len(self.load_fields) + COMPLAINTS:
            known = {field.data_key or name for name, field in self.load_fields.items()}
            others = islice((name for name in data if name not in known), COMPLAINTS)
            data = {name: data[name] for name in [*known & data.keys(), *others]}
        return super().load(data, **kwargs)


class AnswerSchema(Schema):
    """An object in an answer. Callers must expect further fields in it."""

    class Meta:
        unknown = EXCLUDE


def about(description: str, example: Any = ..., **properties: Any) -> Json:
    """The metadata of a field: what the API document says of it, and a value as an example."""
    examples = {} if example is ... else {"example": example}
    return {"description": description, **examples, **properties}


class QuerySchema(ClosedSchema):
    """A query string. An unknown parameter is answered with the names of those that are known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = ", ".join(self.fields) or "none here"
        self.error_messages["unknown"] = f"{UNKNOWN}parameter; there are: {known}."


class BoundedList(fields.List[Any]):
    """A list that is too long is refused unread. Reports at most 100 wrong items."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        for validator in self.validators:
            if isinstance(validator, validate.Length) and len(value) > (validator.max or inf):
                validator(value)
        items: list[Any] = []
        errors: dict[int, Any] = {}
        for number, item in enumerate(value):
            try:
                items.append(self.inner.deserialize(item, **kwargs))
            except ValidationError as error:
                errors[number] = error.messages
                if len(errors) == COMPLAINTS:
                    break
        if errors:
            raise ValidationError(errors)
        return items


class Text(fields.String):
    """A string that `clean`, a function of `text`, brings into its stored spelling."""

    clean: Callable[[str], str]

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return type(self).clean(super()._deserialize(value, attr, data, **kwargs))
        except ValueError as error:
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(str(error)) from None


class Token(Text):
    """A short string of a fixed form, such as an enumerated value. Surrounding blanks are cut."""

    clean = staticmethod(text.clean_line)


class SingleLine(Text):
    """A line of text of at most `max_length` characters after trimming."""

    clean = staticmethod(text.clean_line)

    def __init__(self, max_length: int, **kwargs: Any) -> None:
        metadata = {"pattern": ONE_LINE, **kwargs.pop("metadata", {})}
        limit = validate.Length(max=max_length, error="Longer than {max} characters.")
        super().__init__(validate=limit, metadata=metadata, **kwargs)


class MultiLine(Text):
    """Text of several lines of at most `max_length` characters."""

    clean = staticmethod(text.clean_paragraphs)

    def __init__(self, max_length: int, *, may_be_blank: bool = False, **kwargs: Any) -> None:
        allowed = rf"(?:[^{text.NOT_IN_PARAGRAPHS}]|\r\n)"
        visible = "" if may_be_blank else rf"[^\s{text.NOT_IN_PARAGRAPHS}]{allowed}*"
        metadata = {"pattern": f"^{allowed}*{visible}$", **kwargs.pop("metadata", {})}
        checks = [
            validate.Length(min=0 if may_be_blank else 1, error="Must not be blank."),
            validate.Length(max=max_length, error="Longer than {max} characters."),
        ]
        super().__init__(validate=checks, metadata=metadata, **kwargs)


class SearchText(Text):
    """The text of a search box: 1 to 200 characters after trimming."""

    clean = staticmethod(text.clean_search)

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": SEARCHABLE, "maxLength": limits.SEARCH_LENGTH, "minLength": 1}
        metadata |= kwargs.pop("metadata", {})
        limit = validate.Length(
            1, limits.SEARCH_LENGTH, error="Must have {min} to {max} characters."
        )
        super().__init__(validate=limit, metadata=metadata, **kwargs)


class Email(Text):
    """An email address. Loads in lower case."""

    clean = staticmethod(text.normalise_email)

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "email", "maxLength": limits.EMAIL_LENGTH, "minLength": 3}
        super().__init__(metadata=metadata | kwargs.pop("metadata", {}), **kwargs)


class Phone(Text):
    """A phone number as it was typed. `""` loads as None, which clears it."""

    clean = staticmethod(lambda given: text.clean_line(given) and text.normalise_phone(given))

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": f"^$|{text.PHONE_PATTERN}", "maxLength": limits.PHONE_LENGTH}
        super().__init__(metadata=metadata | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        number: str = super()._deserialize(value, attr, data, **kwargs)
        return number or None


class MessageId(SingleLine):
    """The id that mail systems give a message, with or without `<>`. Loads without."""

    def __init__(self, max_length: int, **kwargs: Any) -> None:
        metadata = {"pattern": MESSAGE_ID, **kwargs.pop("metadata", {})}
        super().__init__(max_length, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        message_id = text.normalise_message_id(given)
        if not message_id:
            raise ValidationError("Must not be blank.")
        return message_id


class Uuid(fields.UUID):
    """A UUID. Loads as text in its canonical spelling."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        given = value.strip() if isinstance(value, str) else value
        return str(super()._deserialize(given, attr, data, **kwargs))


class DateTime(Token):
    """A time in RFC 3339. Loads in the form in which times are stored."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "date-time", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        try:
            return format_timestamp(parse_timestamp(given))
        except (ValueError, OverflowError):
            raise ValidationError(
                "Must be a time with its offset, as in 2026-05-13T21:47:44Z."
            ) from None


class StrictBoolean(fields.Boolean):
    """`true` or `false`; refuses strings and numbers."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryNumber(fields.Integer):
    """A whole number of decimal digits in a query string."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        sentence = f"Must be a whole number from {low} to {high}."
        self.sentence = sentence
        super().__init__(validate=validate.Range(low, high, error=sentence), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch("[0-9]{1,18}", value):
            raise ValidationError(self.sentence)
        return int(value)


class Key(str):
    """A key that the caller chose. `schemas.errors` tells it from marshmallow's own keys."""

    __slots__ = ()


class CustomAttributes(fields.Dict):
    """A free-form object of limited size. Values are kept as sent."""

    # `propertyNames` restricts the keys, because generators of clients read `additionalProperties`
    # alone.
    json_properties: ClassVar = {
        "propertyNames": {"pattern": ATTRIBUTE_KEY},
        "additionalProperties": {},
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        attributes: dict[str, Any] = super()._deserialize(  # type: ignore[no-untyped-call]
            value, attr, data, **kwargs
        )
        too_large = ValidationError(f"Larger than {ATTRIBUTES_SIZE} bytes as compact JSON.")
        if len(attributes) > ATTRIBUTES_SIZE // MEMBER_SIZE:
            raise too_large
        errors: dict[str, list[str]] = {}
        cleaned: dict[str, Any] = {}
        for key, item in attributes.items():
            try:
                name = _attribute_key(key)
                if name in cleaned:
                    raise ValueError("A field is given twice.")
                _refuse_control_characters(item)
                cleaned[name] = item
            except ValueError as error:
                errors[Key(key)] = [str(error)]
        if errors:
            raise ValidationError(errors)
        if len(write_json(cleaned)) > ATTRIBUTES_SIZE:
            raise too_large
        return cleaned


def _attribute_key(key: str) -> str:
    name = text.clean_line(key)
    if not 1 <= len(name) <= ATTRIBUTE_KEY_LENGTH:
        raise ValueError(f"A key must have 1 to {ATTRIBUTE_KEY_LENGTH} characters.")
    return name


def _refuse_control_characters(value: Any) -> None:
    """Raise ValueError for a control character in any string inside `value`."""
    if isinstance(value, str):
        text.refuse_control_characters(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            text.refuse_control_characters(key)
            _refuse_control_characters(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_control_characters(item)


class Timestamp(fields.String):
    """A time in an answer: RFC 3339, UTC, microseconds, ending in Z."""

    def __init__(self, description: str, example: str | None = MOMENT, **kwargs: Any) -> None:
        metadata = about(description, example, format="date-time")
        super().__init__(required=True, metadata=metadata, **kwargs)
