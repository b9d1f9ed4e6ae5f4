"""The schemas of contacts, for requests and answers."""

from typing import Any, ClassVar

from marshmallow import fields, validate

from contacts_service.limits import NAME_LENGTH, ORDERS
from contacts_service.strict_json import Json
from contacts_service.text import bare_name
from schemas.fields import (
    ClosedSchema,
    CustomAttributes,
    Email,
    Phone,
    SearchText,
    SingleLine,
    StrictBoolean,
    Timestamp,
    Token,
)
from schemas.lists import ListQuerySchema

FILTERS_HELP = """\
A JSON array of filters, all of which must hold, or a group. At most 20 filters in all; groups nest
two deep at most."""


class ContactChannelSchema(ClosedSchema):
    """A further address of a contact."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True)
    identifier = fields.String(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class ContactSchema(ClosedSchema):
    """A contact as lists and search show it."""

    id = fields.Integer(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    blocked = fields.Boolean(required=True)
    custom_attributes = fields.Dict(required=True, keys=fields.String())
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class ContactDetailSchema(ContactSchema):
    """A contact by itself, with its further addresses."""

    contact_channels = fields.List(fields.Nested(ContactChannelSchema()), required=True)


class ContactUpdateSchema(ClosedSchema):
    """Changes to a contact. Fields that are not sent stay as they are."""

    first_name = SingleLine(NAME_LENGTH)
    last_name = SingleLine(NAME_LENGTH)
    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    custom_attributes = CustomAttributes()


class QuickContactSchema(ClosedSchema):
    """A contact to create if nobody has the address."""

    first_name = SingleLine(NAME_LENGTH, load_default="")
    last_name = SingleLine(NAME_LENGTH, load_default="")
    email = Email(required=True)


class BlockSchema(ClosedSchema):
    """Whether the contact's messages belong in Spam."""

    blocked = StrictBoolean(required=True)


class SearchQuerySchema(ClosedSchema):
    """The text of the search box."""

    q = SearchText(required=True)


class OrderBy(Token):
    """A field to order by. Some clients put its table in front."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return bare_name(super()._deserialize(value, attr, data, **kwargs))


class Filters(fields.String):
    """Filters as JSON text, which `listing` parses. The routes set the documented shape."""

    json_shape: ClassVar[Json] = {}


class ContactsQuerySchema(ListQuerySchema):
    """The page, order and filters of a list of contacts."""

    order_by = OrderBy(load_default="created_at", validate=validate.OneOf(ORDERS))
    order = Token(load_default="desc", validate=validate.OneOf(("asc", "desc")))
    filters = Filters(metadata={"description": FILTERS_HELP})
