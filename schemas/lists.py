"""What every list takes in its query string, and the shape of what it answers."""

from typing import Any

from marshmallow import Schema, post_load

from contacts_service.listing import Page
from schemas.fields import ClosedSchema, QueryNumber


class PageQuerySchema(ClosedSchema):
    """Which page of a list (contract, section 3)."""

    page = QueryNumber(1, 2**31 - 1, load_default=1)
    page_size = QueryNumber(1, 100, load_default=50)

    @post_load
    def to_page(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        data["page"] = Page(data.pop("page"), data.pop("page_size"))
        return data


def page_of(schema: type[Schema]) -> dict[str, Any]:
    """The documented shape of a page of a list."""
    count = {"type": "integer", "minimum": 0}
    properties = {
        "results": {"type": "array", "items": schema},
        "total": count,
        "total_pages": count,
        "page": {"type": "integer", "minimum": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": 100},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(schema: type[Schema]) -> dict[str, Any]:
    """The documented shape of a bounded list."""
    return {"type": "array", "items": schema}
