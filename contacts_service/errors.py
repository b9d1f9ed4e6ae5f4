"""The errors of the service: `ServiceError` for callers, `OperatorError` for commands.

Raise them anywhere. `web.responses` renders a ServiceError, `web.openapi` documents each class by
its attributes, and `cli` prints an OperatorError. docs/api.md has the table for callers.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

FieldErrors = Mapping[str, list[str]]


class OperatorError(Exception):
    """A command or the start cannot go on; the message is a sentence that says what to do."""


class ServiceError(Exception):
    """An error that the caller receives. `message` is a sentence for a person.

    `summary` says when it is raised, in the API document and in the table of docs/api.md. Where the
    code that raises it has nothing more precise to say, `default_message` is sent; it is the
    document's example. `extra_header` is a header that its answers carry, and a sentence about it.
    """

    status: ClassVar[int]
    type: ClassVar[str]
    summary: ClassVar[str]
    default_message: ClassVar[str]
    extra_header: ClassVar[tuple[str, str] | None] = None

    def __init__(
        self, message: str | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.message = message or self.default_message
        self.headers = dict(headers or {})
        super().__init__(self.message)

    def payload(self) -> dict[str, Any]:
        """The content of the envelope."""
        return {"message": self.message, "type": self.type}


class InputError(ServiceError):
    """The body, the query string or a header is invalid.

    `fields` maps dotted paths below `location` (`json`, `query` or `headers`) to sentences. The
    path of the body as a whole is `""`.
    """

    status = 400
    type = "InputError"
    summary = (
        "the body, the query string or a filter is invalid; "
        "unknown fields and parameters are rejected"
    )
    default_message = "email: Not a valid email address."

    def __init__(self, fields: FieldErrors, *, location: str = "json") -> None:
        path, sentences = next(iter(fields.items()))
        super().__init__(f"{path}: {sentences[0]}" if path else sentences[0])
        self.errors = {location: dict(fields)}

    def payload(self) -> dict[str, Any]:
        return {**super().payload(), "errors": self.errors}


class AuthError(ServiceError):
    """The token is missing or not accepted. Carries the challenge of RFC 6750, section 3."""

    status = 401
    type = "AuthError"
    summary = (
        "no token, or one that is unknown, revoked or expired; with `WWW-Authenticate` (RFC 6750)"
    )
    default_message = "The token has expired."
    extra_header = ("WWW-Authenticate", "What a token must have (RFC 6750).")

    def __init__(self, message: str, *, challenge: str = 'error="invalid_token"') -> None:
        parameters = ", ".join(filter(None, ['realm="contacts"', challenge]))
        super().__init__(message, headers={"WWW-Authenticate": f"Bearer {parameters}"})


class PermissionDeniedError(ServiceError):
    """The token lacks the scope (RFC 6750, section 3.1)."""

    status = 403
    type = "PermissionError"
    summary = "the token lacks the scope, which the message names"
    default_message = "The token does not carry the scope contacts:read."
    extra_header = ("WWW-Authenticate", "What a token must have (RFC 6750).")

    def __init__(self, scope: str) -> None:
        challenge = f'Bearer realm="contacts", error="insufficient_scope", scope="{scope}"'
        super().__init__(
            f"The token does not carry the scope {scope}.", headers={"WWW-Authenticate": challenge}
        )


class NotFoundError(ServiceError):
    """There is no such route or resource."""

    status = 404
    type = "NotFoundError"
    summary = "no such route or resource"
    default_message = "There is no such route."


class MethodNotAllowedError(ServiceError):
    """The route exists but does not take the method. Carries `Allow`."""

    status = 405
    type = "MethodNotAllowedError"
    summary = "the route does not take this method; with `Allow`"
    default_message = "The route does not take this method."
    extra_header = ("Allow", "The methods that the route takes.")


class ConflictError(ServiceError):
    """An address, key or id is already taken. The message never says by whom."""

    status = 409
    type = "ConflictError"
    summary = "taken: the address, the attribute's key, the `message_id`, the `Idempotency-Key`"
    default_message = "The email address is already taken."


class PreconditionError(ServiceError):
    """`If-Match` names another version than the current one."""

    status = 412
    type = "PreconditionError"
    summary = "`If-Match` names another version"
    default_message = "The resource has changed since it was read; read it again."


class PayloadTooLargeError(ServiceError):
    """The body is larger than its route accepts."""

    status = 413
    type = "PayloadTooLargeError"
    summary = "the body is over 1 MiB (8 MiB with a message in it, 25 MiB for a raw mail)"
    default_message = "The body is larger than this route accepts."


class UnsupportedMediaTypeError(ServiceError):
    """The route does not take bodies of this content type."""

    status = 415
    type = "UnsupportedMediaTypeError"
    summary = "the body has another content type"
    default_message = "The body must be sent as application/json."


class GeneralError(ServiceError):
    """A defect of the service. The details are only in the log."""

    status = 500
    type = "GeneralError"
    summary = "a defect of ours; the log has it under the request's id"
    default_message = "Something went wrong on our side."


class UnavailableError(ServiceError):
    """A database or key set that the service needs does not answer; nothing was written."""

    status = 503
    type = "UnavailableError"
    summary = (
        "the database is busy or unreachable, or the query took too long; "
        "with `Retry-After`; nothing was written"
    )
    default_message = "The database is busy or unreachable; try again."
    extra_header = ("Retry-After", "After how many seconds to try again.")

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


BY_STATUS: Mapping[int, type[ServiceError]] = {
    kind.status: kind for kind in ServiceError.__subclasses__()
}
