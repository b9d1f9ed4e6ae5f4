"""Random filters find whom a plain model of docs/api.md, "Lists", finds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contacts_service.text import fold
from tests.client import Api
from tests.directory import PEOPLE, labels

Person = dict[str, Any]
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, ">": gt, ">=": ge, "<": lt, "<=": le}
NEGATIONS = {"!=": "=", "not in": "in", "not contains": "contains", "not set": "set"}
KEYS = ["tier", "score", "vip", "word", "a.b", "none"]
NAMES = {
    "text": ["first_name", "last_name", "email", "phone"],
    "id": ["id"],
    "time": ["created_at", "updated_at"],
    "blocked": ["blocked"],
    "attribute": [f"custom_attributes.{key}" for key in KEYS],
}
ORDERED = ["=", "!=", ">", ">=", "<", "<=", "between", "in", "not in", "set", "not set"]
TEXTUAL = ["contains", "not contains", "starts with"]
OPERATORS = {
    "text": ["=", "!=", "in", "not in", "set", "not set", *TEXTUAL],
    "id": ORDERED,
    "time": ORDERED,
    "blocked": ["=", "!="],
    "attribute": [*ORDERED, *TEXTUAL],
}


def kind_of(field: str) -> str:
    return next(kind for kind, names in NAMES.items() if field in names)


def is_match(person: Person, item: dict[str, Any]) -> bool:
    """Whether a filter, or a group of them, holds for a person."""
    if "logic" in item:
        holds = all if item["logic"] == "AND" else any
        return holds(is_match(person, rule) for rule in item["rules"])
    field, word, value = item["field"], item["operator"], item["value"]
    key = field.removeprefix("custom_attributes.")
    stored = person["custom_attributes"].get(key) if key != field else person[field]
    if word in NEGATIONS:
        return not affirms(field, stored, NEGATIONS[word], value)
    return affirms(field, stored, word, value)


def affirms(field: str, stored: Any, word: str, value: Any) -> bool:
    if word == "set":
        return stored is not None and stored != ""
    if stored is None:
        return False
    if word == "between":
        low, high = value
        return affirms(field, stored, ">=", low) and affirms(field, stored, "<=", high)
    if word == "in":
        return any(affirms(field, stored, "=", item) for item in value)
    if kind_of(field) == "time":
        return is_at(stored, word, value)
    if kind_of(field) == "attribute" and json_type(stored) != json_type(value):
        return False
    if isinstance(value, str):
        if kind_of(field) == "text":
            value = value.strip()
        normalise = fold if field in ("first_name", "last_name", "email") else str.casefold
        stored, value = normalise(stored), normalise(value)
    if word == "contains":
        return value in stored
    if word == "starts with":
        is_prefix: bool = stored.startswith(value)
        return is_prefix
    return COMPARISONS[word](stored, value)


def json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def is_at(stored: str, word: str, value: str) -> bool:
    """Whether an operator holds for a time; a date means the whole UTC day."""
    moment = datetime.fromisoformat(stored)
    start = datetime.fromisoformat(value)
    length = timedelta(microseconds=1)
    if len(value) == len("2026-05-13"):
        start, length = start.replace(tzinfo=UTC), timedelta(days=1)
    return {
        "=": start <= moment < start + length,
        ">": moment >= start + length,
        ">=": moment >= start,
        "<": moment < start,
        "<=": moment < start + length,
    }[word]


def pieces(texts: list[str]) -> st.SearchStrategy[str]:
    """Parts of these texts, in any letter case."""
    part = st.sampled_from(texts).flatmap(
        lambda text: st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(
            lambda ends: text[min(ends) : max(ends)]
        )
    )
    change = st.sampled_from([str, str.upper, str.lower, str.swapcase])
    return st.builds(lambda function, text: function(text), change, st.sampled_from(texts) | part)


def stored_in(field: str) -> list[Any]:
    return [person[field] for person in PEOPLE.values() if person[field] is not None]


def near(moment: str) -> st.SearchStrategy[str]:
    """Times around this one, in several spellings, and its date."""
    steps = st.sampled_from([-86_400_000_000, -1, 0, 1, 1000, 86_400_000_000])
    zones = st.sampled_from([0, 60, -300, 840]).map(lambda minutes: timedelta(minutes=minutes))

    def spell(step: int, zone: timedelta) -> str:
        there = datetime.fromisoformat(moment) + timedelta(microseconds=step) + zone
        sign, minutes = ("-" if zone < timedelta() else "+"), abs(zone) // timedelta(minutes=1)
        offset = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
        return there.replace(tzinfo=None).isoformat() + ("Z" if not minutes else offset)

    return st.builds(spell, steps, zones) | st.just(moment[:10])


ATTRIBUTE_VALUES = [
    value for person in PEOPLE.values() for value in person["custom_attributes"].values()
]
ATTRIBUTE_TEXTS = pieces([value for value in ATTRIBUTE_VALUES if isinstance(value, str)])
ATTRIBUTE_NUMBERS = [value for value in ATTRIBUTE_VALUES if isinstance(value, int | float)]
VALUES = {
    **{
        name: pieces(stored_in(name)) | st.text(max_size=2, alphabet="lL%_'é0王 -")
        for name in ("first_name", "last_name", "email")
    },
    "phone": pieces(stored_in("phone")),
    "id": st.integers(-1, 14) | st.integers(-(2**63), 2**63 - 1),
    "blocked": st.booleans(),
    **{name: st.sampled_from(stored_in(name)).flatmap(near) for name in NAMES["time"]},
    **dict.fromkeys(
        NAMES["attribute"],
        ATTRIBUTE_TEXTS
        | st.sampled_from(ATTRIBUTE_NUMBERS)  # booleans are among them
        | st.integers(-5, 12)
        | st.floats(-5, 12),
    ),
}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(NAMES)))
    field = draw(st.sampled_from(NAMES[kind]))
    word = draw(st.sampled_from(OPERATORS[kind]))
    values = ATTRIBUTE_TEXTS if kind == "attribute" and word in TEXTUAL else VALUES[field]
    if word == "between":
        values = st.tuples(values, values).map(list)
    elif word in ("in", "not in"):
        values = st.lists(values, min_size=1, max_size=4)
    return {"field": field, "operator": word, "value": draw(values)}


def groups(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    rules = st.lists(items, min_size=1, max_size=3)
    return st.fixed_dictionaries({"logic": st.sampled_from(["AND", "OR"]), "rules": rules})


ITEMS = leaves() | groups(leaves() | groups(leaves()))


@settings(max_examples=80, deadline=None)
@given(filters=st.lists(ITEMS, max_size=2))
def test_filters_find_whom_the_model_finds(directory: Api, filters: list[dict[str, Any]]) -> None:
    group = {"logic": "AND", "rules": filters}
    expected = [label for label, person in PEOPLE.items() if is_match(person, group)]
    assert labels(directory.filtered(json.dumps(filters))) == expected
