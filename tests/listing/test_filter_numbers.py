"""Filters on attributes compare numbers exactly, as Python does, whatever their size."""

from collections.abc import Callable
from operator import eq, gt, le

import pytest

from tests.client import Api
from tests.conftest import make_api, make_app

NUMBERS: list[int | float] = [
    *(-1e300, -(2**63), -(2.0**63), -(2**60) - 1, -(2.0**60), -5e-324, 0, -0.0, 5e-324),
    *(0.1, 0.3, 0.1 + 0.2, 1, 1.0, 2**53, 2**53 + 1, 2.0**53, 2**60, 2**60 + 1, 2.0**60),
    *(2**63 - 1, 2.0**63, 1e23, 1e300, 1.7976931348623157e308),
]
OPERATORS: dict[str, Callable[[float, float], bool]] = {"=": eq, ">": gt, "<=": le}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Api, list[int]]:
    """A contact with each of the numbers, in their order. Only to be read."""
    api = make_api(make_app(tmp_path_factory.mktemp("numbers")))
    made = [
        api.make_contact(f"a{i}@example.com", custom_attributes={"n": number})
        for i, number in enumerate(NUMBERS)
    ]
    return api, [contact["id"] for contact in made]


def found(api: Api, word: str, value: object) -> list[int]:
    item = {"field": "custom_attributes.n", "operator": word, "value": value}
    return [contact["id"] for contact in api.filtered([item])["results"]]


@pytest.mark.parametrize("word", OPERATORS)
@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers_compare_exactly(people: tuple[Api, list[int]], word: str, value: float) -> None:
    api, ids = people
    holds = OPERATORS[word]
    expected = [id_ for id_, number in zip(ids, NUMBERS, strict=True) if holds(number, value)]
    assert found(api, word, value) == expected


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_number_is_among_its_equals_alone(people: tuple[Api, list[int]], value: float) -> None:
    api, ids = people
    expected = [id_ for id_, number in zip(ids, NUMBERS, strict=True) if number == value]
    assert found(api, "in", [value, "1"]) == expected
    assert found(api, "between", [value, value]) == expected
