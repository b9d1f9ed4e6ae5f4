"""The schema of the caller's own token."""

from marshmallow import fields

from schemas.fields import AnswerSchema, Timestamp, about
from schemas.notes import AuthorSchema


class PrincipalSchema(AnswerSchema):
    """Whom a token stands for, and what it may do."""

    agent = fields.Nested(AuthorSchema(), required=True, metadata=about("The agent."))
    scopes = fields.List(
        fields.String(), required=True, metadata=about("The known scopes.", ["contacts:read"])
    )
    expires_at = Timestamp("When the token ends; null if it does not.", None, allow_none=True)
