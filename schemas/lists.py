"""What every list takes in its query string, and the shape of what it answers."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from contacts_service.listing.cursors import Walk
from contacts_service.listing.lists import Page
from schemas.fields import ClosedSchema, QueryNumber

CURSOR_HELP = """\
Walks the whole list: empty at the beginning, then the `next_cursor` of the answer before, with
the same order and filters, until that is null. Costs the same at any depth. Not together with
`page`."""


class PartQuerySchema(ClosedSchema):
    """Which part of a list (contract, section 3)."""

    page = QueryNumber(1, 2**31 - 1)
    page_size = QueryNumber(1, 100, load_default=50)
    cursor = fields.String(metadata={"description": CURSOR_HELP})

    @validates_schema
    def require_one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "page" in data and "cursor" in data:
            raise ValidationError("Not together with cursor.", "page")

    @post_load
    def to_part(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Put the part of the list that is asked for in the place of its parameters."""
        number, size = data.pop("page", 1), data.pop("page_size")
        if "cursor" in data:
            cursor = data.pop("cursor")
            data["part"] = Walk(cursor, size, question=str(sorted(data.items())))
        else:
            data["part"] = Page(number, size)
        return data


def page_of(schema: type[Schema]) -> dict[str, Any]:
    """The documented shape of a page of a list, and of a part of a walk."""
    count = {"type": "integer", "minimum": 0}
    properties = {
        "results": {"type": "array", "items": schema},
        "total": count,
        "total_pages": count,
        "page": {"type": "integer", "minimum": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 100},
    }
    walk = {
        "results": properties["results"],
        "next_cursor": {"type": ["string", "null"]},
        "page_size": properties["page_size"],
    }
    return {"oneOf": [_closed(properties), _closed(walk)]}


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
