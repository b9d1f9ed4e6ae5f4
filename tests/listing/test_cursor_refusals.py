"""A list refuses cursors that are damaged, forged, or of another list or question."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contacts_service.listing import lists
from contacts_service.listing.cursors import write_cursor
from tests.client import Api
from tests.listing.walks import LISTS, House, next_cursor, paths_of
from tests.threads import receive

Query = dict[str, Any]
LINDA = {"filters": json.dumps([{"field": "first_name", "operator": "=", "value": "linda"}])}


def refusal(api: Api, path: str, **query: Any) -> list[str]:
    """The query parameters that a 400 names."""
    answer = api.get(path, 400, query_string=query)
    assert (answer["type"], list(answer["errors"])) == ("InputError", ["query"])
    return list(answer["errors"]["query"])


@pytest.mark.parametrize("name", LISTS)
def test_page_and_cursor_together_are_refused(house: House, name: str) -> None:
    path = house.paths[name]
    for cursor in ("", next_cursor(house.api, path)):
        assert refusal(house.api, path, page=1, cursor=cursor) == ["page"]


@pytest.mark.parametrize("name", LISTS)
def test_cursor_given_twice_is_refused(house: House, name: str) -> None:
    errors = house.api.get(f"{house.paths[name]}?cursor=&cursor=", 400)["errors"]
    assert list(errors["query"]) == ["cursor"]


def damaged(cursor: str) -> Iterator[str]:
    for place, character in enumerate(cursor):
        other = "B" if character == "A" else "A"
        yield cursor[:place] + other + cursor[place + 1 :]
    yield from (cursor[:length] for length in range(1, len(cursor)))
    yield from (cursor[1:], cursor + cursor, cursor.swapcase(), cursor[::-1])
    for added in "A=_-.+/ \n\t\0é王\x7f":
        yield from (cursor + added, added + cursor, cursor[:9] + added + cursor[9:])
    yield from ("A", "=", "====", "\0", "é", "王", "🙂", " ", "null", "[]", "1", "A" * 100_000)


@pytest.mark.parametrize("query", [{}, {"order_by": "id"}, {"order_by": "email", "order": "asc"}])
def test_damaged_cursor_is_refused(house: House, query: Query) -> None:
    cursor = next_cursor(house.api, "/contacts", **query)
    for each in damaged(cursor):
        assert refusal(house.api, "/contacts", **query, cursor=each) == ["cursor"], each


FORGED = (
    ("id", ["x", 1]),
    ("id", [True, 1]),
    ("id", [1, True]),
    ("id", [1.5, 1]),
    ("id", [2**63, 1]),
    ("id", [1, 1, 1]),
    ("email", [1, 1]),
    ("email", ["a\0", 1]),
)


@pytest.mark.parametrize(("order_by", "place"), FORGED)
def test_forged_cursor_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, order_by: str, place: list[Any]
) -> None:
    monkeypatch.setattr(lists, "write_cursor", lambda _, question: write_cursor(place, question))  # type: ignore[arg-type]
    cursor = next_cursor(house.api, "/contacts", order_by=order_by)
    assert refusal(house.api, "/contacts", order_by=order_by, cursor=cursor) == ["cursor"]


@pytest.mark.parametrize("name", LISTS)
def test_damaged_cursor_is_refused_by_every_list(house: House, name: str) -> None:
    path = house.paths[name]
    cursor = next_cursor(house.api, path)
    for each in (cursor[:-1], cursor + "A", "A" + cursor[1:], "é", "\0"):
        assert refusal(house.api, path, cursor=each) == ["cursor"], each


@pytest.mark.parametrize("name", LISTS)
def test_cursor_of_another_list_is_refused(house: House, name: str) -> None:
    cursor = next_cursor(house.api, house.paths[name])
    for other, path in house.paths.items():
        if other != name:
            assert refusal(house.api, path, cursor=cursor) == ["cursor"], other


@pytest.mark.parametrize("name", LISTS[1:3])
def test_cursor_of_the_same_list_of_another_contact_is_refused(house: House, name: str) -> None:
    linda, jose = (paths_of(contact_id, "")[name] for contact_id in (1, 2))
    assert refusal(house.api, jose, cursor=next_cursor(house.api, linda)) == ["cursor"]


def test_cursor_of_another_conversations_messages_is_refused(api: Api) -> None:
    paths = []
    for thread in ("a@x", "b@x"):
        receive(api, message_id=thread)
        conversation = receive(api, in_reply_to=thread)["conversation"]
        paths.append(f"/conversations/{conversation['uuid']}/messages")
    assert refusal(api, paths[1], cursor=next_cursor(api, paths[0])) == ["cursor"]


@pytest.mark.parametrize(
    ("name", "asked", "others"),
    [
        ("/contacts", {}, [{"order_by": order_by} for order_by in ("id", "email", "updated_at")]),
        ("/contacts", {"order_by": "first_name"}, [{"order_by": "last_name"}, {}]),
        ("/contacts", {"order_by": "id"}, [{"order_by": "id", "order": "asc"}]),
        ("/contacts", {"order": "asc"}, [{"order": "desc"}, {}]),
        ("/contacts", LINDA, [{}, {"filters": LINDA["filters"].replace("=", "!=")}]),
        ("/contacts", {}, [LINDA]),
        (LISTS[1], {"statuses": "Open"}, [{}, {"statuses": "Open,Spam"}, {"statuses": "Spam"}]),
        (LISTS[1], {}, [{"statuses": "Open"}]),
    ],
)
def test_cursor_of_another_question_is_refused(
    house: House, name: str, asked: Query, others: list[Query]
) -> None:
    path = house.paths[name]
    cursor = next_cursor(house.api, path, **asked)
    house.api.get(path, query_string={**asked, "cursor": cursor})
    for other in others:
        assert refusal(house.api, path, **other, cursor=cursor) == ["cursor"], other


@pytest.mark.parametrize(
    "path",
    [
        "/contacts/999999/notes",
        "/contacts/999999/conversations",
        "/conversations/b1946ac9-2f5c-4f4e-9d6a-3f1d1f1f2a11/messages",
    ],
)
def test_a_cursor_is_judged_before_existence(api: Api, path: str) -> None:
    assert list(api.get(f"{path}?cursor=damaged", 400)["errors"]["query"]) == ["cursor"]
    api.get(f"{path}?cursor=", 404)
    api.get(path, 404)
