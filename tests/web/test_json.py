"""JSON bodies: what is read, what is refused, and that numbers and strings survive as sent."""

import json
from typing import Any

import pytest

from contacts_service.strict_json import JSONError, read_json
from tests.client import Api


def nested(depth: int, innermost: str = "", opening: str = "[", closing: str = "]") -> str:
    return opening * depth + innermost + closing * depth


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (" \t\r\n[1, 2] \n", [1, 2]),
        ("null", None),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("-0", 0),
        ("1e308", 1e308),
        ("100000000000000000000.5", 1e20),
        ("1e-400", 0.0),
        (r'"\ud83d\ude00 \u00e9 \/"', "😀 é /"),
        ('"\ufeff"', "\ufeff"),
        ('{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    ],
)
def test_json_is_read(text: str, value: Any) -> None:
    assert read_json(text) == value
    assert read_json(text.encode()) == value


def test_whole_numbers_fractions_and_booleans_stay_apart() -> None:
    assert repr(read_json("[1, 1.0, 1e0, true, -0.0]")) == "[1, 1.0, 1.0, True, -0.0]"


REFUSED = {
    "empty": "",
    "blank": " ",
    "cut short": '{"a": 1',
    "two values": "{} {}",
    "trailing comma": "[1,]",
    "comment": "[1] // one",
    "single quotes": "{'a': 1}",
    "bare key": "{a: 1}",
    "Python's true": "True",
    "leading zero": "01",
    "plus": "+1",
    "no whole part": ".5",
    "no fraction": "1.",
    "hexadecimal": "0x10",
    "NaN": "NaN",
    "Infinity": "[Infinity]",
    "-Infinity": '{"a": -Infinity}',
    "beyond a double": "1e400",
    "beyond a double, negative": "[-1e400]",
    "a whole number beyond a double": "1" * 400,
    "2^63": "9223372036854775808",
    "-2^63 - 1": "-9223372036854775809",
    "2^64, inside": '{"a": [18446744073709551616]}',
    "a million digits": "1" * 1_000_000,
    "field twice": '{"a": 1, "a": 1}',
    "field twice, inside": '[{"a": {"b": 1, "c": 2, "b": 3}}]',
    "field twice, spelt apart": r'{"a": 1, "\u0061": 2}',
    "lone high surrogate": r'"\ud800"',
    "lone low surrogate": r'"\udc00"',
    "surrogates in the wrong order": r'"\udc00\ud800"',
    "lone surrogate as a key": r'{"\udfff": 1}',
    "raw control character": '"a\nb"',
    "unknown escape": r'"\x41"',
    "trailing NUL": "{}\0",
    "BOM": "\ufeff{}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_malformed_json_is_refused(text: str) -> None:
    for raw in (text, text.encode()):
        with pytest.raises(JSONError):
            read_json(raw)


NOT_UTF8 = {
    "latin-1": b'"\xe9"',
    "UTF-16": "{}".encode("utf-16"),
    "UTF-16 without BOM": "{}".encode("utf-16-le"),
    "overlong": b'"\xc0\xaf"',
    "surrogate": b'"\xed\xa0\x80"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "cut short": b'"\xe7\x8e"',
}


@pytest.mark.parametrize("raw", NOT_UTF8.values(), ids=NOT_UTF8.keys())
def test_other_encodings_than_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(JSONError):
        read_json(raw)


NESTED = {
    "arrays": lambda depth: nested(depth),
    "arrays around a value": lambda depth: nested(depth, "1"),
    "objects": lambda depth: nested(depth - 1, "{}", '{"a":', "}"),
    "objects around a value": lambda depth: nested(depth, "1", '{"a":', "}"),
    "beside flat ones": lambda depth: f"[[], {nested(depth - 1)}, {{}}]",
}


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED.keys())
def test_nesting_is_read_to_64_levels(make) -> None:
    assert json.dumps(read_json(make(64))) == json.dumps(json.loads(make(64)))
    for depth in (65, 66, 500, 100_000):
        with pytest.raises(JSONError):
            read_json(make(depth))


BODIES = {
    "malformed": b'{"first_name": "Bob"',
    "blank": b" ",
    "BOM": b'\xef\xbb\xbf{"first_name": "Bob"}',
    "not UTF-8": b'{"first_name": "B\xf6b"}',
    "field twice": b'{"first_name": "Bob", "first_name": "Rob"}',
    "NaN": b'{"first_name": "Bob", "custom_attributes": {"a": NaN}}',
    "1e400": b'{"first_name": "Bob", "custom_attributes": {"a": 1e400}}',
    "2^63": b'{"first_name": "Bob", "custom_attributes": {"a": 9223372036854775808}}',
    "lone surrogate": b'{"first_name": "Bob", "last_name": "\\ud800"}',
    "too deep": b'{"first_name": "Bob", "custom_attributes": {"a": %s}}' % nested(63).encode(),
    "array": b"[]",
    "array of the fields": b'[{"first_name": "Bob"}]',
    "null": b"null",
    "string": b'"first_name"',
    "number": b"5",
    "no body": b"",
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
def test_body_that_is_no_json_object_changes_nothing(api: Api, raw: bytes) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    answer = api.call("PUT", path, 400, data=raw, content_type="application/json").json["data"]
    assert (answer["type"], list(answer["errors"])) == ("InputError", ["json"])
    assert list(answer["errors"]["json"]) == [""]
    assert api.get(path) == contact


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_body_of_another_content_type_is_refused(api: Api, content_type: str) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    raw = b'{"first_name": "Bob"}'
    answer = api.call("PUT", path, 415, data=raw, content_type=content_type).json["data"]
    assert answer["type"] == "UnsupportedMediaTypeError"
    assert api.get(path) == contact


def test_attributes_come_back_as_they_were_sent(api: Api) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    sent = (
        '{"low":-9223372036854775808,"high":9223372036854775807,"one":1,"fraction":1.0,'
        '"yes":true,"nothing":null,"spaces":"  x  ","decomposed":"e\u0301","pair":"😀",'
        f'"deep":{nested(61)},"quote":"\\"\\\\"}}'
    )
    body = f'{{"custom_attributes": {sent}}}'.encode()
    answer = api.call("PUT", path, data=body, content_type="application/json")
    expected = sorted(json.loads(sent).items())
    for text in (answer.data, api.call("GET", path).data):
        stored = json.loads(text)["data"]["custom_attributes"]
        assert json.dumps(sorted(stored.items())) == json.dumps(expected)


def test_deepest_body_is_taken_and_shown(api: Api) -> None:
    path = f"/api/v1/contacts/{api.make_contact()['id']}"
    options = {"headers": {"Authorization": f"Bearer {api.token}"}}
    body = f'{{"custom_attributes": {{"a": {nested(62)}}}}}'
    answer = api.client.put(path, data=body, content_type="application/json", **options)
    assert answer.status_code == 200
    for response in (answer, api.client.get(path, **options)):  # one level deeper than the body
        attributes = json.loads(response.data)["data"]["custom_attributes"]
        assert attributes == {"a": json.loads(nested(62))}
