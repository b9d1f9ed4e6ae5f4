"""Custom attributes in a PUT: the whole object is replaced, within limits, values as sent."""

import json
from typing import Any

import pytest

from contacts_service.strict_json import write_json
from tests.client import Api

DECOMPOSED = "e\u0301"
LIMIT = 16 * 1024  # bytes


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


def attributes(api: Api, contact: dict[str, Any]) -> Any:
    return api.get(path_of(contact))["custom_attributes"]


def test_object_is_replaced_whole(api: Api) -> None:
    contact = api.make_contact(custom_attributes={"tier": "gold", "nested": {"a": 1, "b": 2}})
    api.put(path_of(contact), {"custom_attributes": {"nested": {"b": 3}, "none": None}})
    assert attributes(api, contact) == {"nested": {"b": 3}, "none": None}


def test_keys_are_trimmed_and_values_kept(api: Api) -> None:
    value = {f" {DECOMPOSED} ": [f"  {DECOMPOSED}  ", " ", ""]}
    contact = api.make_contact(custom_attributes={f" ti{DECOMPOSED}r ": value})
    assert attributes(api, contact) == {"tiér": value}


@pytest.mark.parametrize(
    "key", ["k" * 64, f"  {DECOMPOSED * 64} ", "😀" * 64, "a.b", 'q"\\', "_schema"]
)
def test_key_of_up_to_64_characters_is_stored(api: Api, key: str) -> None:
    contact = api.make_contact(custom_attributes={key: 1})
    [stored] = attributes(api, contact)
    assert len(stored) <= 64


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"k" * 65: 1}, f"custom_attributes.{'k' * 65}"),
        ({"": 1}, "custom_attributes."),
        ({"a\0b": 1}, "custom_attributes.a\0b"),
        ({"tier": "go\0ld"}, "custom_attributes.tier"),
        ({"tier": ["gold", {"a": "\x85"}]}, "custom_attributes.tier"),
        ({"tier": {"a\x1fb": 1}}, "custom_attributes.tier"),
        ({"_schema": "\0"}, "custom_attributes._schema"),
        ({"a.b": "\0"}, "custom_attributes.a.b"),
    ],
)
def test_attribute_that_will_not_do_is_named(api: Api, sent: dict[str, Any], path: str) -> None:
    contact = api.make_contact(custom_attributes={"tier": "gold"})
    answer = api.put(path_of(contact), {"custom_attributes": {"fine": 1, **sent}}, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert api.get(path_of(contact)) == contact


@pytest.mark.parametrize(("first", "second"), [("tier", " tier"), ("é", DECOMPOSED)])
def test_keys_that_are_one_after_trimming_are_refused(api: Api, first: str, second: str) -> None:
    contact = api.make_contact()
    api.put(path_of(contact), {"custom_attributes": {first: 1, second: 2}}, 400)
    assert api.get(path_of(contact)) == contact


@pytest.mark.parametrize(
    "fill", ["a", "é", "王", "😀", '"', "\\", [1], {"a": None}, 1.5], ids=lambda fill: repr(fill)
)
def test_size_is_measured_in_bytes_of_compact_json(api: Api, fill: Any) -> None:
    contact = api.make_contact()
    size = len(write_json(fill)) - (2 if isinstance(fill, str) else -1)  # a comma with the others
    count = (LIMIT - 100) // size
    value = fill * count if isinstance(fill, str) else [fill] * count
    rest = LIMIT - len(write_json({"fill": value, "pad": ""}))
    assert 0 <= rest < 200
    largest = {"fill": value, "pad": "x" * rest}
    body = json.dumps({"custom_attributes": largest}, indent=1)  # escaped and spaced out
    api.call("PUT", path_of(contact), data=body, content_type="application/json")
    assert attributes(api, contact) == largest
    api.put(path_of(contact), {"custom_attributes": largest | {"pad": "x" * (rest + 1)}}, 400)
    assert attributes(api, contact) == largest


def test_size_counts_keys(api: Api) -> None:
    contact = api.make_contact()
    largest = {f"{n:064}": "" for n in range(LIMIT // 70 - 1)}  # 70 bytes each
    largest |= {"pad": "x" * (LIMIT - len(write_json(largest | {"pad": ""})))}
    assert len(write_json(largest)) == LIMIT
    api.put(path_of(contact), {"custom_attributes": largest})
    too_large = largest | {"pad": largest["pad"] + "x"}
    answer = api.put(path_of(contact), {"custom_attributes": too_large}, 400)
    assert list(answer["errors"]["json"]) == ["custom_attributes"]


ONE = {"n": 1, "inside": {"a": 1, "b": [1, 2]}}


def test_other_order_of_keys_is_no_change(api: Api) -> None:
    contact = api.make_contact(custom_attributes=ONE)
    reordered = {"inside": {"b": [1, 2], "a": 1}, "n": 1}
    assert api.put(path_of(contact), {"custom_attributes": reordered}) == contact


@pytest.mark.parametrize(
    "other",
    [
        {**ONE, "n": 1.0},
        {**ONE, "n": True},
        {**ONE, "n": "1"},
        {**ONE, "n": [1]},
        {**ONE, "none": None},
        {**ONE, "inside": {"a": True, "b": [1, 2]}},
        {**ONE, "inside": {"a": 1, "b": [2, 1]}},
        {**ONE, "inside": {"a": 1, "b": [1, 2.0]}},
    ],
    ids=repr,
)
def test_other_type_or_order_of_values_is_a_change(api: Api, other: dict[str, Any]) -> None:
    contact = api.make_contact(custom_attributes=ONE)
    changed = api.put(path_of(contact), {"custom_attributes": other})
    assert changed["updated_at"] > contact["updated_at"]
    assert json.dumps(attributes(api, contact), sort_keys=True) == json.dumps(other, sort_keys=True)
    restored = api.put(path_of(contact), {"custom_attributes": ONE})
    assert restored["updated_at"] > changed["updated_at"]
    assert json.dumps(attributes(api, contact), sort_keys=True) == json.dumps(ONE, sort_keys=True)
