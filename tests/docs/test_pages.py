"""What all pages name is there: links, files, make targets, commands and settings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from contacts_service.config import PROJECT_FOLDER, SETTINGS
from tests.docs.pages import FOLDER, PAGES, README

TEXTS = {page: page.read_text() for page in PAGES}
PROSE = {page: re.sub(r"^```.*?^```", "", text, flags=re.M | re.S) for page, text in TEXTS.items()}
COMMANDS = sorted(
    {
        command
        for text in TEXTS.values()
        for command in re.findall(r"`flask ([a-z][^`]*)`", text)
        + re.findall(r"^(?:\S*/)?flask ([a-z].*)$", text, re.M)
    }
)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PROSE[page]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text()), target


def test_the_readme_leads_to_every_page() -> None:
    linked = {
        (PROJECT_FOLDER / target).resolve()
        for target in re.findall(r"\]\(([^)#]+)\)", TEXTS[README])
    }
    assert set(PAGES) - {README} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_it_names_exist(page: Path) -> None:
    """Paths of the project, also as they are written from within the package."""
    for name in re.findall(r"`((?:\w[\w/]*/)?(?:\w+\.(?:py|md))?)`", PROSE[page]):
        assert any(
            (top / name).exists() for top in (PROJECT_FOLDER, PROJECT_FOLDER / "contacts_service")
        ), name


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (PROJECT_FOLDER / "Makefile").read_text(), re.M))
    for page, text in TEXTS.items():
        named = re.findall(r"(?:^|`)make (\w+)", text, re.M)
        assert set(named) <= targets, page.name


def test_every_figure_has_the_command_that_makes_it() -> None:
    rows = re.findall(r"^\| (?!What |---).* \|$", TEXTS[FOLDER / "figures.md"], re.M)
    for row in rows:
        command = re.search(r"\| `(?:make bench|python -m (bench\.\w+))` \|$", row)
        assert command, row
        assert not command[1] or (PROJECT_FOLDER / f"{command[1].replace('.', '/')}.py").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_what_they_are_shown_with(app: Flask, command: str) -> None:
    words = shlex.split(command.partition("<")[0])
    found: click.Command = app.cli
    while isinstance(found, click.Group) and words:
        found = found.commands[words.pop(0)]
    options = {name for option in found.params for name in option.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options


def test_settings_that_are_named_exist() -> None:
    known = {setting.name for setting in SETTINGS}
    named = {name for text in TEXTS.values() for name in re.findall(r"CONTACTS_[A-Z_]*[A-Z]", text)}
    assert {name.removesuffix("_FILE") for name in named} <= known | {"CONTACTS_JWT"}


def test_every_command_is_told(app: Flask) -> None:
    told = re.findall(r"^\| `flask ([^`]+)`", TEXTS[FOLDER / "running.md"], re.M)
    for name in commands_of(app.cli):
        assert any(f"{command} ".startswith(f"{name} ") for command in told), name


def commands_of(group: click.Group) -> Iterator[str]:
    """The names of all commands, but those of Flask-Migrate and flask-smorest."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in commands_of(command))
        elif command.callback and command.callback.__module__.startswith("contacts_service."):
            yield name
