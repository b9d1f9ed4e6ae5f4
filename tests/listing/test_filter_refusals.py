"""A filter that is invalid is refused, and named by its position."""

import json
from typing import Any

import pytest

from tests.client import Api
from tests.listing.leaves import group, leaf

TIER, SCORE = "custom_attributes.tier", "custom_attributes.score"
GOOD = leaf("id", "=", 1)
REFUSED: list[tuple[Any, str]] = [
    ("", "filters"),
    ("[", "filters"),
    ("null", "filters"),
    ("{}", "filters"),
    ('"id"', "filters"),
    ("[NaN]", "filters"),
    ('[{"field":"id","field":"id","operator":"=","value":1}]', "filters"),
    ('[{"field":"id","operator":"=","value":9223372036854775808}]', "filters"),
    (GOOD, "filters"),
    ([5], "filters[0]"),
    ([GOOD, None], "filters[1]"),
    ([GOOD, []], "filters[1]"),
    ([GOOD, [GOOD]], "filters[1]"),
    ([GOOD, {}], "filters[1]"),
    ([GOOD, GOOD, leaf("name", "=", "x")], "filters[2]"),
    *(
        ([leaf(name, "=", "x")], "filters[0]")
        for name in (
            "", "Email", " email", "email_folded", "custom_attributes", "custom_attributes.",
            "user.email", "users.users.email", "users.contacts.email", "conversations.email", "1=1",
        )
    ),
    *(([GOOD | {"field": name}], "filters[0]") for name in (None, 5, ["id"], {})),
    *(([GOOD | {"operator": word}], "filters[0]") for word in (None, 5, ["="], "", "==", "LIKE")),
    *(([GOOD | {"operator": word}], "filters[0]") for word in ("CONTAINS", "is", "not", "= ")),
    ([{"operator": "=", "value": 1}], "filters[0]"),
    ([{"field": "id", "value": 1}], "filters[0]"),
    ([{"field": "id", "operator": "="}], "filters[0]"),
    ([GOOD | {"not": True}], "filters[0]"),
    ([GOOD | {"Model": "users"}], "filters[0]"),
    *(
        ([leaf(name, word, ["a", "b"] if word == "between" else "a")], "filters[0]")
        for name in ("first_name", "last_name", "email", "phone")
        for word in (">", ">=", "<", "<=", "between")
    ),
    *(
        ([leaf(name, word, "2026-05-13")], "filters[0]")
        for name in ("id", "created_at", "updated_at", "blocked")
        for word in ("contains", "not contains", "starts with")
    ),
    *(
        ([leaf("blocked", word, [True])], "filters[0]")
        for word in ("in", "not in", "set", "not set", ">", "<=", "between")
    ),
    *(([leaf("id", "=", value)], "filters[0]") for value in ("1", 1.0, True, None, [1], {})),
    *(([leaf("id", "in", value)], "filters[0]") for value in (1, "1", [1, "2"], [None], [[1]])),
    *(([leaf("blocked", "=", value)], "filters[0]") for value in ("true", 1, 0, None, [True])),
    *(([leaf("email", "=", value)], "filters[0]") for value in (5, True, None, ["a"], {})),
    *(([leaf("email", "in", value)], "filters[0]") for value in ("a", ["a", 5], [None])),
    *(([leaf("phone", "contains", value)], "filters[0]") for value in (412, None, ["4"])),
    *(([leaf(TIER, "=", value)], "filters[0]") for value in (None, ["gold"], {"a": 1})),
    *(([leaf(TIER, "in", value)], "filters[0]") for value in ("gold", [None], [["gold"]])),
    *(
        ([leaf(name, "contains", f"a{character}b")], "filters[0]")
        for name in ("first_name", "phone", TIER)
        for character in "\0\x7f"
    ),
    *(
        ([leaf("created_at", "=", value)], "filters[0]")
        for value in (
            5, None, "", "today", "2026-05", "20260513", "2026-13-01", "2026-02-29", "2026-5-1",
            "2026-05-13T12:00:00", "2026-05-13T12:00Z", "2026-05-13T25:00:00Z", "2026-W20-3",
            "2026-05-13T12:00:00+25:00", "٢٠٢٦-٠٥-١٣", "1778630400",
        )
    ),
    *(
        ([leaf(name, "between", value)], "filters[0]")
        for name in ("id", SCORE)
        for value in (1, [], [1], [1, 2, 3], None, {"from": 1, "to": 2}, [1, None])
    ),
    *(([leaf("id", word, [])], "filters[0]") for word in ("in", "not in", "not_in")),
    ([leaf("id", "in", [1] * 101)], "filters[0]"),
    ([leaf("first_name", "not in", ["a"] * 101)], "filters[0]"),
    ([GOOD] * 21, "filters[20]"),
    ([GOOD, group("OR", *[GOOD] * 20)], "filters[1].rules[19]"),
    ([group("OR", *[GOOD] * 10), group("OR", *[GOOD] * 11)], "filters[1].rules[10]"),
    ([group("AND", group("OR", *[GOOD] * 20)), GOOD], "filters[1]"),
    ([GOOD, group("OR", GOOD, leaf("id", "=", "1"))], "filters[1].rules[1]"),
    ([group("OR", GOOD, group("AND", 5))], "filters[0].rules[1].rules[0]"),
    (group("OR", GOOD, leaf("nobody", "=", 1)), "filters.rules[1]"),
    ([group("AND", group("OR", GOOD, group("AND", GOOD)))], "filters[0].rules[0].rules[1]"),
    (group("AND", group("OR", group("AND", GOOD))), "filters.rules[0].rules[0]"),
    *(([group(logic, GOOD)], "filters[0]") for logic in ("", "and", "NOT", "XOR")),
    *(([{"logic": logic, "rules": [GOOD]}], "filters[0]") for logic in (None, 1, ["AND"])),
    *(([{"logic": "AND", "rules": rules}], "filters[0]") for rules in (None, {}, "[]", GOOD)),
    ([{"logic": "AND"}], "filters[0]"),
    ([{"rules": [GOOD]}], "filters[0]"),
    ([GOOD | {"logic": "AND"}], "filters[0]"),
    ([group("AND", GOOD) | {"not": True}], "filters[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "path"), REFUSED, ids=[json.dumps(filters)[:80] for filters, _ in REFUSED]
)
def test_filter_that_will_not_do_is_named_by_its_position(
    directory: Api, filters: Any, path: str
) -> None:
    answer = directory.filtered(filters, 400)
    assert answer["type"] == "InputError"
    assert list(answer["errors"]) == ["query"]
    assert list(answer["errors"]["query"]) == [path]
    assert all(sentence.endswith(".") for sentence in answer["errors"]["query"][path])
