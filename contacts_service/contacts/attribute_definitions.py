"""The definitions of custom attributes: the name of a key, and the values that it may have.

`attributes` checks values by them. When a definition is deleted, contacts keep their values.
"""

from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from contacts_service.db.models import AttributeDefinition
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import ConflictError, InputError, NotFoundError
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import next_timestamp, utc_now
from schemas.attribute_definitions import AttributeDefinitionSchema

DEFINITION_SHAPE = Shape(AttributeDefinitionSchema().fields, AttributeDefinition)
DEFINITIONS = ListQuery(
    "definitions",
    select(AttributeDefinition),
    Order(AttributeDefinition.id, AttributeDefinition.id, is_descending=False),
    DEFINITION_SHAPE,
)
_BY_ID = CompiledStatement(
    select(*DEFINITION_SHAPE.columns).where(AttributeDefinition.id == bindparam("id"))
)
UNCHANGEABLE = ("key", "data_type")
TYPE_OF_FIELD = {"values": "list", "regex": "text", "regex_hint": "text"}


def list_definitions(reads: ReadConnection, page: PageRequest) -> Json:
    """Read a page of the definitions, oldest first."""
    return read_list(reads, DEFINITIONS, page)


def create_definition(session: UnitOfWork, fields: Json) -> Json:
    """Create a definition.

    Raises InputError if its data type lacks a field or does not have it, and ConflictError if the
    key is defined already.
    """
    _check_fields(fields["data_type"], fields)
    timestamp = utc_now()
    definition = AttributeDefinition(
        **_column_values(fields), created_at=timestamp, updated_at=timestamp
    )
    session.add(definition)
    try:
        session.flush()
    except IntegrityError:  # the key is the only unique column
        raise ConflictError("The key is already defined.") from None
    return read_definition(session.reads, definition.id)


def read_definition(reads: ReadConnection, definition_id: int) -> Json:
    """Read one definition. Raises NotFoundError."""
    row = reads.row(_BY_ID, {"id": definition_id})
    if row is None:
        raise NotFoundError("There is no such definition.")
    return DEFINITION_SHAPE.read(row)


def update_definition(session: UnitOfWork, definition_id: int, changes: Json) -> Json:
    """Change the fields in `changes`. If none differs, `updated_at` stays.

    Raises NotFoundError, and InputError like `create_definition` or for another key or data type.
    """
    definition = session.get(AttributeDefinition, definition_id)
    if definition is None:
        raise NotFoundError("There is no such definition.")
    for name in UNCHANGEABLE:
        if changes.get(name, getattr(definition, name)) != getattr(definition, name):
            raise InputError({name: ["Cannot be changed."]})
    _check_fields(definition.data_type, changes)
    for name, value in _column_values(changes).items():
        setattr(definition, name, value)
    if session.is_modified(definition):
        definition.updated_at = next_timestamp(definition.updated_at)
    return read_definition(session.reads, definition_id)


def delete_definition(session: UnitOfWork, definition_id: int) -> None:
    """Delete a definition. Raises NotFoundError."""
    deleted = session.execute(
        delete(AttributeDefinition)
        .where(AttributeDefinition.id == definition_id)
        .returning(AttributeDefinition.id)
    )
    if deleted.first() is None:
        raise NotFoundError("There is no such definition.")


def _check_fields(data_type: str, fields: Json) -> None:
    """Raise InputError about fields that belong to another data type or are missing."""
    errors = {
        name: [f"Only for the data type {owner}."]
        for name, owner in TYPE_OF_FIELD.items()
        if data_type != owner and fields.get(name) is not None
    }
    if data_type == "list" and fields.get("values", ()) is None:
        errors["values"] = ["A list needs its values."]
    if errors:
        raise InputError(errors)


def _column_values(fields: Json) -> dict[str, Any]:
    """Convert fields to the values of their columns."""
    values = fields.get("values")
    return fields if values is None else fields | {"values": write_json(values).decode()}
