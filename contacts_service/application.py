"""Flask's application, without what an API has no use for and each request would pay for."""

from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

NO_SESSION = NullSession()


class NoSessions(SessionInterface):
    """Callers bring their token with each request."""

    def open_session(self, _app: Flask, _request: Request) -> NullSession:
        return NO_SESSION

    def is_null_session(self, obj: object) -> bool:
        return True


class Application(Flask):
    """Routes that are the same on every host."""

    session_interface = NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return None
        return MapAdapter(
            self.url_map,
            server_name=request.environ["SERVER_NAME"],
            script_name=request.root_path,
            subdomain="",
            url_scheme=request.scheme,
            path_info=request.path,
            default_method=request.method,
        )

    def ensure_sync(self, func: Any) -> Any:
        """As it is: no view is asynchronous."""
        return func
