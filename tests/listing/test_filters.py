"""Filters on the directory: whom each field and operator finds."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from contacts_service.db.models import Contact
from contacts_service.db.session import unit_of_work
from tests.client import Api
from tests.directory import PEOPLE, labels
from tests.listing.leaves import Leaf, group, leaf

NEGATIONS = {"=": "!=", "in": "not in", "contains": "not contains", "set": "not set"}
SYNONYMS = {
    "equals": "=",
    "not equals": "!=",
    "greater than": ">",
    "less than": "<",
    "ilike": "contains",
    "not_in": "not in",
}
EVERYBODY = " ".join(PEOPLE)


def found(directory: Api, filters: Any) -> str:
    return " ".join(labels(directory.filtered(filters)))


TIER, SCORE, VIP = "custom_attributes.tier", "custom_attributes.score", "custom_attributes.vip"

TEXT = [
    ("first_name", "=", "linda", "linda zed loud"),
    ("first_name", "=", "  LINDA ", "linda zed loud"),
    ("first_name", "=", "JOSE", "jose"),
    ("first_name", "=", "Jose\u0301", "jose"),
    ("first_name", "=", "soren", "soren"),
    ("first_name", "=", "weiss", "weiss"),
    ("first_name", "=", "", "empty"),
    ("first_name", "=", "lind", ""),
    ("first_name", "in", ["SØREN", "小明", "nobody", "小明"], "soren wang"),
    ("first_name", "contains", "IN", "linda zed loud"),
    ("first_name", "contains", "0", "percent digits"),
    ("first_name", "contains", "50%", "percent"),
    ("first_name", "contains", "明", "wang"),
    ("first_name", "contains", '"', "quote"),
    ("first_name", "contains", "", EVERYBODY),
    ("first_name", "starts with", "l", "linda zed loud"),
    ("first_name", "starts with", "50", "percent digits"),
    ("first_name", "starts with", "%", ""),
    ("first_name", "starts with", "", EVERYBODY),
    ("first_name", "set", None, "linda jose soren percent digits obrien weiss wang zed loud quote"),
    ("last_name", "=", "obrien", "obrien"),
    ("last_name", "=", "O'BRIEN", "obrien"),
    ("last_name", "=", "straße", "weiss"),
    ("last_name", "in", ["王"], "wang"),
    ("last_name", "contains", "STRASSE", "weiss loud"),
    ("last_name", "contains", "_", "percent"),
    ("last_name", "contains", "a_b", "percent"),
    ("last_name", "contains", "\\", "quote"),
    ("last_name", "contains", "dangelo", "quote"),
    ("last_name", "starts with", "strasse–o", "loud"),
    ("last_name", "starts with", "kierkegard", "soren"),
    ("last_name", "starts with", "_", ""),
    ("email", "=", "LINDA@Example.com", "linda"),
    ("email", "=", "obrien@example.com", "obrien"),
    ("email", "=", "linda", ""),
    ("email", "=", "", ""),
    ("email", "in", ["linda@example.com", "linda@example.org"], "linda loud"),
    ("email", "contains", "EXAMPLE.org", "soren loud"),
    ("email", "contains", "t_1", "percent"),
    ("email", "contains", "%", ""),
    ("email", "starts with", "Lindá", "linda zed loud"),
    ("email", "set", None, "linda jose soren percent digits obrien weiss zed loud quote"),
    ("phone", "=", "+61 412 345 678", "linda"),
    ("phone", "=", "0412 345 678 x9", "soren"),
    ("phone", "=", "61412345678", ""),
    ("phone", "in", ["12", "7"], "weiss quote"),
    ("phone", "contains", "412 345", "linda soren"),
    ("phone", "contains", "X", "soren"),
    ("phone", "contains", "#", "percent"),
    ("phone", "starts with", "+61", "linda zed"),
    ("phone", "starts with", "0412", "soren loud"),
    ("phone", "set", None, "linda soren percent digits weiss wang zed loud quote"),
]

OTHERS = [
    ("id", "=", 3, "soren"),
    ("id", "=", 99, ""),
    ("id", ">", 10, "loud quote"),
    ("id", ">=", 10, "zed loud quote"),
    ("id", "<", 3, "linda jose"),
    ("id", "<=", 3, "linda jose soren"),
    ("id", "<=", -(2**63), ""),
    ("id", "<", 2**63 - 1, EVERYBODY),
    ("id", "between", [2, 3], "jose soren"),
    ("id", "between", [3, 3], "soren"),
    ("id", "between", [3, 2], ""),
    ("id", "in", [1, 1, 12, 13], "linda quote"),
    ("id", "in", [99], ""),
    ("id", "set", None, EVERYBODY),
    ("blocked", "=", True, "zed loud"),
    (
        "blocked",
        "=",
        False,
        "linda jose soren empty percent digits obrien weiss wang quote",
    ),
    ("created_at", "=", "2026-05-13T12:00:00.5Z", "soren empty"),
    ("created_at", "=", "2026-05-13T22:00:00.500000+10:00", "soren empty"),
    ("created_at", "=", "2026-05-13t12:00:00.500z", "soren empty"),
    ("created_at", "=", "2026-05-13T12:00:00Z", ""),
    ("created_at", ">", "2026-06-03T00:00:00Z", "loud quote"),
    ("created_at", ">=", "2026-06-03T00:00:00Z", "zed loud quote"),
    ("created_at", ">=", "2026-06-02T19:00:00-05:00", "zed loud quote"),
    ("created_at", "<", "2026-05-12T23:59:59.999999Z", "wang"),
    ("created_at", "<=", "2026-05-12T23:59:59.999999Z", "linda wang"),
    ("created_at", "between", ["2026-06-01T08:00:00Z", "2026-06-03T00:00:00Z"], "obrien weiss zed"),
    ("created_at", "in", ["1999-12-31T23:59:59Z", "2026-06-03"], "wang zed"),
    ("created_at", "set", None, EVERYBODY),
    ("updated_at", ">", "2026-06-03T00:00:00Z", "zed loud"),
    ("updated_at", "=", "2026-06-02", "weiss wang"),
    ("updated_at", "in", ["2026-05-14", "2026-05-19", "2026-05-21"], "soren empty digits"),
]

DATES = [  # created_at against the whole of 2026-05-13
    ("=", "2026-05-13", "jose soren empty percent"),
    (">", "2026-05-13", "digits obrien weiss zed loud quote"),
    (">=", "2026-05-13", "jose soren empty percent digits obrien weiss zed loud quote"),
    ("<", "2026-05-13", "linda wang"),
    ("<=", "2026-05-13", "linda jose soren empty percent wang"),
    ("between", ["2026-05-13", "2026-05-13"], "jose soren empty percent"),
    ("between", ["2026-05-12", "2026-05-13"], "linda jose soren empty percent"),
    ("between", ["2026-05-13", "2026-05-14"], "jose soren empty percent digits"),
    ("between", ["2026-05-13T12:00:00Z", "2026-05-13"], "soren empty percent"),
    ("between", ["2026-05-13", "2026-05-13T12:00:00Z"], "jose"),
    ("in", ["2026-05-13"], "jose soren empty percent"),
    ("in", ["2026-05-13", "2026-06-03"], "jose soren empty percent zed"),
    ("<", "9999-12-31", EVERYBODY),
    ("<=", "9999-12-31", EVERYBODY),
    (">", "9999-12-31", ""),
    ("<", "9999-12-31T23:59:59.999999Z", EVERYBODY),
    ("between", ["0001-01-01", "9999-12-31"], EVERYBODY),
    ("<", "0001-01-01", ""),
]

ATTRIBUTES = [
    (TIER, "=", "gold", "linda jose loud"),
    (TIER, "=", "золото", "wang"),
    (TIER, "=", "", "obrien"),
    (TIER, "=", " gold", ""),
    (TIER, "=", 500, ""),
    (TIER, "=", True, ""),
    (TIER, "in", ["silver", "GOLDEN", 500, True], "soren zed"),
    (TIER, "contains", "OLD", "linda jose zed loud quote"),
    (TIER, "contains", "%", "percent quote"),
    (TIER, "contains", "_", "quote"),
    (TIER, "starts with", "golde", "zed"),
    (TIER, "starts with", "50", "percent digits"),
    (TIER, ">", "gold", "soren wang zed quote"),
    (TIER, ">=", "gold", "linda jose soren wang zed loud quote"),
    (TIER, "<", "gold", "percent digits obrien"),
    (TIER, "<=", "gold", "linda jose percent digits obrien loud"),
    (TIER, "between", ["a", "gz"], "linda jose zed loud quote"),
    (TIER, "between", ["500", 1000], ""),
    (TIER, "set", None, "linda jose soren percent digits weiss wang zed loud quote"),
    (SCORE, "=", 10, "linda"),
    (SCORE, "=", 10.0, "linda"),
    (SCORE, "=", 10.5, "jose"),
    (SCORE, "=", 1000, "wang"),
    (SCORE, "=", 1e-7, "quote"),
    (SCORE, "=", 2**63 - 1, "loud"),
    (SCORE, "=", 2**63 - 2, ""),
    (SCORE, "=", 0, "zed"),
    (SCORE, "=", 1, ""),
    (SCORE, "=", "10", "percent"),
    (SCORE, "=", True, "digits"),
    (SCORE, "=", False, ""),
    (SCORE, "in", [10, "10", True], "linda percent digits"),
    (SCORE, ">", 10, "jose wang loud"),
    (SCORE, ">=", 10, "linda jose wang loud"),
    (SCORE, "<", 1, "soren zed quote"),
    (SCORE, "<=", -3, "soren"),
    (SCORE, "between", [0, 10], "linda zed quote"),
    (SCORE, "between", [0.0, 10.5], "linda jose zed quote"),
    (SCORE, "between", [0, "z"], ""),
    (SCORE, "contains", "1", "percent"),
    (SCORE, "starts with", "1", "percent"),
    (SCORE, "set", None, "linda jose soren percent digits weiss wang zed loud quote"),
    (VIP, "=", True, "linda"),
    (VIP, "=", False, "jose zed"),
    (VIP, "=", 1, ""),
    (VIP, "=", "true", ""),
    (VIP, ">", False, "linda"),
    (VIP, "<=", False, "jose zed"),
    (VIP, "between", [False, True], "linda jose zed"),
    (VIP, "in", [True, False], "linda jose zed"),
    (VIP, "set", None, "linda jose zed"),
    ("custom_attributes.word", ">", "z", "weiss wang"),
    ("custom_attributes.word", "<", "a", "zed"),
    ("custom_attributes.word", "between", ["a", "b"], ""),
    ("custom_attributes.none", "=", "x", ""),
    ("custom_attributes.none", "set", None, ""),
    ("custom_attributes.a.b", "=", "DOT", "wang"),
    ('custom_attributes.q"\\é', "=", "Yes", "quote"),
    ('custom_attributes.q"\\e\u0301', "=", "yes", "quote"),
    ("custom_attributes.TIER", "set", None, ""),
]

CASES = [
    *TEXT,
    *OTHERS,
    *(("created_at", *case) for case in DATES),
    *ATTRIBUTES,
]


@pytest.mark.parametrize(("field", "operator", "value", "expected"), CASES)
def test_filter_finds(directory: Api, field: str, operator: str, value: Any, expected: str) -> None:
    assert found(directory, [leaf(field, operator, value)]) == expected


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"), [case for case in CASES if case[1] in NEGATIONS]
)
def test_negation_finds_everybody_else(
    directory: Api, field: str, operator: str, value: Any, expected: str
) -> None:
    others = " ".join(label for label in PEOPLE if label not in expected.split())
    assert found(directory, [leaf(field, NEGATIONS[operator], value)]) == others


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], EVERYBODY),
        ([leaf("first_name", "=", "linda"), leaf("blocked", "=", True)], "zed loud"),
        ([leaf("id", ">", 3), leaf("id", "<", 5), leaf("email", "not set")], "empty"),
        (group("OR", leaf("id", "=", 1), leaf("id", "=", 3)), "linda soren"),
        (group("AND", leaf("id", ">", 1), leaf("id", "<", 3)), "jose"),
        ([group("OR", leaf("id", "=", 1), leaf("id", "=", 3)), leaf("id", ">", 1)], "soren"),
        ([leaf("id", "=", 1), group("OR", leaf("id", "=", 2), leaf("id", "=", 3))], ""),
        (
            group("OR", leaf("id", "=", 1), group("AND", leaf("id", ">", 3), leaf("id", "<", 5))),
            "linda empty",
        ),
        (
            [
                group(
                    "AND",
                    group("OR", leaf("phone", "not set"), leaf("email", "not set")),
                    group("OR", leaf("last_name", "set"), leaf("id", "=", 4)),
                )
            ],
            "jose empty obrien wang",
        ),
        ([group("OR", leaf("email", "=", "x"), leaf("email", "!=", "x"))], EVERYBODY),
    ],
)
def test_groups_combine(directory: Api, filters: Any, expected: str) -> None:
    assert found(directory, filters) == expected


@pytest.mark.parametrize(("synonym", "operator"), SYNONYMS.items())
def test_synonym_means_the_same(directory: Api, synonym: str, operator: str) -> None:
    field, value = {
        "contains": ("last_name", "olsen"),
        "not in": ("id", [1, 2]),
    }.get(operator, ("id", 6))
    expected = found(directory, [leaf(field, operator, value)])
    assert expected not in ("", EVERYBODY)
    assert found(directory, [leaf(field, synonym, value)]) == expected


@pytest.mark.parametrize("prefix", ["users.", "contacts."])
@pytest.mark.parametrize(
    "rule",
    [
        leaf("id", "=", 6),
        leaf("first_name", "=", "linda"),
        leaf("last_name", "contains", "olsen"),
        leaf("email", "not set"),
        leaf("phone", "not set"),
        leaf("blocked", "=", True),
        leaf("created_at", ">", "2026-05-14"),
        leaf("updated_at", ">", "2026-05-20"),
        leaf(TIER, "=", "gold"),
    ],
    ids=lambda rule: rule["field"],
)
def test_field_takes_the_table_in_front(directory: Api, rule: Leaf, prefix: str) -> None:
    expected = found(directory, [rule])
    assert expected not in ("", EVERYBODY)
    assert found(directory, [rule | {"field": prefix + rule["field"]}]) == expected
    assert found(directory, [rule | {"model": prefix.strip(".")}]) == expected


@pytest.mark.parametrize("value", [None, "", "x", 5, True, [1], {"a": 1}])
@pytest.mark.parametrize("operator", ["set", "not set"])
def test_value_of_set_is_ignored(directory: Api, operator: str, value: Any) -> None:
    expected = "empty wang" if operator == "not set" else found(directory, [leaf("email", "set")])
    assert found(directory, [leaf("email", operator, value)]) == expected
    assert found(directory, [{"field": "email", "operator": operator}]) == expected


def test_limits_are_reached(directory: Api) -> None:
    hundred = list(range(-97, 3))
    assert found(directory, [leaf("id", "in", hundred)]) == "linda jose"
    assert found(directory, [leaf("id", "<", 3)] * 20) == "linda jose"
    halves = [group("OR", *[leaf("id", "=", n) for n in range(1, 11)]) for _ in range(2)]
    assert found(directory, halves).split() == list(PEOPLE)[:10]


@pytest.mark.parametrize(
    ("value", "is_there"),
    [
        ("2026-05-13", True),
        ("2026-05-13T23:59:59.999999Z", True),
        ("2026-05-13T00:00:00Z", False),
        ("2026-05-14T00:00:00Z", False),
        ("9999-12-31", False),
    ],
)
def test_in_takes_days_and_moments(api: Api, app: Flask, value: str, is_there: bool) -> None:
    api.make_contact()
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Contact).values(created_at="2026-05-13T23:59:59.999999Z"))
    found = api.filtered([{"field": "created_at", "operator": "in", "value": [value]}])
    assert found["total"] == is_there


@pytest.mark.parametrize("few", [0, 5000], ids=["by the table", "by the index"])
@pytest.mark.parametrize(
    ("field", "operator", "value", "people"),
    [
        ("first_name", "contains", "nna", "Anna Joanna"),
        ("first_name", "starts with", "ann", "Anna"),
        ("first_name", "not contains", "nna", "Zoë"),
        ("last_name", "contains", "da sil", "Joanna"),
        ("email", "contains", "@exam", "Anna Joanna"),
        ("phone", "contains", "412 3", "Zoë"),
    ],
)
def test_text_inside_is_found_with_and_without_the_index(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    field: str,
    operator: str,
    value: str,
    people: str,
) -> None:
    api.make_contact("a@example.com", first_name="Anna")
    api.make_contact("j@example.com", first_name="Joanna", last_name="Da Silva")
    api.make_contact("z@x.org", first_name="Zoë", phone="+61 412 345 678")
    monkeypatch.setattr("contacts_service.search.query.CANDIDATES_OF_A_FILTER", few)
    found = api.filtered([{"field": field, "operator": operator, "value": value}])
    assert [person["first_name"] for person in found["results"]] == people.split()
