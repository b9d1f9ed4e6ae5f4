"""ETag: on every answer that is one contact, and another one for every visible change."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from contacts_service.db.models import ContactChannel
from contacts_service.db.session import unit_of_work
from contacts_service.timestamps import now
from tests.client import Api


def path_of(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}"


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
def test_answer_that_is_one_contact_has_the_tag_of_the_next_get(
    api: Api, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    contact = api.make_contact(custom_attributes={"b": 1.0, "a": "é"})
    options = {} if body is None else {"json": body}
    answer = api.call(method, path.format(id=contact["id"]), status, **options)
    read = api.call("GET", path_of(answer.json["data"]))
    assert answer.headers["ETag"] == read.headers["ETag"]
    assert answer.headers["ETag"].startswith('"')
    assert answer.json == read.json


def test_head_has_the_tag_and_no_body(api: Api) -> None:
    path = path_of(api.make_contact())
    response = api.call("HEAD", path)
    assert response.headers["ETag"] == api.call("GET", path).headers["ETag"]
    assert response.data == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", ["{tag}", "W/{tag}", '"other", {tag}', '"a", W/{tag}', "*"])
def test_known_state_is_not_sent_again(api: Api, method: str, header: str) -> None:
    path = path_of(api.make_contact())
    tag = api.call("GET", path).headers["ETag"]
    headers = {"If-None-Match": header.format(tag=tag)}
    response = api.call(method, path, 304, headers=headers)
    assert response.data == b""
    assert response.headers["ETag"] == tag
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("header", ['"other"', 'W/"other"', '"*"'])
def test_other_state_is_sent(api: Api, header: str) -> None:
    contact = api.make_contact()
    assert api.get(path_of(contact), headers={"If-None-Match": header}) == contact


@pytest.mark.parametrize("header", ['"other"', "*"])
def test_missing_contact_is_not_found(api: Api, header: str) -> None:
    answer = api.call("GET", "/contacts/999", 404, headers={"If-None-Match": header})
    assert "ETag" not in answer.headers


def test_writes_do_not_heed_if_none_match(api: Api) -> None:
    path = path_of(api.make_contact())
    tag = api.call("GET", path).headers["ETag"]
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
def test_visible_change_makes_another_tag(api: Api, below: str, body: dict[str, Any]) -> None:
    path = path_of(
        api.make_contact(
            first_name="Linda", last_name="Olsen", phone="77", custom_attributes={"n": 1}
        )
    )
    before = api.call("GET", path).headers["ETag"]
    api.put(path + below, body)
    after = api.call("GET", path).headers["ETag"]
    assert after != before
    api.put(path + below, body)
    assert api.call("GET", path).headers["ETag"] == after


def add_channel(contact_id: int) -> Any:
    times = {"created_at": now(), "updated_at": now()}
    return ContactChannel.__table__.insert().values(
        contact_id=contact_id, channel="chat", identifier="linda-1", is_primary=False, **times
    )


CHANNEL_CHANGES: dict[str, Callable[[int], Any]] = {
    "added": add_channel,
    "removed": lambda contact_id: delete(ContactChannel).where(
        ContactChannel.contact_id == contact_id, ContactChannel.is_primary.is_(False)
    ),
    "renamed": lambda contact_id: (
        update(ContactChannel)
        .where(ContactChannel.contact_id == contact_id, ContactChannel.is_primary.is_(False))
        .values(identifier="older@example.com")
    ),
}


@pytest.mark.parametrize("change", CHANNEL_CHANGES.values(), ids=CHANNEL_CHANGES.keys())
def test_change_of_channels_makes_another_tag(
    app: Flask, api: Api, change: Callable[[int], Any]
) -> None:
    contact = api.make_contact("old@example.com", email="new@example.com")
    before = api.call("GET", path_of(contact)).headers["ETag"]
    with app.app_context(), unit_of_work() as session:
        session.execute(change(contact["id"]))
    response = api.call("GET", path_of(contact), headers={"If-None-Match": before})
    assert response.headers["ETag"] != before


def test_notes_make_no_other_tag(api: Api) -> None:
    contact = api.make_contact()
    before = api.call("GET", path_of(contact)).headers["ETag"]
    api.post(f"{path_of(contact)}/notes", {"content": "Called."})
    api.get(f"{path_of(contact)}/notes")
    api.call("GET", path_of(contact), 304, headers={"If-None-Match": before})


def test_if_match_is_for_writers_alone(api: Api) -> None:
    contact = api.make_contact()
    assert api.get(f"/contacts/{contact['id']}", headers={"If-Match": '"other"'}) == contact
