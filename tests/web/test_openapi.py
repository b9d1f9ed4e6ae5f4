"""The API document is valid, complete and true; the page to try it comes from this machine."""

import json
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

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
from schemathesis.openapi.checks import RejectedPositiveData

from contacts_service.config import PROJECT_FOLDER
from contacts_service.factory import create_app
from schemas.attribute_definitions import Pattern
from schemas.contacts import FILTERS_EXAMPLE
from tests.client import Api
from tests.conftest import make_app

# What schemathesis takes for an answer to good data; 412 is one, to an If-Match of another version.
ACCEPTED = ["2xx", "3xx", 401, 403, 404, 409, 412]
REFUSED = [400, 401, 403, 404, 405, 409, 412, 413, 415]  # answers to bad data
# Rules that only sentences say: across fields, inside free-form values, and about what exists.
# Generators of clients break on schemas that would say them. Whoever breaks one is told:
RULES = re.compile(
    r"Not together with custom_attributes\.|Only one of contact_id and contact|"
    r"There is no such (contact|conversation)\.|Give contact_id or contact|"
    r"At least one of these is required|Needs an email, a phone or an identifier|"
    r"Not a valid email address|Not a phone number|Control characters|Only for the data type|"
    r"A list needs its values|Cannot be changed"
)


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


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All objects inside a part of the document, with their places."""
    if isinstance(node, list):
        for place, item in enumerate(node):
            yield from nodes(item, f"{path}/{place}")
    elif isinstance(node, dict):
        yield path, node
        for name, item in node.items():
            yield from nodes(item, f"{path}/{name}")


def reached(document: dict[str, Any], start: Any) -> dict[str, Any]:
    """The schemas that a part of the document leads to, by their names."""
    names: dict[str, Any] = {}
    open_ends = [start]
    while open_ends:
        for _, node in nodes(open_ends.pop()):
            name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in document["components"]["schemas"] and name not in names:
                names[name] = document["components"]["schemas"][name]
                open_ends.append(names[name])
    return names


def filters_of(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of the parameter."""
    parameters = document["paths"]["/api/v1/contacts"]["get"]["parameters"]
    return next(one["schema"] for one in parameters if one["name"] == "filters")


def test_requests_are_closed_objects_and_answers_open_ones(document: dict[str, Any]) -> None:
    bodies = [one["requestBody"] for _, one in operations(document) if "requestBody" in one]
    written = reached(document, bodies) | reached(document, filters_of(document))
    answers = reached(document, [one["responses"] for _, one in operations(document)])
    assert len(written) > 10
    assert len(answers) > 20
    for name, schema in written.items():
        assert schema.get("additionalProperties") is False or name == "Filters", name
    for name, schema in answers.items():
        assert "additionalProperties" not in schema, name


def test_what_breaks_generators_is_not_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, node in nodes({"paths": document["paths"], "schemas": schemas}):
        assert "const" not in node, path
        assert not {"anyOf", "oneOf"} & node.keys() or "properties" not in node, path
        assert "default" not in node or "/parameters/" in path, path
        if node.get("type") == "array":
            assert "items" in node, path
    for name, schema in schemas.items():
        assert name not in reached(document, schema), f"{name} is recursive"
    for path, item in document["paths"].items():
        assert "parameters" not in item, path


def test_everything_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
    for path, node in nodes(document["components"]["schemas"]):
        for name, shape in node.get("properties", {}).items():
            if path.count("/properties/") == 0:
                assert shape.get("description"), f"{path}/{name}"


def test_parameters_are_what_they_say(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        parameters = operation["parameters"]
        places = [not parameter.get("required", False) for parameter in parameters]
        assert places == sorted(places), f"{name}: required parameters come first"
        in_path = [one for one in parameters if one["in"] == "path"]
        assert [one["name"] for one in in_path] == re.findall(r"{(\w+)}", name)
        for parameter in in_path:
            schema = parameter["schema"]
            assert schema["type"] == "integer" or schema["format"] == "uuid"
    filters = filters_of(document)
    assert filters["contentMediaType"] == "application/json"
    components = {"components": document["components"]}
    for example in filters["examples"]:
        jsonschema.validate(json.loads(example), filters["contentSchema"] | components)


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
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ACCEPTED},
                "negative_data_rejection": {"expected-statuses": REFUSED},
            },
        }
    )
    document = app.extensions["api_document"]
    with patch.dict(app.extensions, api_document=with_closed_answers(document)):
        schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
    schema.hook(map_case)
    return [
        f"{recorder.cases[case_id].value.as_curl_command()}\n{check.failure_info.failure}"
        for event in from_schema(schema).execute()
        if isinstance(event, ScenarioFinished)
        for recorder in [event.recorder]
        for case_id, checks in recorder.checks.items()
        for check in checks
        if check.failure_info is not None
        and not breaks_a_rule(check.failure_info.failure, recorder.interactions[case_id])
    ]


def with_closed_answers(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the leave to add fields, so that it is seen whether all are in it."""
    document = deepcopy(document)
    for schema in reached(document, [one["responses"] for _, one in operations(document)]).values():
        schema["additionalProperties"] = False
    return document


def breaks_a_rule(failure: Any, interaction: Any) -> bool:
    """Whether good data was refused for a rule that no schema says."""
    return isinstance(failure, RejectedPositiveData) and bool(
        RULES.search(interaction.response.json()["data"]["message"])
    )


def map_case(_context: HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Leave out cursors that are nobody's, and filters that are not what their schema says."""
    if case.query and "cursor" in case.query:
        case.query = {name: case.query[name] for name in case.query if name != "page"}
        case.query["cursor"] = ""
    if case.query and "filters" in case.query:
        case.query["filters"] = FILTERS_EXAMPLE
    return case


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


def test_every_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                content = answer["content"]["application/json"]
                components = {"components": document["components"]}
                jsonschema.validate(content["example"], content["schema"] | components)
                assert content["example"]["data"], name


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
