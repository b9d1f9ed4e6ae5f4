"""A body full of mistakes is refused with the first ones, at little more than it costs to read."""

from typing import Any

import pytest

from contacts_service.limits import ATTRIBUTES_SIZE
from contacts_service.strict_json import Json
from schemas.fields import COMPLAINTS
from tests.client import Api

MESSAGE = {"channel": "chat", "from": {"identifier": "linda"}, "content": "Hello."}
LIST = {"key": "tier", "name": "Tier", "data_type": "list"}
MANY = 20_000


def unknown(count: int = MANY) -> Json:
    return {f"field {number}": 1 for number in range(count)}


FLOODS: dict[str, tuple[str, Json]] = {
    "unknown": ("/contacts/quick", {"email": "linda@example.com", **unknown()}),
    "unknown below": ("/inbound/messages", MESSAGE | {"from": {"identifier": "x", **unknown()}}),
    "references": ("/inbound/messages", MESSAGE | {"references": [1] * MANY}),
    "cc": ("/inbound/messages", MESSAGE | {"cc": [1] * MANY}),
    "values": ("/custom-attributes", LIST | {"values": [1] * MANY}),
}


@pytest.mark.parametrize(("path", "body"), FLOODS.values(), ids=FLOODS)
def test_the_first_mistakes_are_told(api: Api, path: str, body: Json) -> None:
    errors = api.post(path, body, 400)["errors"]["json"]
    assert 1 <= len(errors) <= COMPLAINTS


def test_a_mistake_beside_many_unknown_fields_is_told_too(api: Api) -> None:
    body = {**unknown(), "email": "nobody"}
    errors = api.post("/contacts/quick", body, 400)["errors"]["json"]
    assert errors.pop("email") == ["Not a valid email address."]
    assert errors == {name: ["Unknown field."] for name in unknown(COMPLAINTS)}


@pytest.mark.parametrize("name", ["cc", "values"])
def test_a_list_that_is_too_long_is_told_so_and_nothing_of_its_items(api: Api, name: str) -> None:
    path, body = FLOODS[name]
    assert list(api.post(path, body, 400)["errors"]["json"]) == [name]


@pytest.mark.parametrize("key", ["k{}", "{}\x01", " {}"])
def test_more_attributes_than_their_size_allows_are_one_mistake(api: Api, key: str) -> None:
    contact = api.make_contact()["id"]
    attributes: dict[str, Any] = {key.format(number): 1 for number in range(MANY)}
    errors = api.put(f"/contacts/{contact}", {"custom_attributes": attributes}, 400)["errors"]
    sentence = f"Larger than {ATTRIBUTES_SIZE} bytes as compact JSON."
    assert errors == {"json": {"custom_attributes": [sentence]}}


def test_as_many_attributes_as_fit_are_taken(api: Api) -> None:
    keys = [chr(0x21 + number) for number in range(94)]
    keys += [f"{a}{b}" for a in keys for b in keys]
    room = ATTRIBUTES_SIZE - len("{}")
    attributes: Json = {}
    for key in keys:
        room -= len(f'"{key}":1,') + key.count('"') + key.count("\\")
        if room < 0:
            break
        attributes[key] = 1
    contact = api.make_contact(custom_attributes=attributes)
    assert contact["custom_attributes"] == attributes
    assert len(attributes) > 2300
