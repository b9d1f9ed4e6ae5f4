"""The definitions of custom attributes: what a key is called and which values it may have.

`attributes` judges values by them. Deleting one leaves the values that contacts have.
"""

from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contacts_service.clock import moment_after, now
from contacts_service.errors import ConflictError, InputError, NotFoundError
from contacts_service.listing import AnyRow, Listing, Order, Part, read_list
from contacts_service.models import AttributeDefinition
from contacts_service.strict_json import Json, write_json

KEY_PATTERN = "^[a-z0-9_]{1,64}$"
NAME_LENGTH = 140
DESCRIPTION_LENGTH = 1000
REGEX_LENGTH = 500
HINT_LENGTH = 250
MAX_VALUES = 500
VALUE_LENGTH = 250

OLDEST_FIRST = Order(AttributeDefinition.id, AttributeDefinition.id, is_descending=False)

# The columns of a definition in the order in which they are sent.
COLUMNS = (
    AttributeDefinition.id,
    AttributeDefinition.key,
    AttributeDefinition.name,
    AttributeDefinition.description,
    AttributeDefinition.data_type,
    AttributeDefinition.values,
    AttributeDefinition.regex,
    AttributeDefinition.regex_hint,
    AttributeDefinition.created_at,
    AttributeDefinition.updated_at,
)
NAMES = tuple(column.key for column in COLUMNS)
UNCHANGEABLE = ("key", "data_type")
TYPE_OF_FIELD = {"values": "list", "regex": "text", "regex_hint": "text"}


def list_definitions(session: Session, part: Part) -> Json:
    """A part of the definitions, oldest first."""
    listing = Listing("definitions", select(*COLUMNS), OLDEST_FIRST, definition_json)
    return read_list(session, listing, part)


def create_definition(session: Session, fields: Json) -> Json:
    """The new definition. Raises InputError for a field that its data type does not have or lacks,
    ConflictError for a key that is defined.
    """
    _check_fields(fields["data_type"], fields)
    moment = now()
    definition = AttributeDefinition(**_stored(fields), created_at=moment, updated_at=moment)
    session.add(definition)
    try:
        session.flush()
    except IntegrityError:  # the key is all that can be taken
        raise ConflictError("The key is already defined.") from None
    return read_definition(session, definition.id)


def read_definition(session: Session, definition_id: int) -> Json:
    """One definition. Raises NotFoundError."""
    query = select(*COLUMNS).where(AttributeDefinition.id == definition_id)
    row = session.execute(query).first()
    if row is None:
        raise NotFoundError("There is no such definition.")
    return definition_json(row)


def update_definition(session: Session, definition_id: int, changes: Json) -> Json:
    """Change what `changes` holds and leave the rest; where nothing differs, `updated_at` stays.

    Raises NotFoundError, and InputError for another key or data type and as `create_definition`.
    """
    definition = session.get(AttributeDefinition, definition_id)
    if definition is None:
        raise NotFoundError("There is no such definition.")
    for name in UNCHANGEABLE:
        if changes.get(name, getattr(definition, name)) != getattr(definition, name):
            raise InputError({name: ["Cannot be changed."]})
    _check_fields(definition.data_type, changes)
    for name, value in _stored(changes).items():
        setattr(definition, name, value)
    if session.is_modified(definition):
        definition.updated_at = moment_after(definition.updated_at)
    session.flush()
    return read_definition(session, definition_id)


def delete_definition(session: Session, definition_id: int) -> None:
    """Raises NotFoundError."""
    deleted = session.execute(
        delete(AttributeDefinition)
        .where(AttributeDefinition.id == definition_id)
        .returning(AttributeDefinition.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such definition.")


def definition_json(row: AnyRow) -> Json:
    definition = dict(zip(NAMES, row, strict=True))
    if definition["values"] is not None:
        definition["values"] = orjson.Fragment(definition["values"])
    return definition


def _check_fields(data_type: str, fields: Json) -> None:
    """Raises InputError for each field that belongs to another data type, or that is missing."""
    errors = {
        name: [f"Only for the data type {owner}."]
        for name, owner in TYPE_OF_FIELD.items()
        if data_type != owner and fields.get(name) is not None
    }
    if data_type == "list" and fields.get("values", ()) is None:
        errors["values"] = ["A list needs its values."]
    if errors:
        raise InputError(errors)


def _stored(fields: Json) -> dict[str, Any]:
    """The fields as the columns hold them."""
    values = fields.get("values")
    return fields if values is None else fields | {"values": write_json(values).decode()}
