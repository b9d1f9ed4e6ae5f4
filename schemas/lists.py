"""The query string of lists, and the documented shape of their answers."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from contacts_service.limits import MAX_PAGE, MAX_PAGE_SIZE, PAGE_SIZE
from schemas.fields import QueryNumber, QuerySchema

CURSOR_HELP = """\
Reads the whole list: send it empty at first, then the `next_cursor` of the last answer with the
same order and filters, until that is null. Costs the same at any depth. Cannot be sent together
with `page`."""


class ListQuerySchema(QuerySchema):
    """A page of a list, by number or by cursor (docs/api.md)."""

    page = QueryNumber(1, MAX_PAGE)
    page_size = QueryNumber(1, MAX_PAGE_SIZE, load_default=PAGE_SIZE)
    cursor = fields.String(metadata={"description": CURSOR_HELP})

    @validates_schema
    def require_one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "page" in data and "cursor" in data:
            raise ValidationError("Not together with cursor.", "page")


def page_of(schema: type[Schema]) -> dict[str, Any]:
    """The documented shape of a page of a list, by number or by cursor."""
    count = {"type": "integer", "minimum": 0}
    properties = {
        "results": {"type": "array", "items": schema},
        "total": count,
        "total_pages": count,
        "page": {"type": "integer", "minimum": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
    }
    cursor_page = {
        "results": properties["results"],
        "next_cursor": {"type": ["string", "null"]},
        "page_size": properties["page_size"],
    }
    return {"oneOf": [_closed(properties), _closed(cursor_page)]}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(schema: type[Schema]) -> dict[str, Any]:
    """The documented shape of a bounded list."""
    return {"type": "array", "items": schema}
