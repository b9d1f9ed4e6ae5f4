"""The schema of the caller's own token."""

from marshmallow import fields

from schemas.fields import ClosedSchema, Timestamp
from schemas.notes import AuthorSchema


class PrincipalSchema(ClosedSchema):
    """Whom a token stands for, and what it may do."""

    agent = fields.Nested(AuthorSchema(), required=True)
    scopes = fields.List(fields.String(), required=True)
    expires_at = Timestamp(required=True, allow_none=True)
