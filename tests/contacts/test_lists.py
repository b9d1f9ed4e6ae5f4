"""The list of contacts: pages, orders and invalid parameters."""

from collections.abc import Iterator
from typing import Any

import pytest

from contacts_service.text import fold
from tests.client import Api
from tests.directory import PEOPLE, labels, open_directory

ORDERS = ["id", "first_name", "last_name", "email", "created_at", "updated_at"]
SUMMARY = {
    "id", "first_name", "last_name", "email", "phone", "blocked", "custom_attributes",
    "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A directory that the tests only read."""
    return open_directory(tmp_path_factory.mktemp("lists"))


def ordered(name: str, *, is_descending: bool) -> list[str]:
    """Sort the labels of PEOPLE as docs/api.md says."""

    def key(label: str) -> tuple[Any, int]:
        value = PEOPLE[label][name]
        is_folded = name in ("first_name", "last_name", "email")
        return (fold(value) if is_folded else value, PEOPLE[label]["id"])

    with_value = [label for label in PEOPLE if PEOPLE[label][name] is not None]
    without = [label for label in PEOPLE if PEOPLE[label][name] is None]
    return sorted(with_value, key=key, reverse=is_descending) + sorted(
        without, key=lambda label: PEOPLE[label]["id"], reverse=is_descending
    )


def test_contact_in_a_list_is_its_summary(directory: Api) -> None:
    answer = directory.get("/contacts?order_by=id&order=asc")
    assert set(answer) == {"results", "total", "total_pages", "page", "page_size"}
    assert {frozenset(contact) for contact in answer["results"]} == {frozenset(SUMMARY)}
    assert answer["results"] == list(PEOPLE.values())
    for contact in answer["results"]:
        detail = directory.get(f"/contacts/{contact['id']}")
        assert detail == contact | {"contact_channels": []}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("order_by", ORDERS)
def test_pages_of_any_order_and_size_show_everybody_once(
    directory: Api, order_by: str, order: str
) -> None:
    expected = ordered(order_by, is_descending=order == "desc")
    query = f"order_by={order_by}&order={order}"
    assert labels(directory.get(f"/contacts?{query}")) == expected
    for size in range(1, 8):
        walked: list[str] = []
        for page in range(1, -(-len(PEOPLE) // size) + 1):
            answer = directory.get(f"/contacts?{query}&page_size={size}&page={page}")
            assert (answer["page"], answer["page_size"]) == (page, size)
            assert len(answer["results"]) == min(size, len(PEOPLE) - len(walked))
            walked += labels(answer)
        assert walked == expected


def test_names_are_ordered_by_their_folded_form(directory: Api) -> None:
    by_first = labels(directory.get("/contacts?order_by=first_name&order=asc"))
    assert by_first == [
        "empty", "percent", "digits", "quote", "obrien", "jose", "linda", "zed", "loud", "soren",
        "weiss", "wang",
    ]  # fmt: skip
    by_last = labels(directory.get("/contacts?order_by=last_name&order=asc"))
    assert by_last == [
        "empty", "percent", "digits", "quote", "jose", "soren", "obrien", "linda", "weiss", "loud",
        "zed", "wang",
    ]  # fmt: skip


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_contacts_without_an_email_come_last(directory: Api, order: str) -> None:
    last = labels(directory.get(f"/contacts?order_by=email&order={order}"))[-2:]
    assert last == (["empty", "wang"] if order == "asc" else ["wang", "empty"])


def test_newest_contact_comes_first_by_default(directory: Api) -> None:
    expected = ordered("created_at", is_descending=True)
    for query in ("", "?order_by=created_at", "?order=desc", "?order_by=contacts.created_at"):
        assert labels(directory.get(f"/contacts{query}")) == expected


@pytest.mark.parametrize("prefix", ["users.", "contacts."])
@pytest.mark.parametrize("order_by", ORDERS)
def test_order_takes_the_table_in_front(directory: Api, order_by: str, prefix: str) -> None:
    answer = directory.get(f"/contacts?order_by={prefix}{order_by}&order=asc")
    assert labels(answer) == ordered(order_by, is_descending=False)


def test_filtered_list_is_ordered_and_counted_as_filtered(directory: Api) -> None:
    filters = '[{"field":"first_name","operator":"=","value":"linda"}]'
    query = {"filters": filters, "order_by": "last_name", "order": "desc", "page_size": "2"}
    answer = directory.get("/contacts", query_string=query)
    assert labels(answer) == ["zed", "loud"]
    assert (answer["total"], answer["total_pages"]) == (3, 2)
    assert labels(directory.get("/contacts", query_string={**query, "page": "2"})) == ["linda"]


@pytest.mark.parametrize(
    ("query", "page", "page_size", "total_pages", "length"),
    [
        ("", 1, 50, 1, 12),
        ("?page=1&page_size=12", 1, 12, 1, 12),
        ("?page_size=11", 1, 11, 2, 11),
        ("?page=2&page_size=11", 2, 11, 2, 1),
        ("?page_size=1", 1, 1, 12, 1),
        ("?page_size=100", 1, 100, 1, 12),
        ("?page=2", 2, 50, 1, 0),
        ("?page=13&page_size=1", 13, 1, 12, 0),
        ("?page=2147483647&page_size=100", 2**31 - 1, 100, 1, 0),
    ],
)
def test_page_has_its_numbers(
    directory: Api, query: str, page: int, page_size: int, total_pages: int, length: int
) -> None:
    answer = directory.get(f"/contacts{query}")
    assert len(answer.pop("results")) == length
    assert answer == {
        "total": 12, "total_pages": total_pages, "page": page, "page_size": page_size
    }  # fmt: skip


def test_empty_lists_have_no_pages(api: Api) -> None:
    empty = {"results": [], "total": 0, "total_pages": 0, "page": 1, "page_size": 50}
    assert api.get("/contacts") == empty
    contact_id = api.make_contact()["id"]
    assert api.get(f"/contacts/{contact_id}/notes") == empty
    assert api.get(f"/contacts/{contact_id}/conversations") == empty
    assert api.get("/contacts?page=7&page_size=1&filters=[]")["total"] == 1


LISTS = ["/contacts", "/contacts/1/notes", "/contacts/1/conversations"]
BAD_PAGES = [
    "0",
    "-1",
    "2147483648",
    "99999999999999999999",
    "",
    "x",
    "1.0",
    "1e1",
    "٣",
    " 1",
    "+1",
]
BAD_SIZES = ["0", "-1", "101", "99999999999999999999", "", "x", "1.0", "true"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("page", value) for value in BAD_PAGES),
        *(("page_size", value) for value in BAD_SIZES),
        ("pages", "1"),
        ("Page", "1"),
        ("q", "linda"),
        ("", "1"),
        ("_schema", "1"),
    ],
)
def test_invalid_parameter_is_named(directory: Api, path: str, name: str, value: str) -> None:
    answer = directory.get(path, 400, query_string={name: value})
    assert answer["type"] == "InputError"
    assert list(answer["errors"]) == ["query"]
    assert list(answer["errors"]["query"]) == [name]


@pytest.mark.parametrize("path", LISTS)
def test_repeated_parameter_is_named(directory: Api, path: str) -> None:
    errors = directory.get(f"{path}?page=1&page_size=5&page=1", 400)["errors"]
    assert list(errors["query"]) == ["page"]


@pytest.mark.parametrize("path", LISTS[1:])
@pytest.mark.parametrize("query", ["order_by=id", "order=asc", "filters=[]"])
def test_other_lists_take_no_order_and_no_filters(directory: Api, path: str, query: str) -> None:
    errors = directory.get(f"{path}?{query}", 400)["errors"]
    assert list(errors["query"]) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("order_by", value) for value in ("", "phone", "blocked", "ID", "-id", "id,email")),
        *(("order_by", value) for value in ("first_name_folded", "custom_attributes.tier")),
        *(("order_by", value) for value in ("user.id", "users.users.id", "users.contacts.id")),
        *(("order", value) for value in ("", "ASC", "ascending", "1")),
    ],
)
def test_unknown_order_is_refused(directory: Api, name: str, value: str) -> None:
    errors = directory.get("/contacts", 400, query_string={name: value})["errors"]
    assert list(errors["query"]) == [name]


def test_query_that_is_not_utf8_is_refused(directory: Api) -> None:
    assert list(directory.get("/contacts?order_by=%ff", 400)["errors"]) == ["query"]
