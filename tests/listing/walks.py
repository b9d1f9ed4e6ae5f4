"""Walking lists by cursor, for the tests of cursors."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.client import Api

# Every list, by its path in the API document.
LISTS = (
    "/contacts",
    "/contacts/{contact_id}/conversations",
    "/contacts/{contact_id}/notes",
    "/conversations",
    "/conversations/spam",
    "/conversations/{uuid}/messages",
    "/custom-attributes",
)
ORDERS = [
    (order_by, order)
    for order_by in ("id", "first_name", "last_name", "email", "created_at", "updated_at")
    for order in ("asc", "desc")
]
# The last three are equal, so that every list has rows with equal times.
TIMES = [f"2026-05-0{day}T00:00:00.000000Z" for day in (1, 2, 3, 3, 3)]


class House(NamedTuple):
    """A service in which every list has rows, and the path of each list."""

    api: Api
    paths: dict[str, str]


def paths_of(contact_id: int, uuid: str) -> dict[str, str]:
    return {name: name.format(contact_id=contact_id, uuid=uuid) for name in LISTS}


def walk(api: Api, path: str, size: int, **query: Any) -> list[Any]:
    """All rows of a list, read by cursor."""
    return [row for part in parts(api, path, size, **query) for row in part["results"]]


def parts(api: Api, path: str, size: int, **query: Any) -> Iterator[Any]:
    cursor: str | None = ""
    while cursor is not None:
        sent = {**query, "cursor": cursor, "page_size": size}
        answer = api.get(path, query_string=sent)
        yield answer
        cursor = answer["next_cursor"]


def next_cursor(api: Api, path: str, **query: Any) -> str:
    """A cursor in the midst of a list."""
    answer = api.get(path, query_string={**query, "cursor": "", "page_size": 1})
    assert answer["next_cursor"], "The list is too short to have a cursor."
    return str(answer["next_cursor"])
