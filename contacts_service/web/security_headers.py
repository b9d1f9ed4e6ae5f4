"""The headers that every answer carries for browsers: no guessing of types, no frames, no referrer.

A `DataResponse` has them, and `init_security_headers` adds them to all other answers of an
application or a blueprint. A page replaces the policy by `PAGE_POLICY`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response
from flask.sansio.scaffold import Scaffold

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

DATA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Not `no-store`: a browser may keep an answer to ask with If-None-Match whether it is current.
    "Cache-Control": "private, no-cache",
}

_by_key = {pair[0].lower(): pair for pair in DATA_HEADERS.items()}

# A page loads scripts, styles and data only from here. Its style sheet has pictures as data: URLs.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DataResponse(Response):
    """An answer that gets the headers when it is sent, past werkzeug's check of every value."""

    def get_wsgi_response(
        self, environ: "WSGIEnvironment"
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """The body, the status and the headers."""
        body, status, headers = super().get_wsgi_response(environ)
        given = {name.lower() for name, _ in headers}
        return body, status, headers + [pair for key, pair in _by_key.items() if key not in given]


def init_security_headers(target: Scaffold) -> None:
    """Add the headers to all answers of `target`, an application or a blueprint."""
    target.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add what the answer does not have yet."""
    if not isinstance(response, DataResponse):
        for name, value in DATA_HEADERS.items():
            response.headers.setdefault(name, value)
    return response
