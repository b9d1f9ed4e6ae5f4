"""The README says what is so: its routes, settings, commands and examples are the code's."""

import re
import shlex
from pathlib import Path

import click
import pytest
from flask import Flask

from contacts_service.config import SETTINGS
from contacts_service.errors import ServiceError
from tests.client import Api

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def section(name: str) -> str:
    """What stands between <!-- name --> and <!-- /name -->."""
    return README.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def table(head: str, rows: list[list[str]]) -> str:
    lines = [head, "|" + "---|" * head.count(" | ") + "---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def test_settings_are_those_of_the_code() -> None:
    rows = [
        [f"`{s.name}`", s.told_default or (f"`{s.default}`" if s.default else ""), s.help]
        for s in SETTINGS
    ]
    assert section("settings") == table("| Name | Default | Meaning |", rows)


def test_routes_are_those_of_the_application(app: Flask) -> None:
    rows = []
    for route in app.url_map.iter_rules():
        if route.rule.startswith("/api/v1/"):
            rule = app.view_functions[route.endpoint].rule
            path = re.sub(
                r"<(?:[^:<>]+:)?(?:contact_|definition_)?([^<>]+)>", r"{\1}", route.rule[7:]
            )
            scope = f"`{rule.scope}`" if rule.scope else "any token"
            scope += ", or its author" if rule.or_author else ""
            for method in sorted(route.methods - {"HEAD"}):
                rows.append([method, f"`{path}`", scope])
    assert section("routes") == table("| Method | Path | Scope |", rows)


def test_every_type_of_error_is_told() -> None:
    told = dict(re.findall(r"^\| `(\w+Error)` \| (\d+) \|", README, re.MULTILINE))
    assert told == {kind.type: str(kind.status) for kind in ServiceError.__subclasses__()}


COMMANDS = re.findall(r"^\| `flask ([^`]+)` \|", README, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_what_they_are_shown_with(app: Flask, command: str) -> None:
    words = shlex.split(command)
    found: click.Command = app.cli
    while isinstance(found, click.Group):
        found = found.commands[words.pop(0)]
    options = {name for option in found.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_make_targets_it_names_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake (run|test|serve|check|demo|lock|install)\b", README)) <= targets


def test_files_it_names_exist() -> None:
    layout = README.split("## How it is built")[1]
    for name in re.findall(r"`([\w/*]+(?:\.py|/))`", layout):
        assert list(ROOT.glob(name)), name


def test_the_first_request_answers_as_shown(api: Api) -> None:
    body = re.search(r"-d '(\{.*?\})' \\\n  http://127.0.0.1:9000/api/v1/contacts/quick", README)
    shown = re.search(r"```json\n(\{\n  \"data\": \{\n    \"id\".*?)```", README, re.DOTALL)
    assert body
    assert shown
    answer = api.call("POST", "/contacts/quick", 201, data=body[1], content_type="application/json")
    keys = re.findall(r'^    "(\w+)"', shown[1], re.MULTILINE)
    assert list(answer.json["data"]) == keys


def test_the_definition_shown_is_accepted(api: Api) -> None:
    shown = re.search(r"-d '(\{[^']*\})' \\\n  http://127.0.0.1:9000/api/v1(/custom-.*)", README)
    assert shown
    answer = api.call("POST", shown[2], 201, data=shown[1], content_type="application/json")
    assert answer.json["data"]["key"] == "tier"


def test_the_filters_shown_are_accepted(api: Api) -> None:
    shown = re.search(r"'filters=(\[.*?\n  \])'", README, re.DOTALL)
    assert shown
    assert api.filtered(shown[1])["total"] == 0
