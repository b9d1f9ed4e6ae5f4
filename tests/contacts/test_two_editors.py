"""Two editors of one contact: with `If-Match` neither overwrites what it has not seen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import pytest
from flask import Flask

from tests.client import Api

Contact = dict[str, Any]
CHANNELS = "ab"  # what each editor's removal takes away


@dataclass(frozen=True)
class Edit:
    """What an editor makes of the contact that it has seen; whether that is to be seen later."""

    call: Callable[[Contact, str], tuple[str, str, Any]]
    is_seen: Callable[[Contact, str], bool]


def put(below: str, change: Callable[[Contact, str], Contact]) -> Callable[..., Any]:
    return lambda seen, editor: ("PUT", below, change(seen, editor))


def identifiers(contact: Contact) -> list[str]:
    return [each["identifier"] for each in contact["contact_channels"]]


def attributed(seen: Contact, editor: str) -> Contact:
    return {"custom_attributes": seen["custom_attributes"] | {editor: 1}}


def removal(seen: Contact, editor: str) -> tuple[str, str, Any]:
    [found] = [each["id"] for each in seen["contact_channels"] if each["identifier"] == editor]
    return "DELETE", f"/channels/{found}", None


EDITS = {
    "name": Edit(
        put("", lambda seen, editor: {"last_name": f"{seen['last_name']} {editor}".strip()}),
        lambda contact, editor: editor in contact["last_name"].split(),
    ),
    "attributes": Edit(
        put("", attributed),
        lambda contact, editor: editor in contact["custom_attributes"],
    ),
    "block": Edit(
        put("/block", lambda seen, editor: {"blocked": True}),
        lambda contact, editor: contact["blocked"],
    ),
    "channel": Edit(
        lambda seen, editor: ("POST", "/channels", {"channel": "sms", "identifier": f"+{editor}"}),
        lambda contact, editor: f"+{editor}" in identifiers(contact),
    ),
    "removal": Edit(removal, lambda contact, editor: editor not in identifiers(contact)),
}  # fmt: skip

# The orders of two readings and two writings, but for the names; each reads before it writes.
ORDERS = [order for order in sorted(set(permutations("aabb"))) if order[0] == "a"]


class Editor:
    """Reads the contact, then writes what it makes of it under the tag that it has read."""

    def __init__(self, api: Api, path: str, name: str, edit: Edit) -> None:
        self.api, self.path, self.name, self.edit = api, path, name, edit

    def read(self) -> None:
        answer = self.api.call("GET", self.path)
        self.seen, self.tag = answer.json["data"], answer.headers["ETag"]

    def write(self) -> int:
        method, below, body = self.edit.call(self.seen, self.name)
        headers = {"Authorization": f"Bearer {self.api.token}", "If-Match": self.tag}
        url = f"/api/v1{self.path}{below}"
        answer = self.api.client.open(url, method=method, json=body, headers=headers)
        return answer.status_code

    def insist(self) -> int:
        """How often it was refused until it was not."""
        for refused in range(1000):
            self.read()
            status = self.write()
            if status != 412:
                assert status in (200, 201)
                return refused
        raise AssertionError("Refused for ever.")


@pytest.fixture
def path(api: Api) -> str:
    path = f"/contacts/{api.make_contact()['id']}"
    for name in CHANNELS:
        api.post(f"{path}/channels", {"channel": "chat", "identifier": name})
    return path


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize(("first", "second"), list(product(EDITS, repeat=2)))
def test_no_order_of_two_editors_loses_an_update(
    api: Api, path: str, order: tuple[str, ...], first: str, second: str
) -> None:
    editors = {
        "a": Editor(api, path, "a", EDITS[first]),
        "b": Editor(api, path, "b", EDITS[second]),
    }
    stale: set[str] = set()  # who has read, and what it read is the past
    waiting = set(editors)
    for name in order:
        if name in waiting:
            editors[name].read()
            waiting.remove(name)
            continue
        before = api.get(path) if name in stale else None
        assert editors[name].write() in ({412} if name in stale else {200, 201})
        if name in stale:
            assert api.get(path) == before
            editors[name].insist()
        stale |= set(editors) - waiting
    contact = api.get(path)
    assert all(each.edit.is_seen(contact, name) for name, each in editors.items())


def test_simultaneous_editors_lose_no_update(app: Flask, api: Api, path: str) -> None:
    kinds = ["name", "attributes", "block", "channel"]
    editors = [
        Editor(Api(app.test_client(), api.token), path, f"e{number}", EDITS[kinds[number % 4]])
        for number in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        refusals = sum(pool.map(Editor.insist, editors))
    contact = api.get(path)
    assert [each.name for each in editors if not each.edit.is_seen(contact, each.name)] == []
    assert refusals > 0  # or they were not simultaneous
