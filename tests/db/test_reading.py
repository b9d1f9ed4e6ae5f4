"""Reading: pages of any size, a total that is kept, text as it was stored, one state."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import bindparam, select

from contacts_service.contacts import service as contacts
from contacts_service.contacts.queries import list_contacts, read_contact
from contacts_service.db.models import Contact
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.limits import ORDERS
from contacts_service.listing.lists import NumberedPage
from contacts_service.strict_json import write_json
from tests import databases
from tests.client import Api
from tests.directory import PEOPLE, labels, open_directory
from tests.files import add_people, flask


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Only to be read."""
    return open_directory(tmp_path_factory.mktemp("reading"))


FILTERS = {"all": [], "some": [{"field": "id", "operator": "<=", "value": 7}]}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("order_by", ORDERS)
def test_pages_of_any_size_are_the_whole_list_in_order(
    directory: Api, order_by: str, order: str, filters: list[Any]
) -> None:
    query = {"order_by": order_by, "order": order, "filters": json.dumps(filters)}
    whole = labels(directory.get("/contacts", query_string=query))
    assert len(whole) == (7 if filters else len(PEOPLE))
    for size in range(1, len(whole) + 2):
        pages = []
        for page in range(1, -(-len(whole) // size) + 2):
            part = query | {"page": page, "page_size": size}
            pages.append(labels(directory.get("/contacts", query_string=part)))
        assert pages == [whole[size * n : size * (n + 1)] for n in range(len(pages))]


def test_a_value_that_is_missing_is_no_null(app: Flask) -> None:
    statement = CompiledStatement(select(Contact.id).where(Contact.id == bindparam("id")))
    with app.app_context(), pytest.raises(KeyError):
        read_connection().rows(statement)


PATHS = ["/contacts/{id}/notes", "/contacts/{id}/conversations", "/conversations/{uuid}/messages"]


@pytest.mark.parametrize("path", PATHS)
def test_pages_of_the_other_lists_are_the_whole_list_in_order(api: Api, path: str) -> None:
    contact = api.make_contact()
    for number in range(5):
        api.post(f"/contacts/{contact['id']}/notes", {"content": str(number)})
        letter = {"contact_id": contact["id"], "channel": "email", "message": str(number)}
        thread = api.post("/conversations", letter)
    for number in range(4):
        api.post(f"/conversations/{thread['uuid']}/messages", {"message": str(number)})
    path = path.format(id=contact["id"], uuid=thread["uuid"])
    whole = api.get(path)["results"]
    assert len(whole) == 5
    for size in range(1, 7):
        parts = [api.get(f"{path}?page={n}&page_size={size}")["results"] for n in range(1, 7)]
        assert [row for part in parts for row in part] == whole


@pytest.fixture
def by_other_hands(app: Flask) -> Iterator[Any]:
    """A connection of another program's."""
    with databases.by_other_hands(app) as connection:
        yield connection


def add_by_api(app: Flask, api: Api, path: Path) -> None:
    api.make_contact("new@example.com")


def add_by_import(app: Flask, api: Api, path: Path) -> None:
    file = path / "people.csv"
    file.write_text("email\n" + "".join(f"{number}@example.com\n" for number in range(5)))
    flask(app, "contacts", "import", file)


def add_by_mail(app: Flask, api: Api, path: Path) -> None:
    message = {"channel": "email", "from": {"email": "mail@example.com"}, "content": "Hello."}
    api.post("/inbound/messages", message)


def insert_by_sql(app: Flask, api: Api, path: Path) -> None:
    names = ", ".join(column.name for column in Contact.__table__.columns if column.name != "id")
    by_sql(app, f"INSERT INTO contacts ({names}) SELECT {names} FROM contacts")


def delete_one_by_sql(app: Flask, api: Api, path: Path) -> None:
    by_sql(app, "DELETE FROM contacts WHERE id = (SELECT min(id) FROM contacts)")


def delete_all_by_sql(app: Flask, api: Api, path: Path) -> None:
    by_sql(app, "DELETE FROM contacts")


def roll_back(app: Flask, api: Api, path: Path) -> None:
    with app.app_context(), suppress(ZeroDivisionError), unit_of_work() as session:
        contacts.create_contact(session, email="new@example.com")
        _ = 1 / 0


def roll_back_a_part(app: Flask, api: Api, path: Path) -> None:
    with app.app_context(), unit_of_work() as session:
        contacts.create_contact(session, email="new@example.com")
        with suppress(ZeroDivisionError), unit_of_work() as part:
            contacts.create_contact(part, email="newer@example.com")
            _ = 1 / 0


CHANGES = {
    add_by_api: 4, add_by_import: 8, add_by_mail: 4, insert_by_sql: 6, delete_one_by_sql: 2,
    delete_all_by_sql: 0, roll_back: 3, roll_back_a_part: 4,
}  # fmt: skip


def by_sql(app: Flask, statement: str) -> None:
    with databases.by_other_hands(app) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(("change", "total"), CHANGES.items())
def test_total_is_the_number_of_contacts(
    app: Flask, api: Api, tmp_path: Path, change: Callable[..., None], total: int,
    by_other_hands: Any,
) -> None:  # fmt: skip
    add_people(app, *({"first_name": name} for name in ("Ann", "Bob", "Cy")))
    change(app, api, tmp_path)
    answer = api.get("/contacts")
    assert by_other_hands.execute("SELECT count(*) FROM contacts").fetchone() == (total,)
    assert (answer["total"], len(answer["results"])) == (total, total)
    assert api.get("/contacts?page_size=1&page=3")["total_pages"] == total


TEXTS = {
    "quotes": "'\"`\\'\\\"", "backslashes": r"\\n \u0041 \x", "slash": "</script>/",
    "emoji": "🦊👩‍👩‍👧", "separators": "a\u2028b\u2029c", "unassigned": "\U0010ffff\ufffe\ufdd0",
    "zero-width": "a\u200b\u200d\u2060", "decomposed": "e\u0301\u0323", "combined": "Zoë",
    "right to left": "\u202eabc مايا", "private use": "\ue000\U000f0000", "BOM": "a\ufeffb",
}  # fmt: skip
ATTRIBUTES = {
    "empty": "{}", "nested": '{"a":[1,[2,{"b":{"c":[]}}],{}],"d":null,"e":[true,false]}',
    "deep": '{"a":' + "[" * 62 + "]" * 62 + "}",
    "whole numbers": '{"a":[9223372036854775807,-9223372036854775808,0,-1]}',
    "fractions": '{"a":[1e100,0.1,1.0,-0.0,5e-324,1.7976931348623157e308,1e-7,123456789.125]}',
    "escapes": r'{"a":"\u0000\u0001\b\t\n\f\r\u001f\\\"","\u0000\n\"":"b"}',
    "above ASCII": '{"é":"\u2028\u2029\x7f\x80\ufeff","🦊":"\U0010ffff"}', "no name": '{"":""}',
    "JSON in text": r'{"a":"{\"b\":[1]}"}', "comments": '{"a":"/* b */ // c"}',
}  # fmt: skip


def shown(app: Flask, contact_id: int) -> bytes:
    """The contact as a list shows it, without the list around it."""
    with app.app_context():
        answer = list_contacts(read_connection(), NumberedPage(1, 100), "id", is_descending=False)[
            "results"
        ]
        whole = orjson.loads(write_json(answer))
        detail = write_json(read_contact(read_connection(), contact_id))
    assert write_json(answer) == write_json(whole)
    return detail


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_is_written_as_orjson_writes_it(app: Flask, text: str) -> None:
    with app.app_context(), unit_of_work() as session:
        further = [("chat", text)]
        contact_id = contacts.create_contact(session, first_name=text, further=further)
    json_text = shown(app, contact_id)
    contact = orjson.loads(json_text)
    assert json_text == write_json(contact)
    assert (contact["first_name"], contact["contact_channels"][0]["identifier"]) == (text, text)


@pytest.mark.parametrize("text", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_are_written_as_orjson_writes_them(app: Flask, text: str) -> None:
    attributes = orjson.loads(text)
    with app.app_context(), unit_of_work() as session:
        contact_id = contacts.create_contact(session, custom_attributes=attributes)
    json_text = shown(app, contact_id)
    assert json_text == write_json(orjson.loads(json_text))
    assert b'"custom_attributes":%b,' % write_json(attributes) in json_text


@pytest.mark.parametrize(
    "character", ["\0", "\x01", "\b", "\t", "\n", "\x0b", "\r", "\x1f", "\x7f"]
)
def test_controls_are_written_as_orjson_writes_them(app: Flask, character: str) -> None:
    """No way in lets them through; what an older program stored is shown all the same."""
    if character == "\0" and databases.is_postgresql():
        pytest.skip("PostgreSQL stores none.")
    with app.app_context(), unit_of_work() as session:
        contact_id = contacts.create_contact(session, first_name=f"a{character}b")
    assert b'"first_name":%b,' % write_json(f"a{character}b") in shown(app, contact_id)


def names(by: Any) -> list[str]:
    answer = list_contacts(by, NumberedPage(1, 9), "id", is_descending=False)
    people = orjson.loads(write_json(answer["results"]))
    assert answer["total"] == len(people)
    return [person["first_name"] for person in people]


def test_unit_of_work_reads_its_own_writes_and_nobody_else_does(app: Flask) -> None:
    add_people(app, {"first_name": "Ann"})
    with app.app_context():
        assert names(read_connection()) == ["Ann"]
        with unit_of_work() as session:
            session.get_one(Contact, session.scalar(select(Contact.id))).first_name = "Anna"
            contacts.create_contact(session, first_name="Bob")
            assert names(session.reads) == ["Anna", "Bob"]
            assert names(read_connection()) == ["Anna", "Bob"]
            with app.app_context():
                assert names(read_connection()) == ["Ann"]
        assert names(read_connection()) == ["Anna", "Bob"]


def test_request_reads_one_state(app: Flask, by_other_hands: Any) -> None:
    add_people(app, {"first_name": "Ann"})
    with app.app_context():
        assert names(read_connection()) == ["Ann"]
        by_other_hands.execute("UPDATE contacts SET first_name = 'Eve'")
        add_people(app, {"first_name": "Bob"})
        assert names(read_connection()) == ["Ann"]
    with app.app_context():
        assert names(read_connection()) == ["Eve", "Bob"]


@pytest.mark.parametrize("fields", [{}, {"first_name": '"\\🦊', "custom_attributes": {"a": 1e100}}])
def test_contact_that_was_put_is_got_with_the_same_tag(api: Api, fields: dict[str, Any]) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    put = api.call("PUT", path, json=fields)
    got = api.call("GET", path)
    assert (put.headers["ETag"], put.data) == (got.headers["ETag"], got.data)
    api.put(path, {"last_name": "New"}, headers={"If-Match": got.headers["ETag"]})


def test_every_answer_gives_its_connection_back(app: Flask, api: Api, client: FlaskClient) -> None:
    contact = api.make_contact("linda@example.com")
    api.get(f"/contacts/{contact['id']}")
    api.get("/contacts/search?q=linda")
    api.put("/contacts/999", {"first_name": "X"}, 404)
    client.get("/api/v1/contacts")  # without a token
    client.get("/health")
    databases.assert_connections_are_back(app)
