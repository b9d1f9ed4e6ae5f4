"""The query string of lists."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from contacts_service.limits import MAX_PAGE, MAX_PAGE_SIZE, PAGE_SIZE
from schemas.fields import QueryNumber, QuerySchema, about

CURSOR_HELP = """\
Reads the whole list: send it empty at first, then the `next_cursor` of the last answer with the
same order and filters, until that is null. Costs the same at any depth. Cannot be sent together
with `page`."""


class ListQuerySchema(QuerySchema):
    """A page of a list, by number or by cursor (docs/api.md)."""

    page = QueryNumber(1, MAX_PAGE, metadata=about("The number of the page, from 1."))
    page_size = QueryNumber(
        1, MAX_PAGE_SIZE, load_default=PAGE_SIZE, metadata=about("How many results a page has.")
    )
    cursor = fields.String(metadata=about(CURSOR_HELP))

    @validates_schema
    def require_one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "page" in data and "cursor" in data:
            raise ValidationError("Not together with cursor.", "page")
