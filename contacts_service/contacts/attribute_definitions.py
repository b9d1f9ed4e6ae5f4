"""The definitions of custom attributes: what a key is called and which values it may have.

`attributes` judges values by them. Deleting one leaves the values that contacts have.
"""

from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contacts_service.db.models import AttributeDefinition
from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.session import reader_of
from contacts_service.db.sql_json import json_object, stored_json
from contacts_service.errors import ConflictError, InputError, NotFoundError
from contacts_service.listing.lists import Listing, Order, Part, read_list
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import moment_after, now

KEY_PATTERN = "^[a-z0-9_]{1,64}$"
NAME_LENGTH = 140
DESCRIPTION_LENGTH = 1000
REGEX_LENGTH = 500
HINT_LENGTH = 250
MAX_VALUES = 500
VALUE_LENGTH = 250

AS_JSON = json_object(
    AttributeDefinition.id,
    AttributeDefinition.key,
    AttributeDefinition.name,
    AttributeDefinition.description,
    AttributeDefinition.data_type,
    values=stored_json(AttributeDefinition.values),
    regex=AttributeDefinition.regex,
    regex_hint=AttributeDefinition.regex_hint,
    created_at=AttributeDefinition.created_at,
    updated_at=AttributeDefinition.updated_at,
)
DEFINITIONS = Listing(
    "definitions",
    select(AttributeDefinition),
    Order(AttributeDefinition.id, AttributeDefinition.id, is_descending=False),
    AS_JSON,
)
_BY_ID = Prepared(select(AS_JSON).where(AttributeDefinition.id == bindparam("id")))
UNCHANGEABLE = ("key", "data_type")
TYPE_OF_FIELD = {"values": "list", "regex": "text", "regex_hint": "text"}


def list_definitions(reader: Reader, part: Part) -> Json:
    """A part of the definitions, oldest first."""
    return read_list(reader, DEFINITIONS, part)


def create_definition(session: Session, fields: Json) -> orjson.Fragment:
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
    return read_definition(reader_of(session), definition.id)


def read_definition(reader: Reader, definition_id: int) -> orjson.Fragment:
    """One definition. Raises NotFoundError."""
    definition = reader.value(_BY_ID, {"id": definition_id})
    if definition is None:
        raise NotFoundError("There is no such definition.")
    return orjson.Fragment(definition)


def update_definition(session: Session, definition_id: int, changes: Json) -> orjson.Fragment:
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
    return read_definition(reader_of(session), definition_id)


def delete_definition(session: Session, definition_id: int) -> None:
    """Raises NotFoundError."""
    deleted = session.execute(
        delete(AttributeDefinition)
        .where(AttributeDefinition.id == definition_id)
        .returning(AttributeDefinition.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such definition.")


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
