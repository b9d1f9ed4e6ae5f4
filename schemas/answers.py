"""The shapes of answers for the API document: envelopes, pages of lists, errors, examples.

The names of these schemas are the names of the types in generated clients.
"""

from functools import cache
from typing import Any

from marshmallow import Schema, fields

from contacts_service.limits import MAX_PAGE_SIZE, PAGE_SIZE
from contacts_service.strict_json import Json
from schemas.fields import AnswerSchema, about


class Envelope(AnswerSchema):
    """An answer as it is sent."""


def _envelope(name: str, data: fields.Field[Any]) -> type[Schema]:
    return Envelope.from_dict({"data": data}, name=f"{name}Answer")


def _name(schema: type[Schema]) -> str:
    return schema.__name__.removesuffix("Schema")


@cache
def enveloped(schema: type[Schema]) -> type[Schema]:
    """The envelope around `schema`, or `schema` itself if it is one."""
    if issubclass(schema, Envelope):
        return schema
    data = fields.Nested(schema(), required=True, metadata=about("What was asked for."))
    return _envelope(_name(schema), data)


@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """A page of a list, by its number, with totals, or by a cursor."""
    total = about("How many there are on all pages; not with a cursor.", 1, minimum=0)
    pages = about("How many pages there are; not with a cursor.", 1, minimum=0)
    page = about("The number of this page; not with a cursor.", 1, minimum=1)
    size = about("At most so many results.", PAGE_SIZE, minimum=1, maximum=MAX_PAGE_SIZE)
    cursor = about("Only with a cursor: what to send for the next page; null on the last one.")
    results = fields.Nested(schema())
    return AnswerSchema.from_dict(
        {
            "results": fields.List(results, required=True, metadata=about("The page's rows.")),
            "total": fields.Integer(metadata=total),
            "total_pages": fields.Integer(metadata=pages),
            "page": fields.Integer(metadata=page),
            "page_size": fields.Integer(required=True, metadata=size),
            "next_cursor": fields.String(allow_none=True, metadata=cursor),
        },
        name=f"{_name(schema)}Page",
    )


@cache
def list_of(schema: type[Schema]) -> type[Schema]:
    """The envelope around a bounded list."""
    data = fields.List(
        fields.Nested(schema()), required=True, metadata=about("What was found, best first.")
    )
    return _envelope(f"{_name(schema)}List", data)


DELETED = _envelope(
    "Deleted", fields.Boolean(required=True, metadata=about("It is deleted: always true.", True))
)


class ErrorDetailsSchema(AnswerSchema):
    """What went wrong."""

    message = fields.String(
        required=True, metadata=about("A sentence for a person.", "The token has expired.")
    )
    type = fields.String(
        required=True, metadata=about("The kind of error, for programs.", "AuthError")
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.List(fields.String())),
        metadata=about(
            "Only for `InputError`: sentences by place (`json`, `query` or `headers`) and field."
        ),
    )


class ErrorSchema(Envelope):
    """Any answer from 400 on."""

    data = fields.Nested(ErrorDetailsSchema(), required=True, metadata=about("What went wrong."))


def example_of(schema: Schema) -> Json:
    """An example made of those of the schema's fields; fields without one are left out."""
    examples = {field.data_key or name: _example(field) for name, field in schema.fields.items()}
    return {name: example for name, example in examples.items() if example is not ...}


def _example(field: fields.Field[Any]) -> Any:
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    return [_example(field.inner)] if isinstance(field, fields.List) else ...
