"""Checks custom attributes against their definitions, in strict mode (docs/api.md).

`attribute_definitions` stores the definitions.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import current_app
from sqlalchemy import select

from contacts_service.db.models import AttributeDefinition
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import InputError
from contacts_service.strict_json import Json
from contacts_service.text import compile_pattern

VALUES_NAMED = 10  # in the sentence about a value that is not in a list


def check_attributes(
    session: UnitOfWork, attributes: Json, field: str = "custom_attributes"
) -> None:
    """Check every attribute that was sent in `field`. Does nothing unless strict mode is on.

    Raises InputError that names each undefined key and each value that its definition forbids.
    """
    if not current_app.config["CONTACTS_STRICT_ATTRIBUTES"]:
        return
    query = select(AttributeDefinition).where(AttributeDefinition.key.in_(attributes))
    definitions = {definition.key: definition for definition in session.scalars(query)}
    errors: dict[str, list[str]] = {}
    for key, value in attributes.items():
        sentence = _complaint(value, definitions.get(key))
        if sentence is not None:
            errors[f"{field}.{key}"] = [sentence]
    if errors:
        raise InputError(errors)


def _complaint(value: Any, definition: AttributeDefinition | None) -> str | None:
    """Return a sentence about a value that this definition forbids, else None."""
    if definition is None:
        return "This attribute is not defined."
    if value is None:
        return None
    if definition.data_type == "text":
        return _complaint_about_text(value, definition)
    if definition.data_type == "list":
        return _complaint_about_choice(value, orjson.loads(definition.values or "[]"))
    is_valid, sentence = CHECKS[definition.data_type]
    return None if is_valid(value) else sentence


def _complaint_about_text(value: Any, definition: AttributeDefinition) -> str | None:
    if not isinstance(value, str):
        return "Must be a string."
    if definition.regex is None or compile_pattern(definition.regex).fullmatch(value):
        return None
    return definition.regex_hint or f"Must match {definition.regex} as a whole."


def _complaint_about_choice(value: Any, values: list[str]) -> str | None:
    if value in values:
        return None
    more = ", …" if len(values) > VALUES_NAMED else ""
    return f"Must be one of: {', '.join(values[:VALUES_NAMED])}{more}."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_link(value: Any) -> bool:
    """Whether it is an absolute http(s) URL with a host. Browsers take a backslash for a slash."""
    if not isinstance(value, str) or re.search(r"[\s\\]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "number": (_is_number, "Must be a number."),
    "checkbox": (_is_boolean, "Must be true or false."),
    "date": (_is_date, "Must be a date, as in 2026-05-13."),
    "link": (_is_link, "Must be a web address, as in https://example.com/page."),
}
