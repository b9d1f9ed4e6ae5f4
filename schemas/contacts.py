"""The schemas of contacts, for requests and answers."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from contacts_service.limits import CHANNEL_COUNT, NAME_LENGTH, ORDERS
from contacts_service.strict_json import Json
from contacts_service.text import bare_name
from schemas.channels import ChannelCreateSchema
from schemas.fields import (
    NOT_BLANK,
    BoundedList,
    ClosedSchema,
    CustomAttributes,
    Email,
    Phone,
    QuerySchema,
    SearchText,
    SingleLine,
    StrictBoolean,
    Timestamp,
    Token,
)
from schemas.lists import ListQuerySchema

CHANGES = "custom_attributes_changes"
IDENTITY = ("first_name", "last_name", "email", "phone", "contact_channels")
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


class ContactFieldsSchema(ClosedSchema):
    """The fields of a contact that callers write."""

    first_name = SingleLine(NAME_LENGTH)
    last_name = SingleLine(NAME_LENGTH)
    email = Email(allow_none=True)
    phone = Phone(allow_none=True)
    custom_attributes = CustomAttributes()


class ContactUpdateSchema(ContactFieldsSchema):
    """Changes to a contact. Fields that are not sent stay as they are."""

    custom_attributes_changes = CustomAttributes()

    @validates_schema
    def require_one_way(self, data: Json, **kwargs: Any) -> None:
        if {"custom_attributes", "custom_attributes_changes"} <= data.keys():
            raise ValidationError("Not together with custom_attributes.", CHANGES)


class ContactCreateSchema(ContactFieldsSchema):
    """A contact to create, with a name or an address at least."""

    json_rules: ClassVar[Json] = {
        "anyOf": [
            {"required": [name], "properties": {name: shape}}
            for name, shape in (
                ("first_name", {"type": "string", "pattern": NOT_BLANK}),
                ("last_name", {"type": "string", "pattern": NOT_BLANK}),
                ("email", {"type": "string"}),
                ("phone", {"type": "string", "minLength": 1}),
                ("contact_channels", {"type": "array", "minItems": 1}),
            )
        ]
    }

    contact_channels = BoundedList(
        fields.Nested(ChannelCreateSchema()), validate=validate.Length(max=CHANNEL_COUNT)
    )

    @validates_schema
    def require_identity(self, data: Json, **kwargs: Any) -> None:
        if not any(data.get(name) for name in IDENTITY):
            raise ValidationError(f"At least one of these is required: {', '.join(IDENTITY)}.")


class QuickContactSchema(ClosedSchema):
    """A contact to create if nobody has the address."""

    first_name = SingleLine(NAME_LENGTH, load_default="")
    last_name = SingleLine(NAME_LENGTH, load_default="")
    email = Email(required=True)


class BlockSchema(ClosedSchema):
    """Whether the contact's messages belong in Spam."""

    blocked = StrictBoolean(required=True)


class SearchQuerySchema(QuerySchema):
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
