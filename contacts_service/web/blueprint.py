"""The blueprint of all API routes, and the converter for ids in paths.

flask-smorest documents the routes. Reading arguments and building answers is ours: its parser
accepts unknown and repeated parameters, and its envelope, error bodies and ETags are not those of
docs/api.md.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import flask_smorest
import marshmallow
from flask import Response, request
from werkzeug.routing import BaseConverter, Map

from contacts_service.limits import MAIL_BODY
from contacts_service.strict_json import Json
from contacts_service.web import idempotency, openapi
from contacts_service.web.parsing import read_arguments, whole_body
from contacts_service.web.responses import ok
from schemas.answers import enveloped, example_of
from schemas.fields import QuerySchema

View = Callable[..., Any]
Decorator = Callable[[View], View]

MAX_ID = 2**63 - 1


class ResourceId(BaseConverter):
    """An id in a path. Text that cannot be an id becomes 0, which no resource has.

    Such a path therefore is a 404 only after the token and the scope were checked. `reserved`
    segments belong to other routes: `GET /contacts/quick` is 405, not a contact.
    """

    json_schema: ClassVar[Json] = {"type": "integer", "format": "int64", "minimum": 1}

    def __init__(self, url_map: Map, *reserved: str) -> None:
        super().__init__(url_map)
        names = "".join(rf"(?!{name}\Z)" for name in reserved)
        self.regex = f"{names}[^/]+"

    def to_python(self, value: str) -> int:
        is_canonical = value.isascii() and value.isdigit() and not value.startswith("0")
        return int(value) if is_canonical and len(value) <= 19 and int(value) <= MAX_ID else 0


class NoQuery(QuerySchema):
    """The query string of an operation without parameters."""


NO_QUERY = NoQuery()


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose views return a payload, or a whole response.

    Write the decorators in the order in which they act: route, rule, response, arguments.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(openapi.complete_operation)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        """Add a route, and keep its rule for the document."""
        view_func.provide_automatic_options = False  # OPTIONS is 405, as any other method
        options |= {"merge_slashes": False, "tags": [self.name]}
        super().add_url_rule(rule, endpoint, view_func, **options)
        for operation in self._docs[self._endpoints[-1]].values():
            if operation is not None:
                operation["operation"] = openapi.Operation(view_func.__name__, rule, view_func.rule)

    def response(
        self, status_code: int, schema: type[marshmallow.Schema], *, headers: Json | None = None
    ) -> Decorator:
        """Put the view's result into the envelope, and document `schema` as its shape."""
        envelope = enveloped(schema)
        all_headers = openapi.REQUEST_ID_HEADER | (headers or {})
        document = super().response(
            status_code, envelope, headers=all_headers, example=example_of(envelope())
        )

        def decorator(view: View) -> View:
            takes_query = _takes_query(view)

            def answer(*args: Any, **kwargs: Any) -> Response:
                if request.query_string and not takes_query:
                    read_arguments(NO_QUERY, "query")
                result = view(*args, **kwargs)
                return result if isinstance(result, Response) else ok(result, status_code)

            @_documented(document, view)
            def answer_once(*args: Any, **kwargs: Any) -> Response:
                if not idempotency.is_requested():
                    return answer(*args, **kwargs)
                return idempotency.run_once(
                    lambda: answer(*args, **kwargs), body=whole_body(MAIL_BODY)
                )

            return answer_once

        return decorator

    def arguments(
        self, schema: marshmallow.Schema, *, location: str = "json", **more: Any
    ) -> Decorator:
        """Pass the loaded body or query to the view first, and document `schema` as its shape."""
        document = super().arguments(schema, location=location, error_status_code=400, **more)

        def decorator(view: View) -> View:
            @_documented(document, view)
            def answer(*args: Any, **kwargs: Any) -> Any:
                return view(read_arguments(schema, location), *args, **kwargs)

            return answer

        return decorator


def _documented(document: Decorator, view: View) -> Decorator:
    """Give `view` the documentation of flask-smorest's decorator, but not its behaviour."""

    def decorator(answer: View) -> View:
        wrapped: View = wraps(view)(answer)
        setattr(wrapped, openapi.APIDOC, getattr(document(view), openapi.APIDOC))
        return wrapped

    return decorator


def _takes_query(view: View) -> bool:
    arguments = getattr(view, openapi.APIDOC, {}).get("arguments", {})
    return any(parameter["in"] == "query" for parameter in arguments.get("parameters", []))
