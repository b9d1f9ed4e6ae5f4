"""flask-smorest, fitted to the contract: one blueprint, and one converter for ids in paths.

Its operations have the envelope, the rule and the errors in the API document; its decorators are
ours, so that a request takes no more steps than it needs.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import flask_smorest
import marshmallow
from flask import Request, Response, request
from werkzeug.routing import BaseConverter, Map

from contacts_service.limits import MAIL_BODY
from contacts_service.strict_json import Json
from contacts_service.web import idempotency, openapi
from contacts_service.web import responses as envelope
from contacts_service.web.parsing import read_arguments, whole_body

View = Callable[..., Any]
Decorator = Callable[[View], View]

MAX_ID = 2**63 - 1


class ResourceId(BaseConverter):
    """An id in a path. What cannot be one counts as an id that does not exist: 0.

    So that such a path is a 404 only after the token and the scope were looked at. Segments that
    are routes of their own keep their methods (`GET /contacts/quick` is 405, not a contact).
    """

    def __init__(self, url_map: Map, *reserved: str) -> None:
        super().__init__(url_map)
        names = "".join(rf"(?!{name}\Z)" for name in reserved)
        self.regex = f"{names}[^/]+"

    def to_python(self, value: str) -> int:
        is_canonical = value.isascii() and value.isdigit() and not value.startswith("0")
        return int(value) if is_canonical and len(value) <= 19 and int(value) <= MAX_ID else 0


class NoQuery(marshmallow.Schema):
    """The query string of an operation that takes none."""


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose views return a payload, or a whole response.

    The decorators stand in the order in which they act: route, rule, response, arguments.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(openapi.complete_operation)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        """As Flask's; remembers for the document what the route tells of itself."""
        super().add_url_rule(rule, endpoint, view_func, **options)
        for operation in self._docs[self._endpoints[-1]].values():
            if operation is not None:
                operation["operation"] = openapi.Operation(view_func.__name__, rule, view_func.rule)

    def response(
        self, status_code: int, schema: Any = None, *, headers: Json | None = None
    ) -> Decorator:
        """Wrap what the view returns in the envelope; document `schema` as its shape."""
        all_headers = openapi.REQUEST_ID_HEADER | (headers or {})
        document = super().response(status_code, openapi.enveloped(schema), headers=all_headers)

        def decorator(view: View) -> View:
            takes_query = _takes_query(view)

            def answer(asked: Request, *args: Any, **kwargs: Any) -> Response:
                if asked.environ["QUERY_STRING"] and not takes_query:
                    read_arguments(asked, NoQuery(), "query")
                result = view(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                return envelope.success(result, status_code)

            @_documented(document, view)
            def answer_repeats(*args: Any, **kwargs: Any) -> Response:
                asked = request._get_current_object()  # type: ignore[attr-defined]
                if not idempotency.is_asked_for(asked):
                    return answer(asked, *args, **kwargs)
                body = whole_body(asked, MAIL_BODY)
                return idempotency.answer_once(lambda: answer(asked, *args, **kwargs), body)

            return answer_repeats

        return decorator

    def arguments(
        self, schema: marshmallow.Schema, *, location: str = "json", **more: Any
    ) -> Decorator:
        """Give the view what was sent, as its first argument; document `schema` as its shape."""
        document = super().arguments(schema, location=location, error_status_code=400, **more)

        def decorator(view: View) -> View:
            @_documented(document, view)
            def answer(*args: Any, **kwargs: Any) -> Any:
                asked = request._get_current_object()  # type: ignore[attr-defined]
                return view(read_arguments(asked, schema, location), *args, **kwargs)

            return answer

        return decorator


def _documented(document: Decorator, view: View) -> Decorator:
    """Tell the document of `view` what flask-smorest's decorator does, without its way through it.

    That costs each request as much as reading a contact.
    """

    def decorator(answer: View) -> View:
        wrapped = wraps(view)(answer)
        wrapped._apidoc = document(view)._apidoc  # type: ignore[attr-defined]
        return wrapped

    return decorator


def _takes_query(view: View) -> bool:
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(parameter["in"] == "query" for parameter in arguments.get("parameters", []))
