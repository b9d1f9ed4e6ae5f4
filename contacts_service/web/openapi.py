"""The API document: adds the scope, the envelope and the errors to every operation.

The routes document only what is particular to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flask_smorest
from apispec import APISpec
from apispec.ext import marshmallow as apispec_marshmallow
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask

from contacts_service.auth.permissions import AccessRule
from contacts_service.errors import BY_STATUS, InputError, ServiceError
from contacts_service.strict_json import Json
from contacts_service.web import idempotency
from schemas.answers import ErrorSchema
from schemas.fields import QuerySchema
from schemas.paths import PATH_PARAMETERS

VERSION = "0.1.0"  # as in pyproject.toml
DESCRIPTION = """\
The directory of a help desk: contacts, the notes on them and the conversations they had.

Send `Authorization: Bearer …` with an API key or, behind a gateway, a JWT; every operation names
the scope that it asks for. `make run` prints a key and keeps it in `instance/local-key`; elsewhere
`flask keys create` makes one. Every answer is `{"data": …}`; every answer carries `X-Request-ID`.
"""

CONDITIONS = {304: "If-None-Match", 412: "If-Match"}
UNDOCUMENTED = {405, 500}  # they belong to no operation
APIDOC = "_apidoc"  # where flask-smorest's decorators keep what they document

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
LOCATION_HEADER = {
    "Location": {"description": "The path of what was made.", "schema": {"type": "string"}}
}
REPLAYED_HEADER = {
    idempotency.REPLAYED: {
        "description": "`true` where this is the answer of an earlier request with the key.",
        "schema": {"type": "string"},
    }
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "description": "The same key with the same request within 24 hours writes nothing again.",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
View = Callable[..., Any]


def _described(parameter: Json) -> Json:
    """A parameter of a path with its sentence and its example."""
    about = PATH_PARAMETERS[parameter["name"]]
    more = {name: value for name, value in about.items() if name not in ("description", "example")}
    schema = {**parameter["schema"], **more, "examples": [about["example"]]}
    return {**parameter, "description": about["description"], "schema": schema}


def complete_document(spec: APISpec) -> Json:
    """Give each operation all of its parameters, required ones first; the whole document.

    Changes what `spec` holds, so call it once, when all operations are there. Raises KeyError for a
    parameter of a path that `schemas.paths` does not describe.
    """
    document: Json = spec.to_dict()
    for path in document["paths"].values():
        in_path = [_described(each) for each in path.pop("parameters", [])]
        for operation in path.values():
            others = sorted(
                operation.get("parameters", []), key=lambda one: not one.get("required")
            )
            operation["parameters"] = in_path + others
    return document


@dataclass(frozen=True)
class Operation:
    """What the document needs to know of a route."""

    name: str
    path: str
    rule: AccessRule


class Converter(OpenAPIConverter):
    """Documents defaults of parameters alone: in bodies, generators take them for required."""

    def field2default(self, field: Any, **kwargs: Any) -> Json:
        shown: Json = super().field2default(field, **kwargs)
        return shown if isinstance(field.parent, QuerySchema) else {}


class MarshmallowPlugin(apispec_marshmallow.MarshmallowPlugin):
    """apispec's plugin with our converter."""

    Converter = Converter


class Api(flask_smorest.Api):
    """flask-smorest's document without its error handlers, pages and headers, which are ours."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """`responses` does this."""

    def _register_doc_blueprint(self) -> None:
        """`docs` does this."""

    def _register_etag_headers(self) -> None:
        """Operations with an ETag document it themselves."""

    def _register_pagination_header(self) -> None:
        """Lists have their pages in the envelope."""

    def _register_responses(self) -> None:
        for status, kind in BY_STATUS.items():
            if status not in UNDOCUMENTED:
                self.spec.components.response(kind.type, error_answer(kind))

    def describe_blueprint(self, blueprint: flask_smorest.Blueprint, name: str) -> None:
        """Document the routes of a blueprint that the application has under this name."""
        blueprint.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
        self.spec.tag({"name": blueprint.name, "description": blueprint.description})


def init_api(app: Flask) -> Api:
    """Make the document, still without operations."""
    spec: Json = {
        "title": "Contacts",
        "version": VERSION,
        "openapi_version": "3.1.0",
        "info": {
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "The operator of this service"},
        },
        "marshmallow_plugin": MarshmallowPlugin(),
    }
    api = Api(app, spec_kwargs=spec)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.ma_plugin.converter.add_attribute_function(json_properties)
    return api


def json_properties(_converter: Any, field: Any, *, ret: Json, **_: Any) -> Json:
    """Add the properties of a field that apispec does not derive."""
    examples = {"examples": [ret.pop("example")]} if "example" in ret else {}
    return {**getattr(field, "json_properties", {}), **examples}


def error_answer(kind: type[ServiceError]) -> Json:
    """The documented answer for one class of errors."""
    body: Json = {"message": kind.default_message, "type": kind.type}
    if kind is InputError:
        body["errors"] = {"json": {"email": ["Not a valid email address."]}}
    headers = dict(REQUEST_ID_HEADER)
    if kind.extra_header:
        name, sentence = kind.extra_header
        headers[name] = {"description": sentence, "schema": {"type": "string"}}
    content = {"schema": ErrorSchema, "example": {"data": body}}
    return {
        "description": f"{kind.summary[0].upper()}{kind.summary[1:]}.",
        "headers": headers,
        "content": {"application/json": content},
    }


def alt_response(*statuses: int) -> Callable[[View], View]:
    """Document answers that do not follow from a view's route, rule and arguments.

    304 and 412 also document their request header. Another success has the shape of the main one.
    """

    def decorator(view: View) -> View:
        setattr(view, APIDOC, getattr(view, APIDOC, {}) | {"alt_response": statuses})
        return view

    return decorator


def complete_operation(document: Json, info: Json, *, method: str, **_: Any) -> Json:
    """Add an operation's id, scope, conditions and errors."""
    operation: Operation = info["operation"]
    rule, responses = operation.rule, document["responses"]
    also = info.get("alt_response", ())
    if method.upper() == "POST":
        document.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for response in responses.values():
            if isinstance(response, dict):
                response["headers"] = response["headers"] | REPLAYED_HEADER
        also = (*also, 409)
    main = next(response for response in responses.values() if isinstance(response, dict))
    for status in also:
        if status in CONDITIONS:
            document.setdefault("parameters", []).append(_condition(CONDITIONS[status]))
        if status == 304:
            responses[304] = {"description": "Not changed.", "headers": ETAG_HEADER}
        elif status < 300:
            responses[status] = {**main, "description": "OK"}
    for status in sorted({*_error_statuses(operation, document), *also} & set(BY_STATUS)):
        responses[status] = BY_STATUS[status].type
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


def _describe_rule(docstring: Json, rule: AccessRule) -> None:
    needs = f"Scope: `{rule.scope}`." if rule.scope else "Any valid token."
    if rule.or_author:
        needs = f"{needs} The author needs none."
    docstring["description"] = "\n\n".join(filter(None, [docstring.get("description"), needs]))
