"""docs/api.md: each field has the operators of its table, and older words are accepted."""

import re

import pytest

from tests.client import Api
from tests.docs.pages import FOLDER

TEXT = (FOLDER / "api.md").read_text()
ROWS = re.findall(
    r"^\| (.+) \| (.+) \|$",
    TEXT.split("| Fields | Operators |\n|---|---|\n")[1].split("\n\n")[0],
    re.M,
)
VALUES = {"id": 1, "created_at": "2026-05-13", "updated_at": "2026-05-13", "blocked": True}
OLDER = re.findall("`([a-z_ ]+)`", TEXT.split("for older clients:")[1].split(";")[0])


def words(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


EVERY = list(dict.fromkeys(word for _, cell in ROWS for word in words(cell)))
FIELDS = {field: words(cell) or EVERY for names, cell in ROWS for field in words(names)}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_the_operators_of_the_page(api: Api, field: str) -> None:
    for word in EVERY:
        value = VALUES.get(field, "x")
        filters = {
            "field": field.replace("<key>", "tier"),
            "operator": word,
            "value": {"between": [value] * 2, "in": [value], "not in": [value]}.get(word, value),
        }
        api.filtered([filters], 200 if word in FIELDS[field] else 400)


def test_the_older_words_are_accepted(api: Api) -> None:
    assert "ilike" in OLDER
    for word in OLDER:
        field, value = ("users.id", 1) if word.endswith("than") else ("contacts.email", "x")
        value = [value] if word == "not_in" else value
        leaf = {"field": field, "operator": word, "value": value, "model": "contacts"}
        api.filtered([leaf])
