"""A walk by cursor shows the rows that the pages show, at any size, each once."""

import json
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from contacts_service.db.models import Contact, Message
from contacts_service.db.session import unit_of_work
from contacts_service.factory import create_app
from tests.client import Api
from tests.directory import PEOPLE
from tests.listing.walks import (
    LISTS,
    ORDERS,
    TIMES,
    House,
    next_cursor,
    parts,
    paths_of,
    walk,
)
from tests.threads import receive

URL = "CONTACTS_DATABASE_URL"


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
