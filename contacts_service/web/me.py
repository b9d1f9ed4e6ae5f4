"""`GET /me`: whom a token stands for, and what it may do."""

from flask import g

from contacts_service.auth.permissions import ANY_TOKEN, requires
from contacts_service.auth.principal import Principal
from contacts_service.strict_json import Json
from contacts_service.web.blueprint import Blueprint
from schemas.principal import PrincipalSchema

blueprint = Blueprint("me", __name__, description="The caller's own token.")


@blueprint.route("/me")
@requires(ANY_TOKEN)
@blueprint.response(200, PrincipalSchema)
def get_me() -> Json:
    """Tell whom the token stands for, what it may do and when it ends."""
    principal: Principal = g.principal
    return {
        "agent": {"id": principal.agent_id, "name": principal.agent_name},
        "scopes": sorted(principal.scopes),
        "expires_at": principal.expires_at,
    }
