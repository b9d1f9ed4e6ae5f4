"""docs/api.md: its routes and errors are the code's, and its examples answer as it says."""

import json
import re

import pytest
from flask import Flask, request

from contacts_service.errors import ServiceError
from tests.docs.pages import (
    FOLDER,
    Answer,
    Example,
    examples,
    is_alike,
    new_app,
    run,
    table,
)

PAGE = FOLDER / "api.md"
EXAMPLES = examples(PAGE)
CALLS = [example for example in EXAMPLES if "curl" in example.script]
Seen = set[tuple[str, str]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[Example, Answer], Seen]:
    """What every example was answered, and the routes that were asked."""
    folder = tmp_path_factory.mktemp("api")
    app, seen = new_app(folder), set[tuple[str, str]]()
    app.before_request(lambda: seen.add((request.method, str(request.url_rule))))
    found = run([example.script for example in EXAMPLES], app, folder)
    return dict(zip(EXAMPLES, found, strict=True)), seen


@pytest.mark.parametrize("example", CALLS, ids=lambda example: example.script[-60:])
def test_an_example_answers_as_shown(
    answers: tuple[dict[Example, Answer], Seen], example: Example
) -> None:
    answer = answers[0][example]
    assert answer.statuses[-1] == example.status, answer.text
    if example.body is not None:
        assert is_alike(json.loads(example.body), json.loads(answer.text)), answer.text


def test_every_route_has_an_example(
    app: Flask, answers: tuple[dict[Example, Answer], Seen]
) -> None:
    routes = {
        (method, route.rule)
        for route in app.url_map.iter_rules()
        if route.rule.startswith("/api/v1/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert routes - answers[1] == set()


def test_routes_are_those_of_the_application(app: Flask) -> None:
    rows = []
    for route in app.url_map.iter_rules():
        if route.rule.startswith("/api/v1/"):
            rule = app.view_functions[route.endpoint].rule
            scope = f"`{rule.scope}`" if rule.scope else "any token"
            scope += ", or its author" if rule.or_author else ""
            for method in sorted((route.methods or set()) - {"HEAD"}):
                rows.append([method, f"`{shown_path(route.rule)}`", scope])
    told = table(PAGE, "routes").splitlines()[2:]
    assert sorted(told) == sorted(f"| {' | '.join(row)} |" for row in rows)


def shown_path(rule: str) -> str:
    """The path below /api/v1 of a route, its variables as `{id}` and the like."""
    return re.sub(r"<(?:[^:<>]+:)?(?:contact_|definition_)?([^<>]+)>", r"{\1}", rule[7:])


def test_every_type_of_error_is_told() -> None:
    told = re.findall(r"^\| `(\w+Error)` \| (\d+) \| (.+) \|", table(PAGE, "errors"), re.MULTILINE)
    kinds = ServiceError.__subclasses__()
    assert set(told) == {(kind.type, str(kind.status), kind.summary) for kind in kinds}
