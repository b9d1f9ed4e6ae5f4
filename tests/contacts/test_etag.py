"""ETag, If-None-Match and If-Match: nobody overwrites a state that they have not seen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import pytest
from flask import Flask

from tests.client import Api


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


def tag_of(api: Api, path: str) -> str:
    return api.call("GET", path).headers["ETag"]


ANSWERS = {
    "get": ("GET", "/contacts/{id}", None, 200),
    "update": ("PUT", "/contacts/{id}", {"first_name": "Bob", "email": "bob@example.com"}, 200),
    "update with nothing": ("PUT", "/contacts/{id}", {}, 200),
    "block": ("PUT", "/contacts/{id}/block", {"blocked": True}, 200),
    "unblock": ("PUT", "/contacts/{id}/block", {"blocked": False}, 200),
    "quick-create, known": ("POST", "/contacts/quick", {"email": "linda@example.com"}, 200),
    "quick-create, new": ("POST", "/contacts/quick", {"email": "new@example.com"}, 201),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_with_one_contact_has_its_etag(
    api: Api, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    contact = api.make_contact(custom_attributes={"b": 1.0, "a": "é"})
    options = {} if body is None else {"json": body}
    answer = api.call(method, path.format(id=contact["id"]), status, **options)
    read = api.call("GET", path_of(answer.json["data"]))
    assert answer.headers["ETag"] == read.headers["ETag"]
    assert answer.headers["ETag"].startswith('"')
    assert answer.json == read.json


def test_head_has_the_etag_and_no_body(api: Api) -> None:
    path = path_of(api.make_contact())
    response = api.call("HEAD", path)
    assert response.headers["ETag"] == tag_of(api, path)
    assert response.data == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", ["{tag}", "W/{tag}", '"other", {tag}', '"a", W/{tag}', "*"])
def test_if_none_match_answers_304(api: Api, method: str, header: str) -> None:
    path = path_of(api.make_contact())
    tag = tag_of(api, path)
    headers = {"If-None-Match": header.format(tag=tag)}
    response = api.call(method, path, 304, headers=headers)
    assert response.data == b""
    assert response.headers["ETag"] == tag
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("header", ['"other"', 'W/"other"', '"*"'])
def test_if_none_match_with_another_etag_answers_200(api: Api, header: str) -> None:
    contact = api.make_contact()
    assert api.get(path_of(contact), headers={"If-None-Match": header}) == contact


@pytest.mark.parametrize("header", ['"other"', "*"])
def test_missing_contact_is_not_found(api: Api, header: str) -> None:
    answer = api.call("GET", "/contacts/999", 404, headers={"If-None-Match": header})
    assert "ETag" not in answer.headers


def test_writes_ignore_if_none_match(api: Api) -> None:
    path = path_of(api.make_contact())
    tag = tag_of(api, path)
    assert api.put(path, {}, headers={"If-None-Match": tag}) == api.get(path)


@pytest.mark.parametrize(
    ("below", "body"),
    [
        ("", {"first_name": "linda"}),
        ("", {"last_name": ""}),
        ("", {"email": "other@example.com"}),
        ("", {"email": None}),
        ("", {"phone": "7"}),
        ("", {"phone": ""}),
        ("", {"custom_attributes": {"n": 1.0}}),
        ("", {"custom_attributes": {"n": True}}),
        ("", {"custom_attributes": {}}),
        ("/block", {"blocked": True}),
    ],
)
def test_visible_change_changes_the_etag(api: Api, below: str, body: dict[str, Any]) -> None:
    path = path_of(
        api.make_contact(
            first_name="Linda", last_name="Olsen", phone="77", custom_attributes={"n": 1}
        )
    )
    before = tag_of(api, path)
    api.put(path + below, body)
    after = tag_of(api, path)
    assert after != before
    api.put(path + below, body)
    assert tag_of(api, path) == after


def test_notes_leave_the_etag(api: Api) -> None:
    contact = api.make_contact()
    before = tag_of(api, path_of(contact))
    api.post(f"{path_of(contact)}/notes", {"content": "Called."})
    api.get(f"{path_of(contact)}/notes")
    api.call("GET", path_of(contact), 304, headers={"If-None-Match": before})


def test_reads_ignore_if_match(api: Api) -> None:
    contact = api.make_contact()
    assert api.get(f"/contacts/{contact['id']}", headers={"If-Match": '"other"'}) == contact


WRITES = [("", {"first_name": "Bob"}), ("/block", {"blocked": True})]


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ["{tag}", '"other", {tag}', '{tag} ,W/"other"', "*"])
def test_if_match_with_the_current_etag_writes(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    headers = {"If-Match": header.format(tag=tag_of(api, path))}
    answer = api.put(path + below, body, headers=headers)
    assert answer == answer | body
    assert api.get(path) == answer


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ['"other"', "W/{tag}", '"other", W/{tag}', '"*"', '""'])
def test_if_match_with_another_etag_changes_nothing(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    headers = {"If-Match": header.format(tag=tag_of(api, path))}
    assert api.put(path + below, body, 412, headers=headers)["type"] == "PreconditionError"
    assert api.get(path) == contact


@pytest.mark.parametrize(("below", "body"), WRITES)
def test_etag_is_good_for_one_change(api: Api, below: str, body: dict[str, Any]) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    headers = {"If-Match": tag_of(api, path)}
    answer = api.call("PUT", path + below, json=body, headers=headers)
    api.put(path, {"last_name": "Smith"}, 412, headers=headers)
    api.put(path, {"last_name": "Smith"}, headers={"If-Match": answer.headers["ETag"]})


def test_if_match_is_checked_without_a_change_too(api: Api) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    api.put(path, {}, 412, headers={"If-Match": '"other"'})
    assert api.put(path, {}, headers={"If-Match": tag_of(api, path)}) == contact


@pytest.mark.parametrize(("below", "body"), WRITES)
def test_input_is_checked_before_if_match(api: Api, below: str, body: dict[str, Any]) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    api.put(path + below, body | {"nonsense": 1}, 400, headers={"If-Match": '"other"'})


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ['"other"', "*"])
def test_write_to_missing_contact_is_not_found(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    answer = api.put(f"/contacts/999{below}", body, 404, headers={"If-Match": header})
    assert answer["type"] == "NotFoundError"


Contact = dict[str, Any]
CHANNELS = "ab"  # the identifiers that the editors remove


@dataclass(frozen=True)
class Edit:
    """A change: the request for a contact as read, and whether a contact shows the change."""

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

# Every order in which two editors read and then write, up to their names.
ORDERS = [order for order in sorted(set(permutations("aabb"))) if order[0] == "a"]


class Editor:
    """Reads the contact, then writes with the ETag that it has read."""

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
        """Read and write until a write is accepted. Returns the number of refusals."""
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
    stale: set[str] = set()  # editors whose ETag is out of date
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
    assert refusals > 0  # else the editors were not simultaneous
