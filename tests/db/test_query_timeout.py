"""The time of a query: a request that asks for too much is told so; nobody else is."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contacts_service.contacts import queries as directory
from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import classify_error, db, read_connection, unit_of_work
from contacts_service.listing.lists import NumberedPage
from contacts_service.timestamps import utc_now
from tests.client import Api

PEOPLE = 500
HEAVY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
    "SELECT count(*) FROM n"
)
LEAVES = [
    {"field": f"custom_attributes.k{number}", "operator": "contains", "value": "x"}
    for number in range(20)
]


@pytest.fixture
def hurried(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A directory, and no time at all from the first look at the clock on."""
    moment = utc_now()
    people = [
        NewContact(email=f"{number}@example.com", created_at=moment, updated_at=moment)
        for number in range(PEOPLE)
    ]
    with app.app_context(), unit_of_work() as session:
        create_contacts(session, [(person, ()) for person in people])
    monkeypatch.setitem(app.config, "CONTACTS_QUERY_TIMEOUT", 0)
    return app


def ask_much(api: Api, status: int, **query: Any) -> Any:
    filters = json.dumps([{"logic": "OR", "rules": LEAVES}])
    return api.call("GET", "/contacts", status, query_string={"filters": filters, **query})


@pytest.mark.sqlite  # whose time can be no time at all
@pytest.mark.parametrize("query", [{}, {"cursor": ""}, {"order_by": "email", "page": 5}])
def test_a_query_that_takes_too_long_is_503(
    hurried: Flask, api: Api, query: dict[str, Any]
) -> None:
    answer = ask_much(api, 503, **query)
    assert answer.json["data"]["type"] == "UnavailableError"
    assert "too long" in answer.json["data"]["message"]
    assert answer.headers["Retry-After"] == "30"
    assert api.get("/contacts")["total"] == PEOPLE


@pytest.mark.postgresql
def test_the_server_ends_a_query_that_takes_too_long(
    app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = CompiledStatement(text("SELECT pg_sleep(5)"))
    assert api.get("/contacts")["total"] == 0  # its connection is used again, with another limit
    monkeypatch.setitem(app.config, "CONTACTS_QUERY_TIMEOUT", 0.05)
    with app.test_request_context():
        with pytest.raises(DBAPIError) as raised:
            read_connection().value(slow)
        assert classify_error(raised.value) == "slow"
    monkeypatch.setitem(app.config, "CONTACTS_QUERY_TIMEOUT", 60)
    assert api.get("/contacts")["total"] == 0


def test_the_same_query_is_answered_in_time(
    hurried: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(hurried.config, "CONTACTS_QUERY_TIMEOUT", 60)
    assert ask_much(api, 200).json["data"]["total"] == 0


@pytest.mark.sqlite  # whose time can be no time at all
@pytest.mark.parametrize("work", [True, False], ids=["unit of work", "session"])
def test_whoever_gets_the_connection_next_has_all_the_time(
    hurried: Flask, api: Api, work: bool
) -> None:
    ask_much(api, 503)
    with hurried.app_context():
        if work:
            with unit_of_work() as session:
                assert session.execute(HEAVY).scalar() == 100_000
        else:
            assert db.session.execute(HEAVY).scalar() == 100_000


def test_what_reads_without_a_request_has_all_the_time(hurried: Flask) -> None:
    page, filters = NumberedPage(1, 50), json.dumps([{"logic": "OR", "rules": LEAVES}])
    with hurried.app_context():
        found = directory.list_contacts(
            read_connection(), page, "id", is_descending=True, filters=filters
        )
    assert found["total"] == 0
