"""Custom attributes: free-form, unless strict mode asks that they suit their definitions.

`definitions` keeps the definitions; here is what the values of each data type look like.
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

VALUES_TOLD = 10  # of a list, in the sentence about a value that is none of them


def check_attributes(session: UnitOfWork, attributes: Json) -> None:
    """Judge every attribute, where strict mode is on (contract, section 6).

    Raises InputError that names each key without a definition and each value that does not suit it.
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
    """What is wrong with the value of a key that has this definition, if anything is."""
    if definition is None:
        return "This attribute is not defined."
    return None if value is None else JUDGES[definition.data_type](value, definition)


def _judge_text(value: Any, definition: AttributeDefinition) -> str | None:
    if not isinstance(value, str):
        return "Must be a string."
    if definition.regex is None or compile_pattern(definition.regex).fullmatch(value):
        return None
    return definition.regex_hint or f"Must match {definition.regex} as a whole."


def _judge_number(value: Any, _definition: AttributeDefinition) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number else "Must be a number."


def _judge_checkbox(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if isinstance(value, bool) else "Must be true or false."


def _judge_date(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if _is_date(value) else "Must be a date, as in 2026-05-13."


def _judge_link(value: Any, _definition: AttributeDefinition) -> str | None:
    return None if _is_link(value) else "Must be a web address, as in https://example.com/page."


def _judge_list(value: Any, definition: AttributeDefinition) -> str | None:
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
    """Whether it is an absolute http(s) URL with a host; a backslash is a slash to browsers."""
    if not isinstance(value, str) or re.search(r"[\s\\]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


JUDGES: dict[str, Callable[[Any, AttributeDefinition], str | None]] = {
    "text": _judge_text,
    "number": _judge_number,
    "checkbox": _judge_checkbox,
    "date": _judge_date,
    "link": _judge_link,
    "list": _judge_list,
}
