"""The schemas of notes on contacts."""

from marshmallow import fields

from contacts_service.limits import NOTE_LENGTH
from schemas.fields import ClosedSchema, MultiLine, Timestamp


class AuthorSchema(ClosedSchema):
    """The agent who wrote."""

    id = fields.String(required=True)
    name = fields.String(required=True)


class NoteSchema(ClosedSchema):
    """A note on a contact."""

    id = fields.Integer(required=True)
    contact_id = fields.Integer(required=True)
    content = fields.String(required=True)
    author = fields.Nested(AuthorSchema(), required=True)
    created_at = Timestamp(required=True)


class NoteCreateSchema(ClosedSchema):
    """A note to write on a contact."""

    content = MultiLine(NOTE_LENGTH, required=True)
