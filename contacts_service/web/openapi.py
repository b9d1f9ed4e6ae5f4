"""The API document: what every operation says of its scope, its envelope and its errors.

The routes say what is particular to them; what all share is added here, so that no route can
forget it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flask_smorest
from apispec.ext import marshmallow as apispec_marshmallow
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask

from contacts_service import errors
from contacts_service.auth.permissions import Rule
from contacts_service.strict_json import Json
from contacts_service.web import idempotency
from schemas.fields import JSON_VALUE

VERSION = "0.1.0"  # as in pyproject.toml
DESCRIPTION = """\
The directory of a help desk: contacts, the notes on them and the conversations they had.

Send `Authorization: Bearer …` with an API key or, behind a gateway, a JWT; every operation names
the scope that it asks for. Every answer is `{"data": …}`; every answer carries `X-Request-ID`.
"""

ERRORS: Mapping[int, tuple[type[errors.ServiceError], str, str]] = {
    400: (
        errors.InputError,
        "What was sent is wrong.",
        "email: Not a valid email address.",
    ),
    401: (errors.AuthError, "No token, or one that is not accepted.", "The token has expired."),
    403: (
        errors.PermissionDeniedError,
        "The token lacks the scope.",
        "The token does not carry the scope contacts:read.",
    ),
    404: (errors.NotFoundError, "There is no such thing.", "There is no such contact."),
    409: (errors.ConflictError, "Already taken.", "The email address is already taken."),
    412: (
        errors.PreconditionError,
        "`If-Match` names another version.",
        "The resource has changed since it was read; read it again.",
    ),
    413: (
        errors.PayloadTooLargeError,
        "The body is too large.",
        "The body is over 1048576 bytes.",
    ),
    415: (
        errors.UnsupportedMediaTypeError,
        "The body has another content type.",
        "The body must be sent as application/json.",
    ),
    503: (
        errors.UnavailableError,
        "The database is busy or unreachable; nothing was written.",
        "The database is busy or unreachable; try again.",
    ),
}
CONDITIONS = {304: "If-None-Match", 412: "If-Match"}
EXTRA_HEADERS = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 503: "Retry-After"}

REQUEST_ID_HEADER = {
    "X-Request-ID": {
        "description": "The id of the request, the caller's own where it sent one.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
}
ETAG_HEADER = {
    "ETag": {
        "description": "The version of the contact.",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'},
    }
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "description": "The same key with the same request within 24 hours writes nothing again.",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
DELETED = {"type": "boolean", "const": True}

View = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """What a route tells of itself."""

    name: str
    path: str
    rule: Rule


class Converter(OpenAPIConverter):
    """apispec's, which adds what a schema says of its fields together (`json_rules`)."""

    def schema2jsonschema(self, schema: Any) -> Json:
        shape: Json = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return shape | getattr(schema, "json_rules", {})


class MarshmallowPlugin(apispec_marshmallow.MarshmallowPlugin):
    """apispec's, with our converter."""

    Converter = Converter


class Api(flask_smorest.Api):
    """flask-smorest's document; its error handlers and pages are replaced by ours."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Left to `envelope`."""

    def _register_doc_blueprint(self) -> None:
        """Left to `docs`."""

    def _register_etag_headers(self) -> None:
        """Ours are part of the operations that have them."""

    def _register_pagination_header(self) -> None:
        """Pages are in the envelope."""

    def _register_responses(self) -> None:
        for status, (kind, description, example) in ERRORS.items():
            self.spec.components.response(
                kind.type, error_response(status, kind, description, example)
            )


def init_api(app: Flask) -> Api:
    """The document of the application, still without operations."""
    spec: Json = {
        "title": "Contacts",
        "version": VERSION,
        "openapi_version": "3.1.0",
        "info": {"description": DESCRIPTION},
        "marshmallow_plugin": MarshmallowPlugin(),
    }
    api = Api(app, spec_kwargs=spec)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.schema("JsonValue", JSON_VALUE)
    api.ma_plugin.converter.add_parameter_attribute_function(json_parameter)
    api.ma_plugin.converter.add_attribute_function(json_properties)
    return api


def json_parameter(_converter: Any, field: Any, *, ret: Json, **_: Any) -> Json:
    """Document a parameter that holds JSON by the shape of that JSON."""
    if not hasattr(field, "json_shape"):
        return {}
    del ret["schema"]
    return {"content": {"application/json": {"schema": field.json_shape}}}


def json_properties(_converter: Any, field: Any, **_: Any) -> Json:
    """Document what apispec knows no name for."""
    return dict(getattr(field, "json_properties", {}))


def enveloped(schema: Any) -> Json:
    """The documented shape of the answer that carries `schema`."""
    return _closed_object({"data": schema})


def error_response(
    status: int, kind: type[errors.ServiceError], description: str, example: str
) -> Json:
    """The documented answer that is an error of this kind."""
    fields: Json = {"message": {"type": "string"}, "type": {"type": "string", "const": kind.type}}
    body: Json = {"message": example, "type": kind.type}
    if kind is errors.InputError:
        sentences = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        by_field = {"type": "object", "additionalProperties": sentences}
        fields["errors"] = {"type": "object", "additionalProperties": by_field}
        body["errors"] = {"json": {"email": ["Not a valid email address."]}}
    headers = dict(REQUEST_ID_HEADER)
    if status in EXTRA_HEADERS:
        headers[EXTRA_HEADERS[status]] = {"description": "", "schema": {"type": "string"}}
    content = {"schema": enveloped(_closed_object(fields)), "example": {"data": body}}
    return {
        "description": description,
        "headers": headers,
        "content": {"application/json": content},
    }


def answers_also(*statuses: int) -> Callable[[View], View]:
    """Document what cannot be told from a view's route, rule and arguments.

    304 and 412 bring their request header along; another success has the shape of the main one.
    """

    def decorator(view: View) -> View:
        documented = getattr(view, "_apidoc", {}) | {"answers_also": statuses}
        view._apidoc = documented  # type: ignore[attr-defined]
        return view

    return decorator


def complete_operation(document: Json, info: Json, *, method: str, **_: Any) -> Json:
    """Add what every operation has: its id, its scope, its conditions and its errors."""
    operation: Operation = info["operation"]
    rule, responses = operation.rule, document["responses"]
    also = info.get("answers_also", ())
    if method.upper() == "POST":
        document.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        also = (*also, 409)
    main = next(response for response in responses.values() if isinstance(response, dict))
    for status in also:
        if status in CONDITIONS:
            document.setdefault("parameters", []).append(_condition(CONDITIONS[status]))
        if status == 304:
            responses[304] = {"description": "Not changed.", "headers": ETAG_HEADER}
        elif status < 300:
            responses[status] = {**main, "description": "OK"}
    for status in sorted({*_error_statuses(operation, document), *also} & set(ERRORS)):
        responses[status] = ERRORS[status][0].type
    for content in document.get("requestBody", {}).get("content", {}).values():
        if hasattr(content["schema"], "json_properties"):
            content["schema"] = {"allOf": [content["schema"]], **content["schema"].json_properties}
    document["operationId"] = operation.name
    if not rule.is_public:
        document["security"] = [{"bearer": [rule.scope] if rule.scope else []}]
        _describe_rule(info["docstring"], rule)
    return document


def _error_statuses(operation: Operation, document: Json) -> list[int]:
    statuses = [400, 503]
    if not operation.rule.is_public:
        statuses.append(401)
    if operation.rule.scope is not None:
        statuses.append(403)
    if "<" in operation.path:
        statuses.append(404)
    if "requestBody" in document:
        statuses += [413, 415]
    return statuses


def _condition(header: str) -> Json:
    return {
        "in": "header",
        "name": header,
        "description": "One or more entity tags, or `*`.",
        "schema": {"type": "string"},
    }


def _describe_rule(docstring: Json, rule: Rule) -> None:
    needs = f"Scope: `{rule.scope}`." if rule.scope else "Any valid token."
    if rule.or_author:
        needs = f"{needs} The author needs none."
    docstring["description"] = "\n\n".join(filter(None, [docstring.get("description"), needs]))


def _closed_object(properties: Json) -> Json:
    required = [name for name in properties if name != "errors"]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
