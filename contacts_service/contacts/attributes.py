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

VALUES_TOLD = 10  # how many values of a list a sentence about a wrong one names


def check_attributes(session: UnitOfWork, attributes: Json) -> None:
    """Check every attribute. Does nothing unless strict mode is on.

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
            errors[f"custom_attributes.{key}"] = [sentence]
    if errors:
        raise InputError(errors)


def _complaint(value: Any, definition: AttributeDefinition | None) -> str | None:
    """Return a sentence about a value that this definition forbids, else None."""
    if definition is None:
        return "This attribute is not defined."
    return None if value is None else CHECKS[definition.data_type](value, definition)


def _check_text(value: Any, definition: AttributeDefinition) -> str | None:
    if not isinstance(value, str):
        return "Must be a string."
    if definition.regex is None or compile_pattern(definition.regex).fullmatch(value):
        return None
    return definition.regex_hint or f"Must match {definition.regex} as a whole."


def _check_number(value: Any, _definition: AttributeDefinition) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number else "Must be a number."


def _check_checkbox(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if isinstance(value, bool) else "Must be true or false."


def _check_date(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if _is_date(value) else "Must be a date, as in 2026-05-13."


def _check_link(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if _is_link(value) else "Must be a web address, as in https://example.com/page."


def _check_list(value: Any, definition: AttributeDefinition) -> str | None:
    values = orjson.loads(definition.values or "[]")
    if value in values:
        return None
    more = ", …" if len(values) > VALUES_TOLD else ""
    return f"Must be one of: {', '.join(values[:VALUES_TOLD])}{more}."


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


CHECKS: dict[str, Callable[[Any, AttributeDefinition], str | None]] = {
    "text": _check_text,
    "number": _check_number,
    "checkbox": _check_checkbox,
    "date": _check_date,
    "link": _check_link,
    "list": _check_list,
}
