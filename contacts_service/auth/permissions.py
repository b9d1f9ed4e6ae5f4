"""Who may call: from the bearer token to a principal, and the rule that every route declares.

`@requires("contacts:read")` on a view checks the scope, `@requires(ANY_TOKEN)` only the token,
`@requires(PUBLIC)` nothing. `check_rules` refuses an application with a route that declares none.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from contacts_service.auth import api_keys as keys
from contacts_service.auth.jwt_verifier import JwtVerifier, jwt_verifier
from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.errors import AuthError, PermissionDeniedError

View = TypeVar("View", bound=Callable[..., Any])

_bearer = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """What a caller needs. `scope` None: any token will do; `is_public`: not even that.

    `or_author` is asked, with the principal and the view's arguments, where the scope is missing.
    """

    scope: str | None = None
    is_public: bool = False
    or_author: Callable[..., bool] | None = None


PUBLIC = Rule(is_public=True)
ANY_TOKEN = Rule()


def requires(
    rule: Rule | str, *, or_author: Callable[..., bool] | None = None
) -> Callable[[View], View]:
    """Let the view run only for callers whom `rule`, or the scope of that name, admits.

    Raises AuthError without an accepted token, then PermissionDeniedError without the scope,
    before the view looks at what was sent (contract, section 1, order of checks).
    """
    if isinstance(rule, str):
        if rule not in SCOPES:
            raise ValueError(f"{rule} is not a scope")
        rule = Rule(rule, or_author=or_author)

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not rule.is_public:
                g.principal = principal = authenticate()
                _authorise(rule, principal, kwargs)
            return view(*args, **kwargs)

        guarded.rule = rule  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorator


def _authorise(rule: Rule, principal: Principal, arguments: dict[str, Any]) -> None:
    if rule.scope is None or rule.scope in principal.scopes:
        return
    if rule.or_author is None or not rule.or_author(principal, **arguments):
        raise PermissionDeniedError(rule.scope)


def authenticate() -> Principal:
    """The principal of the request's bearer token. Raises AuthError (RFC 6750)."""
    header: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        raise AuthError("A bearer token is required.", challenge="")
    match = _bearer.fullmatch(header.strip())
    if match is None:
        is_bearer = header.strip().lower().startswith("bearer")
        challenge = 'error="invalid_token"' if is_bearer else ""
        raise AuthError(
            "The Authorization header does not hold a bearer token.", challenge=challenge
        )
    token = match[1]
    if token.startswith(keys.PREFIX):
        return keys.principal_of(token)
    verifier: JwtVerifier | None = current_app.extensions["jwt_verifier"]
    if verifier is None:
        raise AuthError("The token is not known.")
    return verifier.verify(token)


def init_auth(app: Flask) -> None:
    """Read the token settings. Raises SettingsError for a key or algorithm that will not do."""
    app.extensions["jwt_verifier"] = jwt_verifier(app.config)


def check_rules(app: Flask) -> None:
    """Refuse to serve a route that forgot to say who may call it."""
    for endpoint, view in app.view_functions.items():
        if not hasattr(view, "rule"):
            raise RuntimeError(f"The route {endpoint} declares no rule.")
