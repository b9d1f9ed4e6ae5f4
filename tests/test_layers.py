"""Which module may know which: routes above services above tables, never the other way."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "contacts_service"
MODULES = sorted(PACKAGE.glob("*.py"))
SCHEMAS = sorted((PACKAGE.parent / "schemas").glob("*.py"))

EDGE = {"api", "auth", "docs", "envelope", "health", "keys", "logs", "openapi", "note_routes",
        "contact_routes", "strict_json", "commands", "migration", "database", "attributes",
        "__init__"}  # fmt: skip
LAYERS = [
    {"errors", "principal", "config", "text", "strict_json", "server"},
    {"database"},
    {"models", "filters", "listing"},
    {"filter_document", "jwt_keys", "jwt_tokens", "attributes", "search", "keys"},
    {"contacts"},
    {"notes", "conversations", "migration", "local_key"},
    {"envelope", "auth", "logs"},
    {"openapi", "health"},
    {"api", "docs"},
    {"contact_routes", "note_routes", "commands"},
    {"__init__"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "contacts_service":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "contacts_service."
        ):
            found.add((node.module or "").split(".")[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_from_the_layers_below(path: Path) -> None:
    above = {name for name in imports(path) if LEVEL[name] > LEVEL[path.stem]}
    assert above == set()


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda p: p.stem)
def test_schemas_never_reach_the_database(path: Path) -> None:
    assert not imports(path) & {"database", "models", "envelope", "auth", "api"}
    assert "sqlalchemy" not in path.read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_only_the_edge_knows_flask(path: Path) -> None:
    if path.stem not in EDGE:
        assert "import flask" not in path.read_text()
        assert "from flask" not in path.read_text()
