"""Packages that can be taken out: without their folders, everything else works as before."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contacts_service.config import PROJECT_FOLDER

COPIED = ("app.py", "contacts_service", "schemas", "tests", "pyproject.toml")
COMMANDS = {"transfer": "contacts", "demo": "demo"}  # by package
OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-m", "not slow")


def run(folder: Path, *words: str) -> str:
    """What a Python module prints that is run in a folder and ends with 0."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(folder: Path) -> set[str]:
    listed = run(folder, "flask", "--help").partition("Commands:")[2]
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


@pytest.fixture(params=COMMANDS)
def package(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def project(package: str, tmp_path: Path) -> Path:
    """A copy of the project without the package."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (PROJECT_FOLDER / name).is_dir():
            shutil.copytree(PROJECT_FOLDER / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(PROJECT_FOLDER / name, tmp_path)
    shutil.rmtree(tmp_path / "contacts_service" / package)
    shutil.rmtree(tmp_path / "tests" / package)
    factory = tmp_path / "contacts_service" / "factory.py"
    lines = factory.read_text().splitlines(keepends=True)
    kept = [line for line in lines if package not in line]
    assert len(lines) - len(kept) == 2  # its import and its entry in the table of commands
    factory.write_text("".join(kept))
    return tmp_path


def test_its_command_alone_is_gone(project: Path, package: str) -> None:
    listed = commands(project)
    assert COMMANDS[package] not in listed
    assert {*COMMANDS.values(), "keys"} - listed == {COMMANDS[package]}


def test_nothing_else_imports_it(project: Path, package: str) -> None:
    files = [file for name in COPIED for file in (project / name).rglob("*.py")]
    imported = re.compile(
        rf"^ *(from|import) (contacts_service|tests)(\.| import ){package}\b", re.M
    )
    assert [file for file in files if imported.search(file.read_text())] == []


def test_contacts_can_be_made(project: Path) -> None:
    run(project, "pytest", *OPTIONS, "tests/contacts/test_quick_create.py")


@pytest.mark.slow
def test_everything_else_works(project: Path) -> None:
    folders = ("auth", "contacts", "conversations", "listing", "search", "web")
    run(project, "pytest", *OPTIONS, "-n", "2", *(f"tests/{folder}" for folder in folders))
