"""Custom attributes in a PUT: limits, replacement of the whole object, and strict mode."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from contacts_service.strict_json import write_json
from tests.client import Api

DECOMPOSED = "e\u0301"
LIMIT = 16 * 1024  # bytes


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


def attributes(api: Api, contact: dict[str, Any]) -> Any:
    return api.get(path_of(contact))["custom_attributes"]


def test_object_is_replaced_as_a_whole(api: Api) -> None:
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
def test_invalid_attribute_is_named(api: Api, sent: dict[str, Any], path: str) -> None:
    contact = api.make_contact(custom_attributes={"tier": "gold"})
    answer = api.put(path_of(contact), {"custom_attributes": {"fine": 1, **sent}}, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert api.get(path_of(contact)) == contact


@pytest.mark.parametrize(("first", "second"), [("tier", " tier"), ("é", DECOMPOSED)])
def test_keys_that_differ_only_in_spelling_are_refused(api: Api, first: str, second: str) -> None:
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


NOT_DEFINED = "This attribute is not defined."
LIST = [f"Value {n}" for n in range(1, 13)]
DEFINITIONS: dict[str, dict[str, Any]] = {
    "text": {"data_type": "text"},
    "code": {"data_type": "text", "regex": "[a-z]{2}|[0-9]{4}|é"},
    "hinted": {"data_type": "text", "regex": "^[0-9]{4}$", "regex_hint": "Four digits, please."},
    "number": {"data_type": "number"},
    "checkbox": {"data_type": "checkbox"},
    "date": {"data_type": "date"},
    "link": {"data_type": "link"},
    "list": {"data_type": "list", "values": ["gold", "Silver", "1"]},
    "long_list": {"data_type": "list", "values": LIST},
}


@pytest.fixture
def turn_on_strict_mode(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that turns strict mode on."""
    return lambda: monkeypatch.setitem(app.config, "CONTACTS_STRICT_ATTRIBUTES", True)


@pytest.fixture
def path(api: Api, turn_on_strict_mode: Callable[[], None]) -> str:
    """The path of a contact with an attribute that was stored before strict mode."""
    contact = api.make_contact(custom_attributes={"old": 1})
    turn_on_strict_mode()
    return f"/contacts/{contact['id']}"


def define(api: Api, *keys: str) -> None:
    for key in keys:
        api.post("/custom-attributes", {"key": key, "name": key} | DEFINITIONS[key])


SUITABLE = {
    "text": ["", " ", "gold", "5", "x" * 10_000, "😀"],
    "code": ["ab", "1234", "é"],
    "hinted": ["0000"],
    "number": [0, -1, 1.5, 1e300, 2**63 - 1],
    "checkbox": [True, False],
    "date": ["2026-05-13", "2024-02-29", "0001-01-01", "9999-12-31"],
    "link": [
        "https://example.com",
        "HTTP://EXAMPLE.COM/",
        "http://localhost:9000/a?b=c&d#e",
        "https://müller.de/straße",
        "http://[::1]:80/",
        "https://user@example.com/%20",
        "http://192.0.2.1",
        "https://example.com?q",
    ],
    "list": ["gold", "Silver", "1"],
    "long_list": LIST[-1:],
}
CODE = "Must match [a-z]{2}|[0-9]{4}|é as a whole."
DATE = "Must be a date, as in 2026-05-13."
LINK = "Must be a web address, as in https://example.com/page."
ONE_OF_LIST = "Must be one of: gold, Silver, 1."
UNSUITABLE = {
    "text": [("Must be a string.", [5, True, [], {}, ["gold"]])],
    "code": [
        (CODE, ["", "a", "abc", "12345", "ab1234", " ab", "ab ", "AB", "e\u0301"]),
        ("Must be a string.", [1234]),
    ],
    "hinted": [("Four digits, please.", ["", "123", "٠١٢٣"]), ("Must be a string.", [1234])],
    "number": [("Must be a number.", ["1", "", True, False, [], {}, [1]])],
    "checkbox": [("Must be true or false.", ["true", "", 0, 1, [], {}])],
    "date": [
        (DATE, ["", "2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "20260513"]),
        (DATE, ["2026-W20-3", "2026-5-13", "13.05.2026", "2026-05-13T00:00:00Z", " 2026-05-13"]),
        (DATE, ["2026-05-13 ", "٢٠٢٦-٠٥-١٣", 20260513, True, [], {}]),
    ],
    "link": [
        (LINK, ["", "example.com", "//example.com", "/page", "https:", "https://", "http:///a"]),
        (LINK, ["http:example.com", "ftp://example.com", "javascript:alert(1)", "mailto:a@b.co"]),
        (LINK, ["http://:80", "http://user@", "http://[::1", "http://a:b", "http://a:99999"]),
        (LINK, [" http://a.co", "http://a.co ", "http://a b.co", "http://a.co/\u3000"]),
        (LINK, ["http:\\\\a.co", "http://a.co\\@b.co", 5, True, [], {}]),
    ],
    "list": [(ONE_OF_LIST, ["", "Gold", "silver", " gold", 1, True, [], {}, ["gold"]])],
    "long_list": [("Must be one of: " + ", ".join(LIST[:10]) + ", ….", ["Value 13"])],
}


@pytest.mark.parametrize("key", SUITABLE)
def test_valid_value_is_stored(api: Api, path: str, key: str) -> None:
    define(api, key)
    for value in [*SUITABLE[key], None]:
        api.put(path, {"custom_attributes": {key: value}})
        assert api.get(path)["custom_attributes"] == {key: value}


@pytest.mark.parametrize("key", UNSUITABLE)
def test_invalid_value_is_named(api: Api, path: str, key: str) -> None:
    define(api, key)
    for sentence, values in UNSUITABLE[key]:
        for value in values:
            answer = api.put(path, {"custom_attributes": {key: value}}, 400)
            assert answer["errors"] == {"json": {f"custom_attributes.{key}": [sentence]}}, value
    assert api.get(path)["custom_attributes"] == {"old": 1}


def test_every_invalid_key_is_named(api: Api, path: str) -> None:
    define(api, "text", "number", "date")
    sent = {"number": "5", "a.b": 1, "text": "fine", "date": "today", "Text": "x", "none": None}
    answer = api.put(path, {"first_name": "Linda", "custom_attributes": sent}, 400)
    assert answer["errors"]["json"] == {
        "custom_attributes.number": ["Must be a number."],
        "custom_attributes.a.b": [NOT_DEFINED],
        "custom_attributes.date": [DATE],
        "custom_attributes.Text": [NOT_DEFINED],
        "custom_attributes.none": [NOT_DEFINED],
    }
    assert api.get(path)["first_name"] == ""


def test_stored_attributes_are_checked_only_when_sent_again(api: Api, path: str) -> None:
    changed = api.put(path, {"first_name": "Linda"})
    assert changed["custom_attributes"] == {"old": 1}
    answer = api.put(path, {"custom_attributes": {"old": 1}}, 400)
    assert answer["errors"]["json"] == {"custom_attributes.old": [NOT_DEFINED]}
    assert api.put(path, {"custom_attributes": {}})["custom_attributes"] == {}


def test_changed_definition_applies_to_the_next_request(api: Api, path: str) -> None:
    define(api, "code", "list")
    sent = {"custom_attributes": {"code": "ab", "list": "gold"}}
    stored = api.put(path, sent)
    [code, values] = [f"/custom-attributes/{d['id']}" for d in definitions(api)]
    api.put(code, {"regex": "[0-9]+", "regex_hint": "Digits"})
    api.put(values, {"values": ["platinum"]})
    assert api.put(path, sent, 400)["errors"]["json"] == {
        "custom_attributes.code": ["Digits"],
        "custom_attributes.list": ["Must be one of: platinum."],
    }
    api.put(code, {"regex": None})
    api.delete(values)
    assert api.put(path, sent, 400)["errors"]["json"] == {"custom_attributes.list": [NOT_DEFINED]}
    assert api.get(path) == stored


def definitions(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/custom-attributes")["results"]
    return found


def test_nothing_is_checked_without_strict_mode(api: Api) -> None:
    define(api, *DEFINITIONS)
    free = {key: [{}] for key in [*DEFINITIONS, "other"]}
    assert api.make_contact(custom_attributes=free)["custom_attributes"] == free


@pytest.mark.parametrize("regex", ["(x+x+)+y", "(.*x){20}y", "(x|x|x?)+y", "(?:x?){200}y"])
def test_pattern_takes_linear_time(api: Api, path: str, regex: str) -> None:
    body = {"key": "slow", "name": "Slow", "data_type": "text", "regex": regex}
    api.post("/custom-attributes", body)
    answer = api.put(path, {"custom_attributes": {"slow": "x" * 16_000}}, 400)
    assert list(answer["errors"]["json"]) == ["custom_attributes.slow"]


def test_definitions_are_read_in_one_query(
    api: Api, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    define(api, *DEFINITIONS)
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"):
        api.put(path, {"custom_attributes": dict.fromkeys(DEFINITIONS)})
    reads = [r for r in caplog.messages if "FROM custom_attribute_definitions" in r]
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("stored", "changes", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"x": None}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        (
            {"a": {"b": 1, "c": 2}},
            {"a": {"b": None, "d": [None, {}]}},
            {"a": {"c": 2, "d": [None, {}]}},
        ),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"b": {"c": None}}, {"a": 1, "b": {}}),
    ],
)
def test_changes_are_merged(api: Api, stored: Any, changes: Any, merged: Any) -> None:
    contact = api.make_contact(custom_attributes=stored)
    path = f"/contacts/{contact['id']}"
    changed = api.put(path, {"custom_attributes_changes": changes})
    assert changed["custom_attributes"] == merged
    assert (changed["updated_at"] == contact["updated_at"]) == (merged == stored)
    assert changed == api.get(path)


def test_changes_and_the_whole_object_exclude_each_other(api: Api) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    both = {"custom_attributes": {}, "custom_attributes_changes": {"a": 1}}
    assert list(api.put(path, both, 400)["errors"]["json"]) == ["custom_attributes_changes"]


def test_changes_may_not_make_the_object_too_large(api: Api) -> None:
    contact = api.make_contact(custom_attributes={"a": "x" * 10_000})
    path = f"/contacts/{contact['id']}"
    changes = {"custom_attributes_changes": {"b": "x" * 10_000}}
    assert list(api.put(path, changes, 400)["errors"]["json"]) == ["custom_attributes_changes"]
    assert api.get(path) == contact


def test_strict_mode_checks_changes(api: Api, path: str) -> None:
    define(api, "number")
    good = {"custom_attributes_changes": {"number": 5}}
    assert api.put(path, good)["custom_attributes"] == {"old": 1, "number": 5}
    bad = {"custom_attributes_changes": {"number": "x", "unknown": 1}}
    assert set(api.put(path, bad, 400)["errors"]["json"]) == {
        "custom_attributes_changes.number",
        "custom_attributes_changes.unknown",
    }
    gone = {"custom_attributes_changes": {"number": None}}
    assert api.put(path, gone)["custom_attributes"] == {"old": 1}
    undefined = {"custom_attributes_changes": {"old": None}}
    assert api.put(path, undefined)["custom_attributes"] == {}
