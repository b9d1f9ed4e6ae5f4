"""The routes of the definitions of custom attributes."""

from contacts_service.auth.permissions import ANY_TOKEN, requires
from contacts_service.contacts import attribute_definitions
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.listing.lists import page_request
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from contacts_service.web.openapi import alt_response
from schemas.answers import DELETED, page_of
from schemas.attribute_definitions import (
    AttributeDefinitionCreateSchema,
    AttributeDefinitionSchema,
    AttributeDefinitionUpdateSchema,
)
from schemas.lists import ListQuerySchema

DEFINITION_PATH = "/custom-attributes/<id:definition_id>"
CREATE_EXAMPLE = {
    "key": "tier",
    "name": "Tier",
    "data_type": "list",
    "values": ["gold", "silver", "bronze"],
}

blueprint = Blueprint(
    "custom_attributes", __name__, description="Definitions of custom attributes."
)


@blueprint.route("/custom-attributes")
@requires(ANY_TOKEN)
@blueprint.response(200, page_of(AttributeDefinitionSchema))
@blueprint.arguments(ListQuerySchema(), location="query")
def list_definitions(query: Json) -> Json:
    """List the definitions of custom attributes, oldest first."""
    return attribute_definitions.list_definitions(read_connection(), page_request(query))


@blueprint.route("/custom-attributes", methods=["POST"])
@requires("custom_attributes:manage")
@alt_response(409)
@blueprint.response(201, AttributeDefinitionSchema)
@blueprint.arguments(AttributeDefinitionCreateSchema(), example=CREATE_EXAMPLE)
def create_definition(body: Json) -> Json:
    """Define a custom attribute.

    A `list` needs `values`; a `text` may have a `regex`, which the whole value must match. The
    values of contacts are checked only if the service runs in strict mode.
    """
    with unit_of_work() as session:
        return attribute_definitions.create_definition(session, body)


@blueprint.route(DEFINITION_PATH)
@requires("custom_attributes:manage")
@blueprint.response(200, AttributeDefinitionSchema)
def get_definition(definition_id: int) -> Json:
    """Get one definition."""
    return attribute_definitions.read_definition(read_connection(), definition_id)


@blueprint.route(DEFINITION_PATH, methods=["PUT"])
@requires("custom_attributes:manage")
@blueprint.response(200, AttributeDefinitionSchema)
@blueprint.arguments(
    AttributeDefinitionUpdateSchema(), example={"values": ["platinum", "gold", "silver"]}
)
def update_definition(changes: Json, definition_id: int) -> Json:
    """Change a definition. Fields that are not sent stay as they are.

    Key and data type cannot be changed. `null` clears `regex` or `regex_hint`. Contacts keep their
    values.
    """
    with unit_of_work() as session:
        return attribute_definitions.update_definition(session, definition_id, changes)


@blueprint.route(DEFINITION_PATH, methods=["DELETE"])
@requires("custom_attributes:manage")
@blueprint.response(200, DELETED)
def delete_definition(definition_id: int) -> bool:
    """Delete a definition. Contacts keep their values."""
    with unit_of_work() as session:
        attribute_definitions.delete_definition(session, definition_id)
    return True
