"""The pinned dependencies: whole, with hashes, and the same in every file.

What a package needs and nobody pinned stops the installation, which demands hashes of everything.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from contacts_service.config import PROJECT_FOLDER
from tests.test_layers import MODULES, SCHEMAS

PROJECT = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text())["project"]
FILES = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-dev.txt": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
    "requirements-bench.txt": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["bench"],
}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(file: str) -> dict[str, tuple[Requirement, int]]:
    """By name, what a file pins, and how many hashes it accepts for it."""
    entries = re.split(r"\n(?=\S)", (PROJECT_FOLDER / file).read_text().replace("\\\n", "").strip())
    found = [(Requirement(entry.partition("--hash")[0]), entry) for entry in entries]
    return {canonicalize_name(each.name): (each, len(HASH.findall(text))) for each, text in found}


@pytest.mark.parametrize("file", FILES)
def test_everything_that_is_pinned_has_one_version_and_its_hashes(file: str) -> None:
    for requirement, hashes in pins(file).values():
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier))
        assert hashes >= 1


@pytest.mark.parametrize(("file", "wanted"), FILES.items())
def test_everything_that_the_project_names_is_pinned(file: str, wanted: list[str]) -> None:
    assert {canonicalize_name(Requirement(each).name) for each in wanted} <= set(pins(file))


@pytest.mark.parametrize("file", list(FILES)[1:])
def test_every_file_pins_the_same_versions(file: str) -> None:
    first, other = pins("requirements.txt"), pins(file)
    differing = [
        name for name in set(first) & set(other)
        if first[name][0].specifier != other[name][0].specifier
    ]  # fmt: skip
    assert differing == []


def test_everything_that_the_service_imports_is_pinned() -> None:
    paths = [path for path in (*MODULES, *SCHEMAS) if "demo" not in path.parts]
    found = {name for path in paths for name in imported(path)}
    by_module = packages_distributions()
    pinned = set(pins("requirements.txt"))
    unpinned = [
        module for module in found - {"contacts_service", "schemas"} - set(sys.stdlib_module_names)
        if not pinned & {canonicalize_name(name) for name in by_module.get(module, [])}
    ]  # fmt: skip
    assert unpinned == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
        yield from (name.split(".")[0] for name in names)
