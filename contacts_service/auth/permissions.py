"""Authenticates callers by their bearer token, and checks the rule that every route declares.

`@requires("contacts:read")` checks for the scope, `@requires(ANY_TOKEN)` only for a token,
`@requires(PUBLIC)` for nothing. `check_rules` refuses an application with a route without a rule.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request

from contacts_service.auth import api_keys as keys
from contacts_service.auth.jwt_verifier import JwtVerifier, jwt_verifier
from contacts_service.auth.principal import SCOPES, Principal
from contacts_service.errors import AuthError, PermissionDeniedError

View = TypeVar("View", bound=Callable[..., Any])

_bearer = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)


@dataclass(frozen=True)
class AccessRule:
    """What a caller needs: a scope; any token if `scope` is None; no token if `is_public`.

    If the scope is missing, `or_author` decides, given the principal and the view's arguments.
    """

    scope: str | None = None
    is_public: bool = False
    or_author: Callable[..., bool] | None = None


PUBLIC = AccessRule(is_public=True)
ANY_TOKEN = AccessRule()


def requires(
    rule: AccessRule | str, *, or_author: Callable[..., bool] | None = None
) -> Callable[[View], View]:
    """Run the view only for callers whom the rule, or the scope of that name, admits.

    Raises AuthError without an accepted token, then PermissionDeniedError without the scope, both
    before the view reads its input: who lacks the scope learns nothing about what exists.
    """
    if isinstance(rule, str):
        if rule not in SCOPES:
            raise ValueError(f"{rule} is not a scope")
        rule = AccessRule(rule, or_author=or_author)
    elif or_author is not None:
        raise ValueError("Only a scope can have another way in.")

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not rule.is_public:
                g.principal = principal = authenticate()
                _authorise(rule, principal, kwargs)
            return view(*args, **kwargs)

        ruled: Any = guarded
        ruled.rule = rule
        return cast(View, ruled)

    return decorator


def _authorise(rule: AccessRule, principal: Principal, arguments: dict[str, Any]) -> None:
    if rule.scope is None or rule.scope in principal.scopes:
        return
    if rule.or_author is None or not rule.or_author(principal, **arguments):
        raise PermissionDeniedError(rule.scope)


def authenticate() -> Principal:
    """Return the principal of the request's bearer token. Raises AuthError (RFC 6750)."""
    header = request.headers.get("Authorization")
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
    """Read the settings of tokens. Raises SettingsError for an unusable key or algorithm."""
    app.extensions["jwt_verifier"] = jwt_verifier(app.config)


def check_rules(app: Flask) -> None:
    """Raise RuntimeError for a route that does not declare who may call it."""
    for endpoint, view in app.view_functions.items():
        if not hasattr(view, "rule"):
            raise RuntimeError(f"The route {endpoint} declares no rule.")
