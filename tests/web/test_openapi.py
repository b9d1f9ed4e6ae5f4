"""The API document is valid, complete and true; the page to try it comes from this machine."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import openapi_spec_validator
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import class_registry, fields
from schemathesis import HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import ScenarioFinished

from contacts_service.config import PROJECT_FOLDER
from contacts_service.factory import create_app
from contacts_service.limits import FILTER_LEAVES
from schemas.attribute_definitions import Pattern
from schemas.contacts import CHANGES
from tests.client import Api
from tests.conftest import make_app

# What schemathesis takes for an answer to good data; 412 is one, to an If-Match of another version.
ACCEPTED = ["2xx", "3xx", 401, 403, 404, 409, 412]


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return app.test_client().get("/openapi.json").get_json()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def test_document_has_the_version_of_the_project(document: dict[str, Any]) -> None:
    project = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def test_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)


def test_every_route_of_the_api_is_documented(app: Flask, document: dict[str, Any]) -> None:
    documented = {name for name, _ in operations(document)}
    routes = {
        f"{method} {document_path(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD"}
    }
    assert documented == routes


def document_path(rule: str) -> str:
    """A Flask rule as the document writes it: <id:contact_id> is {contact_id}."""
    segments = rule.split("/")
    return "/".join(f"{{{s[1:-1].split(':')[-1]}}}" if s.startswith("<") else s for s in segments)


def test_every_object_in_the_document_is_closed(document: dict[str, Any]) -> None:
    def objects(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [p for i, item in enumerate(node) for p in objects(item, f"{path}/{i}")]
        if not isinstance(node, dict):
            return []
        found = [p for name, item in node.items() for p in objects(item, f"{path}/{name}")]
        is_open = node.get("type") == "object" and "additionalProperties" not in node
        return [path, *found] if is_open else found

    assert objects(document["components"], "") + objects(document["paths"], "") == []


def findings(app: Flask, token: str, max_examples: int, *, is_thorough: bool) -> list[str]:
    """What schemathesis holds against the service, with every check on.

    Only where it is thorough does it go through every bound of every field, and along links.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20261122,
            "headers": {"Authorization": f"Bearer {token}"},
            "generation": {"max-examples": max_examples, "database": "none"},
            "phases": {name: {"enabled": is_thorough} for name in ("coverage", "stateful")},
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
    schema.hook(filter_query)
    schema.hook(map_case)
    return [
        f"{recorder.cases[case_id].value.as_curl_command()}\n{check.failure_info.failure}"
        for event in from_schema(schema).execute()
        if isinstance(event, ScenarioFinished)
        for recorder in [event.recorder]
        for case_id, checks in recorder.checks.items()
        for check in checks
        if check.failure_info is not None
    ]


def filter_query(_context: HookContext, query: dict[str, Any] | None) -> bool:
    """Leave out filters over the limit of 20 in all, which a JSON Schema cannot state."""
    return json.dumps((query or {}).get("filters")).count("operator") <= FILTER_LEAVES


def map_case(_context: HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Leave out what a JSON Schema cannot state: two ways at once, ids and cursors of nobody."""
    body = case.body
    if isinstance(body, dict) and {"custom_attributes", CHANGES} <= body.keys():
        case.body = {name: body[name] for name in body if name != CHANGES}
    elif isinstance(body, dict) and is_uuid(body.get("conversation_uuid")):
        case.body = {name: body[name] for name in body if name != "conversation_uuid"}
    elif isinstance(body, dict) and "contact" not in body and type(body.get("contact_id")) is int:
        written = {name: body[name] for name in body if name != "contact_id"}
        case.body = written | {"contact": {"email": "linda@example.com"}}
    elif case.query and "cursor" in case.query:
        case.query = {name: case.query[name] for name in case.query if name != "page"}
        case.query["cursor"] = ""
    return case


def is_uuid(value: Any) -> bool:
    try:
        return str(UUID(value)) == value.lower()
    except (AttributeError, TypeError, ValueError):
        return False


def test_schemathesis_finds_nothing(app: Flask, api: Api) -> None:
    assert findings(app, api.token, max_examples=5, is_thorough=False) == []


@pytest.mark.slow
def test_schemathesis_finds_nothing_when_it_searches_longer(app: Flask, api: Api) -> None:
    assert findings(app, api.token, max_examples=100, is_thorough=True) == []


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    examples = [
        (content["schema"], content["example"])
        for _, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    assert len(examples) >= 4
    for schema, example in examples:
        # The components are where the references in the schema look for them.
        jsonschema.validate(example, {**schema, "components": document["components"]})


def test_clients_that_are_generated_can_send_custom_attributes(document: dict[str, Any]) -> None:
    # Generators read `additionalProperties`; false would make the object empty in their hands.
    fields = document["components"]["schemas"]["ContactUpdate"]["properties"]
    assert fields["custom_attributes"]["additionalProperties"] == {}


AWKWARD = " \t\n\r\0\x1f\x7f\x85\xa0\u200b\u2028\ufeff,;:<>@()[]{}|/\\\"'$%&*+-_.=^~aA1é\u0301😀"


def published() -> Iterator[tuple[str, fields.Field]]:
    create_app({})  # registers the schemas of every route
    for schema_name, (schema, *_) in class_registry._registry.items():
        for name, field in getattr(schema, "_declared_fields", {}).items():
            one = field.inner if isinstance(field, fields.List) else field
            is_text = isinstance(one, fields.String) and "pattern" in one.metadata
            if "." not in schema_name and is_text and not isinstance(one, Pattern):
                yield f"{schema_name}.{name}", one


@pytest.mark.parametrize("field", [pytest.param(f, id=name) for name, f in published()])
@given(written=st.text(st.sampled_from(AWKWARD), max_size=12) | st.text(max_size=12))
def test_what_fits_the_pattern_is_accepted(field: fields.Field, written: str) -> None:
    if re.search(field.metadata["pattern"].replace("$", r"\Z"), written):
        field.deserialize(written)


def test_the_page_and_all_it_needs_come_from_here(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) == 4
    for asset in assets:
        assert re.match(r"docs/[\w.-]+$", asset), "relative, so that it works behind a prefix"
        assert client.get(f"/{asset}").status_code == 200


def test_nothing_runs_inline(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assert not re.search(r"<script>|<style>|\bon\w+=|style=", page)


@pytest.mark.parametrize(("trusted", "server"), [("0", "/"), ("1", "/crm")])
def test_a_forwarded_prefix_counts_only_from_a_trusted_proxy(
    tmp_path: Path, trusted: str, server: str
) -> None:
    client = make_app(tmp_path, CONTACTS_TRUSTED_PROXIES=trusted).test_client()
    document = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/crm"}).get_json()
    assert document["servers"] == [{"url": server}]


@pytest.mark.parametrize("path", ["/docs", "/docs/docs.js", "/docs/swagger-ui.css"])
def test_the_page_runs_nothing_inline_and_nothing_from_elsewhere(
    client: FlaskClient, path: str
) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    words = {word for directive in policy.split("; ") for word in directive.split()[1:]}
    assert words == {"'none'", "'self'", "data:"}
    assert "data:" not in policy.partition("img-src")[0]
