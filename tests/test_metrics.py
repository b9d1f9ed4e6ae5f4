"""`/metrics`: what was answered, by route and status; there only where it is turned on."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, text

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.contacts import queries as directory
from contacts_service.db.models import ContactDocument
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import unit_of_work
from contacts_service.search import index
from tests.client import Api
from tests.conftest import make_app

Numbers = dict[str, float]


def numbers_in(text: str) -> Numbers:
    """Every sample of a scrape, by its name and labels as they are written."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def counting_app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, CONTACTS_METRICS="true", CONTACTS_BUSY_TIMEOUT="0")


@pytest.fixture
def counting_api(counting_app: Flask) -> Api:
    with counting_app.app_context(), unit_of_work() as session:
        key = keys.create_key(session, "17", "Bob Smith", SCOPES)
    return Api(counting_app.test_client(), key)


@pytest.fixture
def scrape(counting_app: Flask) -> Callable[[], Numbers]:
    def scrape() -> Numbers:
        answer = counting_app.test_client().get("/metrics")
        assert answer.status_code == 200
        assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
        return numbers_in(answer.text)

    return scrape


def test_without_the_setting_there_is_no_such_route(app: Flask) -> None:
    answer = app.test_client().get("/metrics")
    assert (answer.status_code, answer.json["data"]["type"]) == (404, "NotFoundError")


def test_requests_are_counted_by_method_route_and_status(
    counting_api: Api, scrape: Callable[[], Numbers]
) -> None:
    counting_api.make_contact()
    for contact_id in (1, 1, 2, "linda"):
        counting_api.call("GET", f"/contacts/{contact_id}", 200 if contact_id == 1 else 404)
    numbers = scrape()
    route = "/api/v1/contacts/{contact_id}"
    assert numbers[f"contacts_requests_total GET {route} 200"] == 2
    assert numbers[f"contacts_requests_total GET {route} 404"] == 2
    assert numbers["contacts_requests_total POST /api/v1/contacts/quick 201"] == 1
    assert numbers[f"contacts_request_duration_seconds_count {route}"] == 4
    assert 0 < numbers[f"contacts_request_duration_seconds_sum {route}"] < 4
    assert numbers[f"contacts_request_duration_seconds_bucket +Inf {route}"] == 4


def test_what_strangers_make_up_adds_no_series(
    counting_api: Api, scrape: Callable[[], Numbers]
) -> None:
    counting_api.call("GET", "/nowhere/0", 404)
    counting_api.call("MADEUP0", "/contacts", 405)
    before = scrape()
    for number in range(1, 20):
        counting_api.call("GET", f"/nowhere/{number}", 404)
        counting_api.call(f"MADEUP{number}", "/contacts", 405)
    after = scrape()
    own = {name for name in after if "/metrics" in name}
    assert set(after) - own == set(before)
    assert after["contacts_requests_total GET none 404"] == 20
    assert after["contacts_requests_total other none 405"] == 20


@pytest.mark.sqlite  # whose time can be no time at all
def test_a_query_that_takes_too_long_is_counted(
    counting_app: Flask,
    counting_api: Api,
    scrape: Callable[[], Numbers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heavy = CompiledStatement(
        text(
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
            "SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n)"
        )
    )
    monkeypatch.setattr(directory, "read_contact", lambda reads, _id: reads.value(heavy))
    monkeypatch.setitem(counting_app.config, "CONTACTS_QUERY_TIMEOUT", 0)
    counting_api.call("GET", "/contacts/1", 503)
    numbers = scrape()
    assert numbers["contacts_database_unavailable_total slow"] == 1
    assert numbers["contacts_database_unavailable_total unreachable"] == 0


@pytest.mark.sqlite
def test_a_busy_database_is_told_from_one_that_is_gone(
    counting_api: Api, scrape: Callable[[], Numbers], tmp_path: Path
) -> None:
    assert scrape()["contacts_database_unavailable_total busy"] == 0
    other = sqlite3.connect(tmp_path / "contacts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    counting_api.call("POST", "/contacts/quick", 503, json={"email": "linda@example.com"})
    other.close()
    numbers = scrape()
    assert numbers["contacts_database_unavailable_total busy"] == 1
    assert numbers["contacts_database_up"] == 1
    assert numbers["contacts_in_directory"] == 0
    for file in tmp_path.glob("contacts.db*"):
        file.unlink()
    counting_api.call("GET", "/contacts", 503)
    counting_api.client.get("/health")
    numbers = scrape()
    assert numbers["contacts_database_unavailable_total busy"] == 1
    assert numbers["contacts_database_unavailable_total unreachable"] == 2
    assert numbers["contacts_database_up"] == 0
    assert "contacts_in_directory" not in numbers


def test_contacts_that_search_does_not_know_are_seen(
    counting_app: Flask,
    counting_api: Api,
    scrape: Callable[[], Numbers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index.random, "randint", lambda low, high: high)
    for number in range(3):
        counting_api.make_contact(f"{number}@example.com")
    numbers = scrape()
    assert (numbers["contacts_in_directory"], numbers["contacts_missing_in_search"]) == (3, 0)
    with counting_app.app_context(), unit_of_work() as session:
        session.execute(delete(ContactDocument).where(ContactDocument.contact_id != 2))
    assert scrape()["contacts_missing_in_search"] == 2  # the newest: 1 and 3; from anywhere: 3


def test_every_metric_has_a_help_and_is_told(counting_api: Api, counting_app: Flask) -> None:
    counting_api.get("/contacts")
    text = counting_app.test_client().get("/metrics").text
    names = re.findall("^# TYPE ([a-z_]+)", text, re.MULTILINE)
    assert re.findall("^# HELP ([a-z_]+) .", text, re.MULTILINE) == names
    page = (Path(__file__).parent.parent / "docs" / "running.md").read_text()
    assert [name for name in names if f"`{name}`" not in page] == []
