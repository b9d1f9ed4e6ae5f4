"""Nothing that is sent is taken for code: by the database, the log or a header."""

import io
import json
from typing import Any

import pytest

from tests.client import Api
from tests.directory import PEOPLE, open_directory

HOSTILE = [
    "'", '"', "''", '""', "\\", "`", "%", "_", "*", "?", ":id", "?1", "@p", "$", "$.tier", "$[0]",
    "$.*", "tier.x", "tier[0]", '"tier"', '$."tier"', "[0]", "[#-1]", "]", "..", "#", "--", ";",
    "/*", "' OR '1'='1", '" OR "1"="1', "'; DROP TABLE contacts; --", "') OR 1=1 --", "tier' --",
    "x') UNION SELECT key_hash FROM api_keys --", "AND", "NEAR(a b)", "a OR b", "col:x", "-x",
    "^a", "{a b}", "a*", '"a" AND "b"', "{{7*7}}", "${7*7}", "%s", "%(x)s", "{0}", "{key}", "../..",
]  # fmt: skip
FIELDS = ["first_name", "last_name", "email", "phone"]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Api:
    return open_directory(tmp_path_factory.mktemp("people"))


def whose(person: dict[str, Any], field: str, text: str) -> bool:
    return text.casefold() in (person[field] or "").casefold()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_filter_compares_whatever_it_is_given(people: Api, text: str) -> None:
    keys = [{"field": f"custom_attributes.{text}", "operator": "set"}]
    expected = [each["id"] for each in PEOPLE.values() if text in each["custom_attributes"]]
    assert [each["id"] for each in people.filtered(keys)["results"]] == expected
    for operator in ("=", "!=", "starts with", "not contains"):
        values = [{"field": field, "operator": operator, "value": text} for field in FIELDS]
        people.filtered([{"logic": "OR", "rules": values}])
    by_phone = [{"field": "phone", "operator": "contains", "value": text}]
    expected = [each["id"] for each in PEOPLE.values() if whose(each, "phone", text)]
    assert [each["id"] for each in people.filtered(by_phone)["results"]] == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_a_key_is_found_by_its_own_name_alone(api: Api, text: str) -> None:
    contact = api.make_contact(custom_attributes={text: "mine", "tier": "gold"})
    api.make_contact("other@example.com", custom_attributes={"tier": "mine"})
    found = api.filtered([{"field": f"custom_attributes.{text}", "operator": "=", "value": "mine"}])
    assert [each["id"] for each in found["results"]] == [contact["id"]]


@pytest.mark.parametrize("name", ["order_by", "order", "page", "page_size", "cursor", "statuses"])
def test_no_other_parameter_takes_it(people: Api, name: str) -> None:
    path = "/contacts/1/conversations" if name == "statuses" else "/contacts"
    for text in (*HOSTILE, "id--", "id, email", "(SELECT 1)", "rowid", "ID"):
        assert list(people.get(path, 400, query_string={name: text})["errors"]) == ["query"]


@pytest.mark.parametrize("text", HOSTILE)
def test_search_finds_text_or_nobody(people: Api, text: str) -> None:
    for q in (text, f"linda {text}", f"{text}linda", text * 20):
        assert len(people.get("/contacts/search", query_string={"q": q[:200]})) <= len(PEOPLE)


@pytest.mark.parametrize("key", ["a\0b", "\0", "a\nb", "a\x1b[31m", "a\x85"])
def test_control_characters_in_a_key_are_refused(people: Api, key: str) -> None:
    people.filtered([{"field": f"custom_attributes.{key}", "operator": "set"}], 400)


@pytest.mark.parametrize("sent", ["a\r\nSet-Cookie: x=1", "a\nb", "\x1b[31m", "a\tb", "a\0", "a b"])
def test_a_request_id_makes_no_line_and_no_header(api: Api, log: io.StringIO, sent: str) -> None:
    answer = api.call("GET", "/contacts", environ_overrides={"HTTP_X_REQUEST_ID": sent})
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["request_id"] == answer.headers["X-Request-ID"] != sent
    assert "Set-Cookie" not in answer.headers


def test_a_path_makes_no_line_in_the_log(api: Api, log: io.StringIO) -> None:
    api.get("/contacts/1%0d%0a%7B%22level%22:%22error%22%7D", 404)
    api.get("/nowhere%0aINJECTED", 404)
    assert len(log.getvalue().splitlines()) == 2
    assert "INJECTED" not in log.getvalue()
