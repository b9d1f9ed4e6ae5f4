"""The errors a caller can be answered with: one class for each row of the contract's table.

Raise them anywhere below the routes; `envelope` alone turns them into answers. Imports nothing of
ours.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

FieldErrors = Mapping[str, list[str]]


class OperatorError(Exception):
    """Ends a command; the message is a sentence for the operator."""


class ServiceError(Exception):
    """An answer that is an error. `message` is a sentence for a person and reaches the caller."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "GeneralError"

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})

    def payload(self) -> dict[str, Any]:
        """What the envelope carries."""
        return {"message": self.message, "type": self.type}


class GeneralError(ServiceError):
    """A defect of ours; the details are in the log only."""


class InputError(ServiceError):
    """What was sent is wrong: body, query string or filter.

    `fields` maps a dotted path below `location` (`json`, `query` or `headers`) to sentences; the
    path of the body as a whole is `""`.
    """

    status = 400
    type = "InputError"

    def __init__(self, fields: FieldErrors, *, location: str = "json") -> None:
        path, sentences = next(iter(fields.items()))
        super().__init__(f"{path}: {sentences[0]}" if path else sentences[0])
        self.errors = {location: dict(fields)}

    def payload(self) -> dict[str, Any]:
        return {**super().payload(), "errors": self.errors}


class AuthError(ServiceError):
    """No token, or one that is not accepted. Carries the challenge of RFC 6750, section 3."""

    status = 401
    type = "AuthError"

    def __init__(self, message: str, *, challenge: str = 'error="invalid_token"') -> None:
        parameters = ", ".join(filter(None, ['realm="contacts"', challenge]))
        super().__init__(message, headers={"WWW-Authenticate": f"Bearer {parameters}"})


class PermissionDeniedError(ServiceError):
    """The token is good, the scope is missing (RFC 6750, section 3.1)."""

    status = 403
    type = "PermissionError"

    def __init__(self, scope: str) -> None:
        challenge = f'Bearer realm="contacts", error="insufficient_scope", scope="{scope}"'
        super().__init__(
            f"The token does not carry the scope {scope}.", headers={"WWW-Authenticate": challenge}
        )


class NotFoundError(ServiceError):
    """No such route or resource."""

    status = 404
    type = "NotFoundError"


class MethodNotAllowedError(ServiceError):
    """The route exists, the method does not; carries `Allow`."""

    status = 405
    type = "MethodNotAllowedError"


class ConflictError(ServiceError):
    """Already taken. The message never says by whom."""

    status = 409
    type = "ConflictError"


class PreconditionError(ServiceError):
    """`If-Match` names another version than the current one."""

    status = 412
    type = "PreconditionError"


class PayloadTooLargeError(ServiceError):
    """The body is over the limit of its route."""

    status = 413
    type = "PayloadTooLargeError"


class UnsupportedMediaTypeError(ServiceError):
    """The body has another content type than the route takes."""

    status = 415
    type = "UnsupportedMediaTypeError"


class UnavailableError(ServiceError):
    """Something we depend on does not answer; nothing was written, trying again may help."""

    status = 503
    type = "UnavailableError"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})
