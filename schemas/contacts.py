"""The schemas of contacts, for requests and answers."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from contacts_service.limits import CHANNEL_COUNT, NAME_LENGTH, ORDERS
from contacts_service.strict_json import Json
from contacts_service.text import bare_name
from schemas.channels import ChannelCreateSchema
from schemas.fields import (
    AnswerSchema,
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
    about,
)
from schemas.lists import ListQuerySchema

CHANGES = "custom_attributes_changes"
IDENTITY = ("first_name", "last_name", "email", "phone", "contact_channels")
FILTERS_HELP = """\
JSON in the form of the schema `Filters`: an array of filters, all of which must hold, or a group.
At most 20 filters in all; groups nest two deep at most."""
FILTERS_EXAMPLE = '[{"field": "first_name", "operator": "starts with", "value": "Li"}]'
EMAIL_EXAMPLE = "linda@example.com"


class ContactChannelSchema(AnswerSchema):
    """A further address of a contact."""

    id = fields.Integer(required=True, metadata=about("The id of the channel.", 7))
    channel = fields.String(required=True, metadata=about("The kind of the address.", "email"))
    identifier = fields.String(required=True, metadata=about("The address.", "linda@work.example"))
    created_at = Timestamp("When it was added.")
    updated_at = Timestamp("When it was changed last.")


class ContactSchema(AnswerSchema):
    """A contact as lists and search show it."""

    id = fields.Integer(required=True, metadata=about("The id of the contact.", 42))
    first_name = fields.String(required=True, metadata=about("The given name, or empty.", "Linda"))
    last_name = fields.String(required=True, metadata=about("The family name, or empty.", "Olsen"))
    email = fields.String(
        required=True,
        allow_none=True,
        metadata=about("The primary email address, in lower case.", "linda@example.com"),
    )
    phone = fields.String(
        required=True,
        allow_none=True,
        metadata=about("The phone number as it was written.", "+61 412 345 678"),
    )
    blocked = fields.Boolean(
        required=True, metadata=about("Whether the contact's messages land in Spam.", False)
    )
    custom_attributes = fields.Dict(
        required=True,
        keys=fields.String(),
        metadata=about("Free-form; definitions say what to expect.", {"tier": "gold"}),
    )
    created_at = Timestamp("When the contact was created.")
    updated_at = Timestamp("When the contact was changed last.")


class ContactDetailSchema(ContactSchema):
    """A contact by itself, with its further addresses."""

    contact_channels = fields.List(
        fields.Nested(ContactChannelSchema()),
        required=True,
        metadata=about("The further addresses, oldest first."),
    )


class ContactFieldsSchema(ClosedSchema):
    """The fields of a contact that callers write."""

    first_name = SingleLine(NAME_LENGTH, metadata=about("The given name.", "Linda"))
    last_name = SingleLine(NAME_LENGTH, metadata=about("The family name.", "Olsen"))
    email = Email(allow_none=True, metadata=about("The primary email address.", EMAIL_EXAMPLE))
    phone = Phone(allow_none=True, metadata=about("The phone number.", "+61 412 345 678"))
    custom_attributes = CustomAttributes(
        metadata=about("All of them; at most 16 KiB as compact JSON.", {"tier": "gold"})
    )


class ContactUpdateSchema(ContactFieldsSchema):
    """Changes to a contact. Fields that are not sent stay as they are."""

    custom_attributes_changes = CustomAttributes(
        metadata=about(
            "Single attributes to set, or to remove by null (RFC 7396). "
            "Not together with `custom_attributes`.",
            {"tier": "gold"},
        )
    )

    @validates_schema
    def require_one_way(self, data: Json, **kwargs: Any) -> None:
        if {"custom_attributes", "custom_attributes_changes"} <= data.keys():
            raise ValidationError("Not together with custom_attributes.", CHANGES)


class ContactCreateSchema(ContactFieldsSchema):
    """A contact to create. Needs a name that is not blank, or an address."""

    contact_channels = BoundedList(
        fields.Nested(ChannelCreateSchema()),
        validate=validate.Length(max=CHANNEL_COUNT),
        metadata=about("Further addresses."),
    )

    @validates_schema
    def require_identity(self, data: Json, **kwargs: Any) -> None:
        if not any(data.get(name) for name in IDENTITY):
            raise ValidationError(f"At least one of these is required: {', '.join(IDENTITY)}.")


class QuickContactSchema(ClosedSchema):
    """A contact to create if nobody has the address."""

    first_name = SingleLine(
        NAME_LENGTH, load_default="", metadata=about("The given name.", "Linda")
    )
    last_name = SingleLine(
        NAME_LENGTH, load_default="", metadata=about("The family name.", "Olsen")
    )
    email = Email(required=True, metadata=about("The primary email address.", EMAIL_EXAMPLE))


class BlockSchema(ClosedSchema):
    """Whether the contact's messages belong in Spam."""

    blocked = StrictBoolean(
        required=True, metadata=about("Whether the contact's messages land in Spam.", True)
    )


class SearchQuerySchema(QuerySchema):
    """The text of the search box."""

    q = SearchText(
        required=True, metadata=about("Words, or parts of a number or an address.", "anna")
    )


class OrderBy(Token):
    """A field to order by. Some clients put its table in front."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return bare_name(super()._deserialize(value, attr, data, **kwargs))


class Filters(fields.String):
    """Filters as JSON text, which `listing` parses."""

    json_properties: ClassVar = {
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": "#/components/schemas/Filters"},
    }


class ContactsQuerySchema(ListQuerySchema):
    """The page, order and filters of a list of contacts."""

    order_by = OrderBy(
        load_default="created_at",
        validate=validate.OneOf(ORDERS),
        metadata=about("The field to order by; its nulls come last."),
    )
    order = Token(
        load_default="desc",
        validate=validate.OneOf(("asc", "desc")),
        metadata=about("Ascending or descending."),
    )
    filters = Filters(metadata=about(FILTERS_HELP, FILTERS_EXAMPLE))
