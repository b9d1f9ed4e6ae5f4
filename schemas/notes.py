"""The schemas of notes on contacts."""

from marshmallow import fields

from contacts_service.limits import NOTE_LENGTH
from schemas.fields import AnswerSchema, ClosedSchema, MultiLine, Timestamp, about

EXAMPLE = "Wants invoices on the first of the month."


class AuthorSchema(AnswerSchema):
    """An agent."""

    id = fields.String(required=True, metadata=about("The id of the agent.", "17"))
    name = fields.String(required=True, metadata=about("The name of the agent.", "Bob Smith"))


class NoteSchema(AnswerSchema):
    """A note on a contact."""

    id = fields.Integer(required=True, metadata=about("The id of the note.", 3))
    contact_id = fields.Integer(required=True, metadata=about("The id of the contact.", 42))
    content = fields.String(required=True, metadata=about("What it says.", EXAMPLE))
    author = fields.Nested(AuthorSchema(), required=True, metadata=about("The agent who wrote it."))
    created_at = Timestamp("When it was written.")


class NoteCreateSchema(ClosedSchema):
    """A note to write on a contact."""

    content = MultiLine(NOTE_LENGTH, required=True, metadata=about("What it says.", EXAMPLE))
