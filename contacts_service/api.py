"""flask-smorest, fitted to the contract: how requests are read and operations documented.

One parser (strict, 400 instead of 422), one blueprint (the envelope, the rule and the errors of
every operation in the API document), one converter for ids in paths.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import flask_smorest
import marshmallow
from flask import Request, Response, request
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter, Map

from contacts_service import envelope, idempotency, openapi
from contacts_service.errors import (
    InputError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from contacts_service.strict_json import Json, JSONError, read_json
from schemas.inbound import MAIL_LIMIT
from schemas.messages import flatten

View = Callable[..., Any]
Decorator = Callable[[View], View]

JSON_LIMIT = 1 << 20  # bytes
BODY = "contacts_service.body"
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


class Parser(FlaskParser):
    """Reads query strings and JSON bodies; whatever is wrong with them is an InputError."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        "query": marshmallow.RAISE,
        "json": None,
    }

    def load_querystring(self, req: Request, schema: marshmallow.Schema) -> Mapping[str, str]:
        try:
            unquote_to_bytes(req.query_string).decode()
        except UnicodeDecodeError:
            raise InputError(
                {"": ["The query string is not valid UTF-8."]}, location="query"
            ) from None
        repeated = {
            name: ["Given more than once."] for name, values in req.args.lists() if len(values) > 1
        }
        if repeated:
            raise InputError(repeated, location="query")
        return req.args.to_dict()

    def load_json(self, req: Request, schema: marshmallow.Schema) -> Any:
        raw = read_body(req, getattr(schema, "body_limit", JSON_LIMIT))
        if req.mimetype != envelope.JSON:
            kinds = " or ".join((envelope.JSON, *getattr(schema, "other_types", ())))
            raise UnsupportedMediaTypeError(f"The body must be sent as {kinds}.")
        try:
            return read_json(raw)
        except JSONError as error:
            raise InputError({"": [str(error)]}) from None

    def handle_error(
        self,
        error: marshmallow.ValidationError,
        req: Request,
        schema: marshmallow.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        messages: Any = error.messages
        [(location, tree)] = messages.items()
        raise InputError(flatten(tree), location=location)


def read_body(req: Request, limit: int) -> bytes:
    """The whole body.

    Raises PayloadTooLargeError over `limit` bytes, however it was sent, InputError for none,
    UnsupportedMediaTypeError for one that is compressed.
    """
    raw = whole_body(req, limit)
    if not raw and not req.content_length:
        raise InputError({"": ["A body is required."]})
    if not 0 < len(raw) <= limit:
        raise PayloadTooLargeError(f"The body is over {limit} bytes.")
    if req.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaTypeError("The body must not be compressed.")
    return raw


def whole_body(req: Request, limit: int) -> bytes:
    """As many bytes of the body as show whether it is over `limit`; read once, given again."""
    # werkzeug would cut a body without a length at its own limit and say nothing.
    if BODY not in req.environ:
        is_small = (req.content_length or 0) <= limit
        req.environ[BODY] = req.stream.read(limit + 1) if is_small else b""
    body: bytes = req.environ[BODY]
    return body


class NoQuery(marshmallow.Schema):
    """The query string of an operation that takes none."""


parser = Parser()


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose views return a payload, or a whole response.

    The decorators stand in the order in which they act: route, rule, response, arguments.
    """

    ARGUMENTS_PARSER = parser

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
                    parser.parse(NoQuery(), asked, location="query")
                result = view(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                return envelope.success(result, status_code)

            @_documented(document, view)
            def answer_repeats(*args: Any, **kwargs: Any) -> Response:
                asked = request._get_current_object()  # type: ignore[attr-defined]
                if not idempotency.is_asked_for(asked):
                    return answer(asked, *args, **kwargs)
                body = whole_body(asked, MAIL_LIMIT)
                return idempotency.answer_once(lambda: answer(asked, *args, **kwargs), body)

            return answer_repeats

        return decorator

    def arguments(
        self, schema: marshmallow.Schema, *, location: str = "json", **more: Any
    ) -> Decorator:
        """Give the view what was sent, as its first argument; document `schema` as its shape."""
        document = super().arguments(schema, location=location, **more)

        def decorator(view: View) -> View:
            @_documented(document, view)
            def answer(*args: Any, **kwargs: Any) -> Any:
                asked = request._get_current_object()  # type: ignore[attr-defined]
                return view(parser.parse(schema, asked, location=location), *args, **kwargs)

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
