"""The headers that every answer carries for browsers: no guessing of types, no frames, no referrer.

`init_security_headers` adds them to all answers of an application or a blueprint. A page replaces
the policy by `PAGE_POLICY`.
"""

from flask import Response
from flask.sansio.scaffold import Scaffold

DATA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Not `no-store`: a browser may keep an answer to ask with If-None-Match whether it is current.
    "Cache-Control": "private, no-cache",
}

# A page loads scripts, styles and data only from here. Its style sheet has pictures as data: URLs.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def init_security_headers(target: Scaffold) -> None:
    """Add the headers to all answers of `target`, an application or a blueprint."""
    target.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add what the answer does not have yet; those of `responses` have all of them."""
    if "X-Content-Type-Options" in response.headers:
        return response
    for name, value in DATA_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
