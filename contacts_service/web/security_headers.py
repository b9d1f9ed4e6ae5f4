"""What every answer tells a browser: guess no type, show it in no frame, tell nobody its address.

These headers are added around the application, so that no answer goes without. Where the server
answers by itself, it adds them too. And the id that each answer carries for its request.
"""

import re
from random import getrandbits
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Headers = tuple[tuple[str, str], ...]

PAGE_PATH = "/docs"

_ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))

# Data is to be shown by nobody, and to be asked for again each time, by its ETag where it has one:
# `no-store` would leave a browser no state to ask about with If-None-Match.
DATA_HEADERS: Headers = (
    *_ALWAYS,
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "private, no-cache"),
)

# The page runs its own files alone and talks to this service alone; pictures in its style sheet
# are data: addresses.
PAGE_HEADERS: Headers = (
    *_ALWAYS,
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)


_sane_request_id = re.compile(r"[!-~]{1,128}")


def request_id(sent: str | None) -> str:
    """The id that a caller has sent, if it can be one, or a new one."""
    if sent is not None and _sane_request_id.fullmatch(sent):
        return sent
    # Told apart, not kept secret: of random numbers that cost no call of the system.
    return f"{getrandbits(128):032x}"


def with_headers(application: WSGIApplication) -> WSGIApplication:
    """The application, whose answers carry these headers beside their own."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        is_page = environ["PATH_INFO"].startswith(PAGE_PATH)

        def start(status: str, given: list[tuple[str, str]], *error: object) -> object:
            headers = PAGE_HEADERS if is_page and status.startswith("200") else DATA_HEADERS
            return start_response(status, [*given, *headers], *error)  # type: ignore[arg-type]

        return application(environ, start)  # type: ignore[arg-type]

    return answer  # type: ignore[return-value]
