"""Definitions of custom attributes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.client import Api

DEFINITIONS = "/custom-attributes"
DATA_TYPES = ("text", "number", "checkbox", "date", "link", "list")
ONE = {"key": "tier", "name": "Tier", "data_type": "text"}


def path_of(definition: dict[str, Any]) -> str:
    return f"{DEFINITIONS}/{definition['id']}"


def define(api: Api, **fields: Any) -> dict[str, Any]:
    """Define an attribute: a list if it has values, else a text."""
    data_type = "list" if "values" in fields else "text"
    answer: dict[str, Any] = api.post(DEFINITIONS, ONE | {"data_type": data_type} | fields)
    return answer


@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_definition_is_answered_as_it_was_sent(api: Api, data_type: str) -> None:
    sent: dict[str, Any] = {"key": "a_1", "name": "A", "description": "B", "data_type": data_type}
    sent |= {"values": ["c", "d"]} if data_type == "list" else {}
    sent |= {"regex": "e+", "regex_hint": "f"} if data_type == "text" else {}
    made = api.post(DEFINITIONS, sent)
    names = "id key name description data_type values regex regex_hint created_at updated_at"
    assert list(made) == names.split()
    assert made.items() >= sent.items()
    assert made["created_at"] == made["updated_at"]
    assert api.get(path_of(made)) == made
    assert api.get(DEFINITIONS)["results"] == [made]


def test_optional_fields_are_empty_by_default(api: Api) -> None:
    made = define(api)
    assert made["description"] == ""
    assert [made[name] for name in ("values", "regex", "regex_hint")] == [None] * 3


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"key": " tier "}, {"key": "tier"}),
        ({"key": "k" * 64}, {"key": "k" * 64}),
        ({"name": " Kundenklasse "}, {"name": "Kundenklasse"}),
        ({"name": "e\u0301" * 140}, {"name": "é" * 140}),
        ({"description": " "}, {"description": ""}),
        ({"description": "x" * 1000}, {"description": "x" * 1000}),
        ({"values": [" gold", "Gold"]}, {"values": ["gold", "Gold"]}),
        ({"values": ["x" * 250]}, {"values": ["x" * 250]}),
        ({"values": [str(n) for n in range(500)]}, {"values": [str(n) for n in range(500)]}),
        ({"values": ["a"], "regex": None, "regex_hint": None}, {"regex": None}),
        ({"regex": r"\p{L}{1,100}"}, {"regex": r"\p{L}{1,100}"}),
        ({"regex": "x" * 500}, {"regex": "x" * 500}),
        ({"regex_hint": "Four digits"}, {"regex": None, "regex_hint": "Four digits"}),
        ({"data_type": "date", "regex": None, "regex_hint": None}, {"regex": None}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_text_is_trimmed_and_composed(
    api: Api, sent: dict[str, Any], stored: dict[str, Any]
) -> None:
    assert define(api, **sent).items() >= stored.items()


REFUSED = [
    *(({"key": key}, "key") for key in ("", "Tier", "a-b", "a b", "é", "k" * 65, None, 5)),
    *(({"name": name}, "name") for name in ("", " \u00a0", "x" * 141, "a\nb", None, 5)),
    *(({"description": d}, "description") for d in ("x" * 1001, "a\0b", None)),
    *(({"data_type": name}, "data_type") for name in ("", "Text", "string", None, 5)),
    *(({"values": values}, "values") for values in ([], "gold", {}, ["a", "a"], ["a", " a "])),
    ({"values": [str(n) for n in range(501)]}, "values"),
    *(({"values": ["a", value]}, "values[1]") for value in ("", "  ", None, 5, "x" * 251, "\b")),
    *(({"regex": regex}, "regex") for regex in ("", " ", 5, "x" * 501, "a\nb")),
    *(({"regex": regex}, "regex") for regex in ("[", "*", "(?=a)", r"(a)\1", "(?<!a)b", "(?P<a")),
    *(({"regex": regex}, "regex") for regex in ("a{1001}", "((a{99}){99}){99}", r"\p{L}{300}")),
    *(({"regex_hint": hint}, "regex_hint") for hint in ("", " ", "x" * 251, 5)),
    ({"id": 1}, "id"),
    ({"created_at": "2026-05-13T21:47:44.123456Z"}, "created_at"),
]


@pytest.mark.parametrize(("sent", "path"), REFUSED, ids=lambda value: repr(value)[:40])
def test_invalid_field_is_named(api: Api, sent: dict[str, Any], path: str) -> None:
    made = define(api, key="other", **({"values": ["a"]} if "values" in sent else {}))
    data_type = {"data_type": made["data_type"]}
    answer = api.post(DEFINITIONS, ONE | data_type | sent, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert list(api.put(path_of(made), sent, 400)["errors"]["json"]) == [path]
    assert api.get(DEFINITIONS)["results"] == [made]


@pytest.mark.parametrize("name", ["key", "name", "data_type"])
def test_key_name_and_type_are_required(api: Api, name: str) -> None:
    sent = {field: value for field, value in ONE.items() if field != name}
    assert list(api.post(DEFINITIONS, sent, 400)["errors"]["json"]) == [name]


@pytest.mark.parametrize("sent", [{}, {"values": None}])
def test_list_needs_values(api: Api, sent: dict[str, Any]) -> None:
    answer = api.post(DEFINITIONS, ONE | {"data_type": "list"} | sent, 400)
    assert answer["errors"]["json"] == {"values": ["A list needs its values."]}
    made = define(api, values=["gold"])
    api.put(path_of(made), {"values": None}, 400)
    assert api.get(path_of(made)) == made


@pytest.mark.parametrize(
    ("field", "value", "owner"),
    [("values", ["a"], "list"), ("regex", "a", "text"), ("regex_hint", "a", "text")],
)
@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_field_of_another_data_type_is_refused(
    api: Api, data_type: str, field: str, value: Any, owner: str
) -> None:
    sent = ONE | {"data_type": data_type} | ({"values": ["b"]} if data_type == "list" else {})
    made = api.post(DEFINITIONS, sent)
    if data_type == owner:
        assert api.put(path_of(made), {field: value})[field] == value
        return
    for answer in (
        api.post(DEFINITIONS, sent | {"key": "other", field: value}, 400),
        api.put(path_of(made), {field: value}, 400),
    ):
        assert answer["errors"]["json"] == {field: [f"Only for the data type {owner}."]}
    assert api.put(path_of(made), {field: None}) == made


@pytest.mark.parametrize("key", ["tier", " tier\u00a0"])
def test_taken_key_is_a_conflict(api: Api, key: str) -> None:
    made = define(api)
    answer = api.post(DEFINITIONS, {"key": key, "name": "T", "data_type": "date"}, 409)
    assert answer == {"message": "The key is already defined.", "type": "ConflictError"}
    assert api.get(DEFINITIONS)["results"] == [made]


def test_simultaneous_requests_define_a_key_once(app: Flask, make_key: Callable[..., str]) -> None:
    token = make_key("custom_attributes:manage")

    def create(number: int) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        body = ONE | {"name": str(number)}
        return (
            app.test_client().post(f"/api/v1{DEFINITIONS}", json=body, headers=headers).status_code
        )

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(24)))
    assert statuses == [201] + [409] * 23


CHANGES = [
    {"name": "Rank"},
    {"description": "What was agreed."},
    {"description": ""},
    {"regex": "[a-z]+"},
    {"regex": None},
    {"regex": None, "regex_hint": None},
    {"regex_hint": "Small letters"},
    {"key": "tier", "data_type": "text", "values": None, "name": "Rank"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=repr)
def test_update_keeps_fields_not_sent(api: Api, changes: dict[str, Any]) -> None:
    made = define(api, description="A", regex="[0-9]+", regex_hint="Digits")
    changed = api.put(path_of(made), changes)
    assert changed == made | changes | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    assert api.get(path_of(made)) == changed


def test_values_of_a_list_are_replaced(api: Api) -> None:
    made = define(api, values=["gold", "silver"])
    changed = api.put(path_of(made), {"values": ["silver", "gold"]})
    assert changed["values"] == ["silver", "gold"]
    assert changed["updated_at"] > made["updated_at"]


@pytest.mark.parametrize("names", [(), ("name",), ("key", "data_type"), ("values", "description")])
def test_unchanged_values_keep_updated_at(api: Api, names: tuple[str, ...]) -> None:
    made = define(api, values=["gold", "silver"], description="A")
    assert api.put(path_of(made), {name: made[name] for name in names}) == made


@pytest.mark.parametrize(("name", "value"), [("key", "rank"), ("data_type", "number")])
def test_key_and_type_cannot_be_changed(api: Api, name: str, value: str) -> None:
    made = define(api)
    answer = api.put(path_of(made), {"name": "Rank", name: value}, 400)
    assert answer["errors"]["json"] == {name: ["Cannot be changed."]}
    assert api.get(path_of(made)) == made


def test_deleted_definition_frees_its_key(api: Api) -> None:
    made = define(api)
    assert api.delete(path_of(made)) is True
    assert api.get(DEFINITIONS)["total"] == 0
    assert define(api)["id"] > made["id"]


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_pages_list_oldest_first(api: Api, size: int) -> None:
    made = [define(api, key=key) for key in "badec"]
    first = api.get(f"{DEFINITIONS}?page_size={size}")
    pages = range(1, first["total_pages"] + 2)
    answers = [api.get(f"{DEFINITIONS}?page_size={size}&page={page}") for page in pages]
    assert {answer["total"] for answer in answers} == {5}
    assert [row for answer in answers for row in answer["results"]] == made


def test_any_token_lists_the_definitions(
    client: FlaskClient, api: Api, make_key: Callable[..., str]
) -> None:
    made = define(api)
    reader = Api(client, make_key("contact_notes:read"))
    assert reader.get(DEFINITIONS)["results"] == [made]
    for answer in (reader.get(path_of(made), 403), reader.post(DEFINITIONS, {}, 403)):
        assert "custom_attributes:manage" in answer["message"]
