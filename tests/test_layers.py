"""Who may import whom: the table of `docs/architecture.md`, held against the imports."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "contacts_service"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)
SCHEMAS = sorted((ROOT / "schemas").glob("*.py"))

# The ground: imported by all, importing nothing above it.
GROUND = {"config", "errors", "limits", "text", "timestamps", "strict_json"}
ROOM = {"db", "listing", "search", "auth", "web", "schemas", "contacts", "conversations"}

# What a package may import beside itself and the ground.
ALLOWED: dict[str, set[str]] = {
    "schemas": set(),
    "db": set(),
    "listing": {"db"},
    "auth": {"db"},
    "search": {"db", "listing"},
    "web": {"db", "auth", "schemas"},
    "contacts": {"db", "listing", "search", "auth", "web", "schemas"},
    "conversations": {"db", "listing", "search", "auth", "web", "schemas", "contacts"},
    "transfer": ROOM,
    "demo": {"db", "search", "auth", "contacts", "conversations"},
}
SCHEMAS_MAY = {"limits", "text", "timestamps", "strict_json"}

# Modules that only their own package imports.
PRIVATE = {
    "db": {"sqlite", "postgresql", "backend"},
    "listing": {"cursors"},
    "auth": {"jwks", "jwt_verifier"},
    "web": {"parsing", "idempotency"},
}
# Packages of which others import these modules alone.
OPEN = {"search": {"query", "index", "rebuild"}, "mail": {"parser"}}

MOST_MODULES = 14
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules and packages of ours that a file imports, as steps below `contacts_service`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        steps = tuple(node.module.split("."))
        if steps[0] == "schemas":
            yield steps
        elif steps[0] == "contacts_service":
            for alias in node.names:
                module = PACKAGE.joinpath(*steps[1:], alias.name)
                is_module = module.is_dir() or module.with_suffix(".py").exists()
                yield (*steps[1:], alias.name) if is_module else steps[1:]


def room_of(path: Path) -> tuple[str, ...]:
    """The packages that a file lies in; none for the root's own modules."""
    steps = path.relative_to(ROOT).parent.parts
    return steps[1:] if steps[0] == "contacts_service" else steps


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*MODULES, *SCHEMAS], ids=name_of)
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    room = room_of(path)
    if not room:
        if path.stem in GROUND:
            assert {steps[0] for steps in imports(path)} <= GROUND
        return
    allowed = ALLOWED[room[0]] | {room[0]} | (SCHEMAS_MAY if room[0] == "schemas" else GROUND)
    if path.stem == "commands":
        allowed |= {"cli"}
    assert {".".join(steps) for steps in imports(path) if steps[0] not in allowed} == set()


@pytest.mark.parametrize("path", [*MODULES, *SCHEMAS], ids=name_of)
def test_what_is_private_to_a_package_stays_there(path: Path) -> None:
    room = room_of(path)
    for steps in imports(path):
        for package, module in pairwise(steps):
            if package in room or not room:
                continue
            assert module not in PRIVATE.get(package, set())
            assert module in OPEN.get(package, {module})


def folders() -> list[Path]:
    return sorted({path.parent for path in [*MODULES, *SCHEMAS]})


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_package_is_seen_at_a_glance(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MOST_MODULES


@pytest.mark.parametrize("path", [*MODULES, *SCHEMAS], ids=name_of)
def test_modules_and_functions_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(path.read_text().splitlines()) <= MOST_LINES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_LINES_OF_A_FUNCTION, node.name


@pytest.mark.parametrize("path", [*MODULES, *SCHEMAS], ids=name_of)
def test_imports_stand_at_the_top(path: Path) -> None:
    """One inside a function has its reason at the end of its line."""
    lines = path.read_text().splitlines()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert "  # " in lines[(node.end_lineno or 1) - 1], f"{function.name}: {node}"


def test_the_server_is_known_to_one_module() -> None:
    assert [name_of(path) for path in MODULES if "granian" in path.read_text()] == [
        "contacts_service/server.py"
    ]


def test_schemas_load_nothing_of_the_database() -> None:
    names = [f"schemas.{path.stem}" for path in SCHEMAS if path.stem != "__init__"]
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert not {"sqlalchemy", "psycopg", "contacts_service.db"} & set(loaded.split())


def test_the_server_is_short() -> None:
    assert len((PACKAGE / "server.py").read_text().splitlines()) <= 120
