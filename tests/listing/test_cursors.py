"""Walking a list by cursor: it shows what the pages show, at any size, and only the same list."""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, update

from contacts_service.db.models import Contact, Message, Note
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import db, unit_of_work
from contacts_service.factory import create_app
from contacts_service.listing import lists as listing
from contacts_service.listing.cursors import write_cursor
from tests.client import Api
from tests.databases import is_postgresql
from tests.directory import PEOPLE, open_directory
from tests.threads import receive

Query = dict[str, Any]
URL = "CONTACTS_DATABASE_URL"

# Every list, by its path in the API document, which ends what can be read of it.
LISTS = (
    "/contacts",
    "/contacts/{contact_id}/conversations",
    "/contacts/{contact_id}/notes",
    "/conversations/spam",
    "/conversations/{uuid}/messages",
    "/custom-attributes",
)
ORDERS = [
    (order_by, order)
    for order_by in ("id", "first_name", "last_name", "email", "created_at", "updated_at")
    for order in ("asc", "desc")
]
# One after the other, then three at once: rows with equal times are in every list.
TIMES = [f"2026-05-0{day}T00:00:00.000000Z" for day in (1, 2, 3, 3, 3)]
LINDA_WROTE = {"filters": json.dumps([{"field": "first_name", "operator": "=", "value": "linda"}])}


class House(NamedTuple):
    """A service in which every list has rows, and where each list is."""

    api: Api
    paths: dict[str, str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Only to be read. Linda and José, contacts 1 and 2, have the same of everything."""
    api = open_directory(tmp_path_factory.mktemp("cursors"))
    conversation: Any = None
    for number, time in enumerate(TIMES):
        for person in ("linda", "jose"):
            api.post(f"/contacts/{PEOPLE[person]['id']}/notes", {"content": f"{number}"})
            receive(api, PEOPLE[person]["email"], received_at=time)
            thread = f"{person}@x"
            answer = receive(
                api,
                PEOPLE[person]["email"],
                received_at=time,
                **({"in_reply_to": thread} if number else {"message_id": thread}),
            )
            conversation = answer["conversation"]
        receive(api, PEOPLE["zed"]["email"], received_at=time)  # who is blocked
        definition = {"key": f"key_{number}", "name": "Name", "data_type": "text"}
        api.post("/custom-attributes", definition)
    with api.client.application.app_context(), unit_of_work() as session:
        for note_id in range(1, 11):
            time = TIMES[(note_id - 1) // 2]
            session.execute(update(Note).where(Note.id == note_id).values(created_at=time))
    return House(api, paths_of(1, conversation["uuid"]))


def paths_of(contact_id: int, uuid: str) -> dict[str, str]:
    return {name: name.format(contact_id=contact_id, uuid=uuid) for name in LISTS}


def walk(api: Api, path: str, size: int, **query: Any) -> list[Any]:
    """The rows of a list, read by cursor."""
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


def refusal(api: Api, path: str, **query: Any) -> list[str]:
    """The query parameters that a 400 names."""
    answer = api.get(path, 400, query_string=query)
    assert (answer["type"], list(answer["errors"])) == ("InputError", ["query"])
    return list(answer["errors"]["query"])


def test_every_list_has_cursors_and_is_tested_here(house: House) -> None:
    document = house.api.client.get("/openapi.json").get_json()
    with_parameter = {
        path.removeprefix("/api/v1"): {each["name"] for each in operations["get"]["parameters"]}
        for path, operations in document["paths"].items()
        if "page" in json.dumps(operations.get("get", {}).get("parameters", []))
    }
    assert set(with_parameter) == set(LISTS)
    assert all({"cursor", "page", "page_size"} <= names for names in with_parameter.values())


@pytest.mark.parametrize("name", LISTS)
def test_walk_of_any_size_shows_what_the_pages_show(house: House, name: str) -> None:
    path = house.paths[name]
    shown = house.api.get(path)["results"]
    assert len(shown) >= len(TIMES)
    for size in range(1, len(shown) + 2):
        assert walk(house.api, path, size) == shown


@pytest.mark.parametrize(("order_by", "order"), ORDERS)
def test_walk_in_any_order_shows_what_the_pages_show(
    house: House, order_by: str, order: str
) -> None:
    query = {"order_by": order_by, "order": order}
    shown = house.api.get("/contacts", query_string=query)["results"]
    assert len(shown) == len(PEOPLE)
    for size in (1, 2, 5, 11, 12, 13):
        assert walk(house.api, "/contacts", size, **query) == shown


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_walk_by_email_ends_with_those_who_have_none(house: House, order: str) -> None:
    query = {"order_by": "email", "order": order}
    for size in (1, 2, 11, 12):
        emails = [each["email"] for each in walk(house.api, "/contacts", size, **query)]
        assert emails[-2:] == [None, None]
        assert None not in emails[:-2]


@pytest.mark.parametrize(("order_by", "order"), ORDERS)
@pytest.mark.parametrize(
    "filters",
    [
        [{"field": "first_name", "operator": "=", "value": "linda"}],
        [{"field": "email", "operator": "not set"}],
        {"logic": "OR", "rules": [{"field": "id", "operator": "in", "value": [2, 4, 7, 9]}]},
        [{"field": "last_name", "operator": "contains", "value": "ols"}],
    ],
)
def test_walk_under_filters_shows_what_the_pages_show(
    house: House, order_by: str, order: str, filters: Any
) -> None:
    query = {"filters": json.dumps(filters), "order_by": order_by, "order": order}
    shown = house.api.get("/contacts", query_string=query)["results"]
    assert 2 <= len(shown) <= 4
    for size in (1, 2, 3):
        assert walk(house.api, "/contacts", size, **query) == shown


def test_walk_under_statuses_shows_what_the_pages_show(api: Api) -> None:
    contact_id = api.make_contact()["id"]
    for status in ("Open", "Closed", "Open", "Spam", "Snoozed"):
        begun = api.post(
            "/conversations", {"contact_id": contact_id, "channel": "chat", "message": "Dear"}
        )
        api.put(f"/conversations/{begun['uuid']}/status", {"status": status})
    path = f"/contacts/{contact_id}/conversations"
    shown = walk(api, path, 1, statuses="Open,Spam")
    assert [each["status"] for each in shown] == ["Spam", "Open", "Open"]
    assert shown == api.get(f"{path}?statuses=Open,Spam")["results"]


@pytest.mark.parametrize("name", LISTS)
def test_parts_of_a_walk_have_their_shape(house: House, name: str) -> None:
    path = house.paths[name]
    *before, last = parts(house.api, path, 2)
    assert before
    for part in before:
        assert set(part) == {"results", "next_cursor", "page_size"}
        assert (len(part["results"]), part["page_size"]) == (2, 2)
        assert isinstance(part["next_cursor"], str)
    assert set(last) == {"results", "next_cursor", "page_size"}
    assert last["results"]
    assert last["next_cursor"] is None
    assert house.api.get(f"{path}?cursor=")["page_size"] == 50


@pytest.mark.parametrize("name", LISTS)
def test_empty_list_ends_at_once(app: Flask, api: Api, name: str) -> None:
    contact_id, uuid = 0, ""
    if name != "/contacts":
        contact_id = api.make_contact()["id"]
    if name == "/conversations/{uuid}/messages":
        uuid = receive(api)["conversation"]["uuid"]
        with app.app_context(), unit_of_work() as session:
            session.execute(delete(Message))
    answer = api.get(f"{paths_of(contact_id, uuid)[name]}?cursor=&page_size=7")
    assert answer == {"results": [], "next_cursor": None, "page_size": 7}


@pytest.mark.parametrize("name", LISTS)
def test_size_may_change_on_the_way(house: House, name: str) -> None:
    path = house.paths[name]
    walked: list[Any] = []
    cursor: str | None = ""
    for size in (1, 3, 100):
        answer = house.api.get(path, query_string={"cursor": cursor, "page_size": size})
        assert answer["page_size"] == size
        walked += answer["results"]
        cursor = answer["next_cursor"]
    assert cursor is None
    assert walked == house.api.get(path)["results"]


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
    monkeypatch.setattr(listing, "write_cursor", lambda _, question: write_cursor(place, question))  # type: ignore[arg-type]
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
        ("/contacts", LINDA_WROTE, [{}, {"filters": LINDA_WROTE["filters"].replace("=", "!=")}]),
        ("/contacts", {}, [LINDA_WROTE]),
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


def test_cursor_keeps_for_the_spellings_of_one_question(house: House) -> None:
    cursor = next_cursor(house.api, "/contacts")
    rest = house.api.get("/contacts", query_string={"cursor": cursor})
    for query in ({"order": "desc"}, {"order_by": "created_at"}, {"order_by": "users.created_at"}):
        assert house.api.get("/contacts", query_string={**query, "cursor": cursor}) == rest


def test_cursor_is_read_by_another_process_of_the_service(house: House) -> None:
    path, query = house.paths[LISTS[1]], {"statuses": "Open,Spam"}
    cursor = next_cursor(house.api, path, **query)
    app = create_app({URL: house.api.client.application.config[URL]})
    other = Api(app.test_client(), house.api.token)
    sent = {**query, "cursor": cursor}
    assert other.get(path, query_string=sent) == house.api.get(path, query_string=sent)


def add_contact(app: Flask, number: int, time: str) -> int:
    row = dict.fromkeys(("first_name", "last_name", "first_name_folded"), "")
    row |= {"last_name_folded": "", "custom_attributes": "{}"}
    row |= {"email": f"{number}@x", "email_folded": f"{number}@x"}
    row |= {"created_at": time, "updated_at": time}
    with app.app_context(), unit_of_work() as session:
        return int(session.scalar(insert(Contact).values(row).returning(Contact.id)))


def delete_contact(app: Flask, contact_id: int) -> None:
    with app.app_context(), unit_of_work() as session:
        session.execute(delete(Contact).where(Contact.id == contact_id))


moments = st.sampled_from(TIMES)
changes = st.none() | moments | st.integers(0, 9)  # nothing, a row added then, a row deleted


@given(
    before=st.lists(moments, min_size=1, max_size=8),
    meanwhile=st.lists(changes, max_size=8),
    size=st.integers(1, 3),
    order_by=st.sampled_from(["id", "created_at"]),
    order=st.sampled_from(["asc", "desc"]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_walk_shows_what_was_there_throughout_exactly_once(
    app: Flask,
    api: Api,
    before: list[str],
    meanwhile: list[str | int | None],
    size: int,
    order_by: str,
    order: str,
) -> None:
    with app.app_context(), unit_of_work() as session:
        session.execute(delete(Contact))
    numbers = count()
    throughout = {add_contact(app, next(numbers), time) for time in before}
    shown: list[int] = []
    for part in parts(api, "/contacts", size, order_by=order_by, order=order):
        shown += [each["id"] for each in part["results"]]
        change = meanwhile.pop() if meanwhile else None
        if isinstance(change, str):
            add_contact(app, next(numbers), change)
        elif change is not None and throughout:
            gone = sorted(throughout)[change % len(throughout)]
            delete_contact(app, gone)
            throughout.discard(gone)
    assert len(shown) == len(set(shown))
    assert throughout <= set(shown)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("order_by", ["id", "created_at"])
def test_walk_goes_on_where_its_last_row_was_deleted(
    app: Flask, api: Api, order_by: str, order: str
) -> None:
    ids = [add_contact(app, number, TIMES[4]) for number in range(5)]
    ids = ids if order == "asc" else ids[::-1]
    walked = []
    for part in parts(api, "/contacts", 2, order_by=order_by, order=order):
        walked += [each["id"] for each in part["results"]]
        delete_contact(app, walked[-1])
    assert walked == ids


def plans(api: Api, path: str, query: Query) -> list[tuple[str, str]]:
    """The statements that find the keys of a page, and how; its rows are then read by ids."""
    app = api.client.application
    executed: list[tuple[str, Any]] = []

    def note(reads: ReadConnection, statement: CompiledStatement, values: Mapping[str, Any]) -> Any:
        text, given = statement.bind(reads.dialect, values)
        if "LIMIT" in text:
            executed.append((text, tuple(given)))
        return rows(reads, statement, values)

    rows = ReadConnection.rows
    with patch.object(ReadConnection, "rows", note):
        api.get(path, query_string=query)
    with app.app_context(), db.engine.connect() as connection:
        return [
            (statement, explain(connection, statement, values)) for statement, values in executed
        ]


def explain(connection: Connection, statement: str, values: Any) -> str:
    if is_postgresql():
        # Of so few rows, it would go through the table.
        connection.exec_driver_sql(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
        )
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        return "\n".join(row[0] for row in rows)
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return "\n".join(row.detail for row in rows)


SORT = "Sort" if is_postgresql() else "USE TEMP B-TREE"


def cursors_on_the_way(api: Api, path: str, **query: Any) -> list[str]:
    """The cursor at the beginning and after every row."""
    return ["", *(str(p["next_cursor"]) for p in parts(api, path, 1, **query) if p["next_cursor"])]


@pytest.mark.parametrize(("order_by", "order"), ORDERS)
def test_parts_of_the_directory_are_found_in_an_index_without_sorting(
    house: House, order_by: str, order: str
) -> None:
    query = {"order_by": order_by, "order": order}
    cursors = cursors_on_the_way(house.api, "/contacts", **query)
    assert len(cursors) == len(PEOPLE)  # by email, the last stands after one who has none
    for cursor in cursors:
        found = plans(house.api, "/contacts", {**query, "cursor": cursor, "page_size": 2})
        assert found
        for statement, plan in found:
            assert SORT not in plan
            if (
                not is_postgresql()
                and cursor
                and (order_by == "email" or "IS NULL" not in statement)
            ):
                assert "SEARCH contacts USING" in plan  # else NULL is ruled out before any row
        if not is_postgresql() and cursor and order_by != "id":
            assert "=? AND id" in found[0][1]  # rows of an equal value are not gone through


@pytest.mark.parametrize("name", LISTS[2:])
def test_parts_of_other_lists_are_found_in_an_index_without_sorting(
    house: House, name: str
) -> None:
    path = house.paths[name]
    for cursor in cursors_on_the_way(house.api, path):
        found = plans(house.api, path, {"cursor": cursor, "page_size": 2})
        assert found
        assert not any(SORT in plan for _, plan in found)


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
