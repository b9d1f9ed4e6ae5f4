"""docs/architecture.md: its packages exist, and its table of imports is the one that is held."""

import re

from contacts_service.config import PROJECT_FOLDER
from tests.docs.pages import FOLDER, table
from tests.test_layers import ALLOWED, GROUND, PACKAGE

PAGE = FOLDER / "architecture.md"
TEXT = PAGE.read_text()


def test_the_table_of_imports_is_the_one_that_is_held() -> None:
    rows = dict(re.findall(r"^\| ([a-z]+) \| (.+) \|$", table(PAGE, "layers"), re.M))
    told = {name: set(re.findall(r"\w+", others)) for name, others in rows.items()}
    assert told == ALLOWED


def test_the_ground_is_the_one_that_is_held() -> None:
    sentence = TEXT.split("and the ground:")[1].split("which import")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == GROUND


def test_every_package_has_its_row() -> None:
    packages = {f"contacts_service/{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    told = set(re.findall(r"^\| `([\w/]+/)` \|", TEXT, re.M))
    assert packages <= told
    assert all((PROJECT_FOLDER / name).is_dir() for name in told)
