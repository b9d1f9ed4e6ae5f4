"""Lets pages of other origins call the API, where CONTACTS_CORS_ORIGINS names them.

By the Fetch Standard, section "CORS protocol". A page sends its token itself; cookies are never
allowed. Where the setting has no value, nothing here runs.
"""

from functools import partial

from flask import Flask, Response, request

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
    ),
    "Access-Control-Max-Age": "600",  # seconds for which a browser does not ask again
}
EXPOSED = "ETag, Location, Link, Retry-After, X-Request-ID, Idempotency-Replayed"
ANY = "*"


def init_cors(app: Flask, url_prefix: str) -> None:
    """Answer preflights below the prefix, and mark the answers that a page may read."""
    origins: tuple[str, ...] | None = app.config["CONTACTS_CORS_ORIGINS"]
    if origins:
        app.before_request(partial(_answer_preflight, origins, url_prefix))
        app.after_request(partial(_mark, origins, url_prefix))


def _allowed_origin(origins: tuple[str, ...], url_prefix: str) -> str | None:
    """What the browser is told of the request's origin; None if the request is not its concern."""
    origin = request.headers.get("Origin")
    if origin is None or not request.path.startswith(f"{url_prefix}/"):
        return None
    if ANY in origins:
        return ANY
    return origin if origin in origins else None


def _answer_preflight(origins: tuple[str, ...], url_prefix: str) -> Response | None:
    """A preflight has no token: it asks whether the request that has one may be sent."""
    is_preflight = request.method == "OPTIONS" and (
        "Access-Control-Request-Method" in request.headers
    )
    if not is_preflight or _allowed_origin(origins, url_prefix) is None:
        return None
    return Response(status=204, headers=ALLOWED)


def _mark(origins: tuple[str, ...], url_prefix: str, response: Response) -> Response:
    origin = _allowed_origin(origins, url_prefix)
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if origin != ANY:
            response.vary.add("Origin")  # a cache must not give one origin the answer to another
    return response
