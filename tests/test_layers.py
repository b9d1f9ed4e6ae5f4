"""Which module may know which: routes above services above tables, never the other way."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "contacts_service"
MODULES = sorted(PACKAGE.glob("*.py"))
SCHEMAS = sorted((PACKAGE.parent / "schemas").glob("*.py"))

# What may know of requests, commands and the application.
EDGE = {
    *(
        "__init__",
        "api",
        "application",
        "arguments",
        "auth",
        "docs",
        "envelope",
        "health",
        "idempotency",
        "keys",
        "logs",
        "metrics",
        "openapi",
    ),
    *("channel_routes", "contact_routes", "conversation_routes", "definition_routes"),
    *("inbound_routes", "note_routes"),
    *("backup_commands", "commands", "directory_commands", "inbound_commands"),
    "search_commands",
    *("attributes", "copying", "database", "migration", "strict_json"),
}
LAYERS = [
    {
        "application",
        "charsets",
        "clock",
        "config",
        "errors",
        "headers",
        "memory",
        "principal",
        "shares",
        "strict_json",
        "turns",
    },
    {"connections", "counters"},
    {"dialects", "reading", "server", "text"},
    {"cursors", "matching", "sql_json"},
    {"search_tokens"},
    {"backends"},
    {"postgresql_statements", "search_postgresql", "search_sqlite"},
    {"postgresql", "sqlite"},
    {"csv_files", "database", "filter_fields", "incoming", "listing"},
    {"filters", "mail", "mail_headers", "mail_text", "models", "names"},
    {"attributes", "filter_document", "jwt_keys", "keys", "search", "search_index"},
    {"channels", "jwt_tokens", "local_key", "migration", "search_upkeep"},
    {"backup"},
    {"bulk", "copying", "directory"},
    {"contacts"},
    {"conversations", "correspondents", "definitions", "messages", "notes"},
    {"inbound", "outbound"},
    {"demo_people", "demo_words", "transfer_matching"},
    {"demo", "demo_story", "transfer"},
    {"auth", "envelope", "logs"},
    {"arguments", "health", "idempotency", "metrics", "openapi"},
    {"api", "docs"},
    {"channel_routes", "contact_routes", "conversation_routes", "definition_routes"},
    {"command_line", "inbound_routes", "note_routes"},
    {"backup_commands", "commands", "directory_commands", "inbound_commands", "search_commands"},
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
