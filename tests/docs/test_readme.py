"""README.md: short, with a first request and ten endpoints that answer as it says."""

import json
import re
from pathlib import Path

from flask import Flask

from tests.docs.pages import README, examples, is_alike, new_app, run, table
from tests.docs.test_api import shown_path

ENDPOINTS = re.findall(
    r"^\| `(\w+) (\S+)` \| (.+) \| `(curl .+)` \|$", table(README, "endpoints"), re.M
)


def test_it_has_at_most_200_lines() -> None:
    assert len(README.read_text().splitlines()) <= 200


def test_the_first_request_and_each_endpoint_answer(tmp_path: Path) -> None:
    (first,) = [example for example in examples(README) if "curl" in example.script]
    calls = [call for *_, call in ENDPOINTS]
    assert len(calls) == 10
    answer, *others = run([first.script, *calls], new_app(tmp_path), tmp_path)
    assert answer.statuses == [first.status]
    assert is_alike(json.loads(first.body or ""), json.loads(answer.text))
    assert [other.statuses for other in others] == [
        ["201"] if "-d" in call and "PUT" not in call else ["200"] for call in calls
    ]


def test_the_endpoints_have_the_scopes_of_the_application(app: Flask) -> None:
    rules = {
        (method, shown_path(route.rule)): app.view_functions[route.endpoint].rule
        for route in app.url_map.iter_rules()
        if route.rule.startswith("/api/v1/")
        for method in route.methods or ()
    }
    for method, path, told, call in ENDPOINTS:
        rule = rules[method, path]
        assert told == f"`{rule.scope}`" + (", or its author" if rule.or_author else "")
        assert path.replace("note_id", "id").replace("{id}", "1") in call
