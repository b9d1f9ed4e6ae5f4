"""The made-up directory: valid, varied, the same every time, and nobody's real address."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from contacts_service import text
from contacts_service.db.models import (
    Contact,
    ContactChannel,
    Conversation,
    Message,
    Note,
    Participant,
)
from contacts_service.demo import story as demo_story
from contacts_service.demo.people import PeopleMaker
from contacts_service.limits import PREVIEW_LENGTH, STATUSES
from contacts_service.timestamps import utc_now
from tests.client import Api
from tests.conftest import make_app
from tests.files import add_people, directory, flask, tables

RESERVED = re.compile(r"[a-z0-9._]+@([a-z]+\.)?example(\.com|\.org|\.net)?")  # RFC 2606

Read = Callable[[Any], list[Any]]


@pytest.fixture
def demo(app: Flask) -> str:
    """What the command says that adds 500 people."""
    return flask(app, "demo", "--contacts", 500)


@pytest.fixture
def fresh_apps(tmp_path: Path) -> list[Flask]:
    """Two applications, each over an empty database."""
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    return [make_app(tmp_path / "one"), make_app(tmp_path / "other")]


def test_it_tells_what_it_has_added(demo: str, rows: Read) -> None:
    made = (Contact, Conversation, Note)
    assert [len(rows(select(kind.id))) for kind in made] == [500, 301, 150]
    told = "500 contacts, 301 conversations and 150 notes of made-up people added.\n"
    assert demo.startswith(told)


@pytest.mark.usefixtures("demo")
def test_people_are_as_the_api_would_have_them(rows: Read) -> None:
    for person in rows(select(Contact.__table__)):
        for name in (person.first_name, person.last_name):
            assert text.clean_line(name) == name
        assert person.first_name_folded == text.fold(person.first_name)
        assert person.email is None or text.normalise_email(person.email) == person.email
        assert person.phone is None or text.normalise_phone(person.phone) == person.phone
        assert person.created_at <= person.updated_at <= utc_now()


@pytest.mark.usefixtures("demo")
def test_every_address_is_at_a_reserved_domain(rows: Read) -> None:
    channels = rows(select(ContactChannel.identifier).where(ContactChannel.channel == "email"))
    assert len(channels) > 400
    assert [email for (email,) in channels if not RESERVED.fullmatch(email)] == []


@pytest.mark.usefixtures("demo")
def test_people_are_many_sorts(rows: Read) -> None:
    people = rows(select(Contact.__table__))
    scripts = {unicodedata.name(c).split()[0] for one in people for c in one.last_name if c > "z"}
    assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL", "ARABIC"}
    assert 0 < sum(person.blocked for person in people) < 30
    assert 10 < sum(person.email is None for person in people) < 100
    assert 50 < sum(person.phone is None for person in people) < 250
    assert 100 < sum(person.custom_attributes != "{}" for person in people) < 400
    further = rows(select(ContactChannel).where(ContactChannel.is_primary.is_(False)))
    assert 20 < len(further) < 100


@pytest.mark.usefixtures("demo")
def test_conversations_agree_with_their_messages(rows: Read) -> None:
    said: dict[int, list[Any]] = {}
    for message in rows(select(Message.__table__).order_by(Message.created_at, Message.id)):
        said.setdefault(message.conversation_id, []).append(message)
        assert (message.contact_id is None) == (message.direction == "outgoing")
        assert (message.author_id is None) == (message.direction == "incoming")
    conversations = rows(select(Conversation.__table__))
    for conversation in conversations:
        messages = said[conversation.id]
        assert 1 <= len(messages) <= 4
        assert conversation.last_message == messages[-1].content[:PREVIEW_LENGTH]
        assert conversation.last_message_at == messages[-1].created_at <= utc_now()
        assert conversation.created_at == messages[0].created_at
    assert {conversation.status for conversation in conversations} == set(STATUSES)
    assert any(len(conversation.last_message) == PREVIEW_LENGTH for conversation in conversations)


@pytest.mark.usefixtures("demo")
def test_reference_numbers_rise_with_time_and_follow_the_people(rows: Read) -> None:
    moments = rows(select(Conversation.created_at).order_by(Conversation.id))
    assert moments == sorted(moments)
    begun = (
        select(Contact.created_at, Conversation.created_at)
        .join(Participant, Participant.contact_id == Contact.id)
        .join(Conversation, Conversation.id == Participant.conversation_id)
        .where(Participant.role == "sender")
    )
    assert all(contact <= conversation for contact, conversation in rows(begun))
    roles = Counter(role for (role,) in rows(select(Participant.role)))
    assert roles["sender"] == 301
    assert roles["participant"] > 5


@pytest.mark.usefixtures("demo")
def test_the_api_shows_them(api: Api) -> None:
    people = api.get("/contacts?page_size=100")["results"]
    person = next(one for one in people if one["last_name"] and one["email"])
    assert person in api.get(f"/contacts/search?q={person['last_name']} {person['email']}")
    totals = {
        name: sum(api.get(f"/contacts/{one['id']}/{name}")["total"] for one in people)
        for name in ("conversations", "notes")
    }
    assert totals["conversations"] > 30
    assert totals["notes"] > 15


@pytest.mark.usefixtures("demo")
def test_the_search_index_is_kept(app: Flask) -> None:
    flask(app, "search", "check")


@pytest.mark.usefixtures("demo")
def test_search_shows_who_was_updated_last_first(api: Api) -> None:
    moments = [one["updated_at"] for one in api.get("/contacts/search?q=example")]
    assert len(moments) == 20
    assert moments == sorted(moments, reverse=True)


def test_a_second_time_adds_other_people(app: Flask, demo: str, rows: Read) -> None:
    assert flask(app, "demo", "--contacts", 500).splitlines()[0] == demo.splitlines()[0]
    names = [(one["first_name"], one["last_name"]) for one in directory(app)]
    assert len(names) == 1000
    assert names[:500] != names[500:]


def test_people_of_one_name_have_addresses_of_their_own(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeopleMaker, "_name", lambda *_: ("Ann", "Lee"))
    flask(app, "demo", "--contacts", 100)
    emails = [person["email"] for person in directory(app) if person["email"]]
    assert len(set(emails)) == len(emails) > 80


def test_addresses_that_are_taken_stay_with_whom_they_are(fresh_apps: list[Flask]) -> None:
    one, other = fresh_apps
    add_people(one, {"email": "free@example.com"})
    flask(one, "demo", "--contacts", 50)
    wished = next(person["email"] for person in directory(one)[1:] if person["email"])
    add_people(other, {"email": wished, "first_name": "First come"})
    flask(other, "demo", "--contacts", 50)
    people = directory(other)
    assert len(people) == 51
    assert [one["first_name"] for one in people if one["email"] == wished] == ["First come"]


def test_the_same_number_makes_the_same_directory(
    fresh_apps: list[Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_story, "tell", list)  # what comes in while it runs is new each time
    shown = []
    for app in fresh_apps:
        flask(app, "demo", "--contacts", 50)
        moment = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
        shown.append({name: moment.sub("", str(rows)) for name, rows in tables(app).items()})
    assert shown[0] == shown[1]


def test_without_mimesis_it_says_what_to_do(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mimesis", None)
    before = tables(app)
    output = flask(app, "demo", code=1)
    assert output == (
        "Error: The names come from mimesis, which is not installed here; run `make demo`.\n"
    )
    assert tables(app) == before


def test_it_tells_of_a_mail_a_block_and_spam(demo: str, api: Api) -> None:
    told = demo.split("\n\n")[1]
    number = re.search(r"contact (\d+) from here on", told)
    assert number
    contact = api.get(f"/contacts/{number[1]}")
    assert contact["blocked"]
    assert contact["email"] in told
    statuses = api.get(f"/contacts/{number[1]}/conversations")["results"]
    assert [one["status"] for one in statuses] == ["Open", "Spam"]
    for conversation in statuses:
        assert f"conversation {conversation['reference_number']}." in told
