"""Which conversation an incoming message belongs to, who takes part, and its time."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from contacts_service.conversations import inbound
from contacts_service.conversations.incoming import Correspondent, IncomingMessage
from contacts_service.db.models import Contact, Message, Participant
from contacts_service.db.session import Base, db, unit_of_work
from contacts_service.timestamps import utc_now
from tests.client import Api
from tests.conftest import empty_database
from tests.threads import (
    LINDA,
    begin,
    channels_of,
    conversations_of,
    messages_of,
    receive,
    roles,
    set_status,
)

BOB = "bob@example.com"
REOPENED = ["Spam", "Resolved", "Closed", "Snoozed"]


def threads(api: Api, *names: str) -> dict[str, Any]:
    """Begin a conversation for each name, by the message <name@x> of name@example.com."""
    answers = {name: receive(api, f"{name}@example.com", message_id=f"{name}@x") for name in names}
    return {name: answer["conversation"] for name, answer in answers.items()}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"in_reply_to": "a@x"}, "a"),
        ({"in_reply_to": "<a@x>"}, "a"),
        ({"in_reply_to": " <a@x> "}, "a"),
        ({"in_reply_to": "b@x", "references": ["a@x", "c@x"]}, "b"),
        ({"references": ["a@x"]}, "a"),
        ({"references": ["<a@x>", "<c@x>", "<b@x>"]}, "b"),
        ({"references": ["a@x", "b@x", "unknown@x"]}, "b"),
        ({"in_reply_to": "unknown@x", "references": ["a@x", "b@x"]}, "b"),
        ({"in_reply_to": "unknown@x", "references": ["unknown@x", "other@x"]}, None),
        ({"in_reply_to": "A@x"}, None),
        ({"references": []}, None),
        ({"subject": "Re: Hello"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("sender", ["a@example.com", "new@example.com"])
def test_conversation_is_found_by_what_is_answered(
    api: Api, fields: dict[str, Any], name: str | None, sender: str
) -> None:
    known = threads(api, "a", "b", "c")
    answer = receive(api, sender, **fields)
    found = {each["uuid"]: label for label, each in known.items()}
    assert found.get(answer["conversation"]["uuid"]) == name
    assert answer["conversation_created"] is (name is None)


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_conversation_uuid_takes_precedence(api: Api, spelling: Any) -> None:
    known = threads(api, "a", "b", "c")
    answer = receive(
        api,
        conversation_uuid=spelling(known["c"]["uuid"]),
        in_reply_to="a@x",
        references=["b@x"],
    )
    assert answer["conversation"]["uuid"] == known["c"]["uuid"]
    assert answer["conversation_created"] is False


def test_answer_to_a_message_of_an_agent_finds_its_conversation(api: Api) -> None:
    linda = api.make_contact(LINDA)
    begun = begin(api, linda["id"], message_id="<out@desk>")
    answer = receive(api, in_reply_to="<out@desk>")
    assert answer["conversation"]["uuid"] == begun["uuid"]


def test_message_in_a_thread_keeps_its_subject_and_channel(api: Api) -> None:
    first = receive(api, subject="My invoice", message_id="1@x")
    who = {"identifier": "u-1"}
    second = receive(api, who, channel="chat", subject="Other", in_reply_to="1@x")
    shown = second["conversation"]
    assert shown["uuid"] == first["conversation"]["uuid"]
    assert (shown["subject"], shown["channel"]) == ("My invoice", "email")


@pytest.mark.parametrize("status", REOPENED)
def test_message_reopens_its_conversation(api: Api, status: str) -> None:
    first = set_status(api, receive(api, message_id="1@x")["conversation"], status)
    answer = receive(api, in_reply_to="1@x")
    assert (answer["conversation"]["uuid"], answer["bucket"]) == (first["uuid"], "inbox")
    assert answer["conversation"]["status"] == "Open"
    assert answer["conversation"]["updated_at"] > first["updated_at"]
    assert conversations_of(api, answer["contact"]["id"])[0]["status"] == "Open"


@pytest.mark.parametrize("way", ["in_reply_to", "references", "conversation_uuid"])
def test_message_for_a_trashed_conversation_begins_a_new_one(api: Api, way: str) -> None:
    first = receive(api, message_id="1@x")
    trashed = set_status(api, first["conversation"], "Trashed")
    ways = {"in_reply_to": "1@x", "references": ["1@x"], "conversation_uuid": trashed["uuid"]}
    answer = receive(api, **{way: ways[way]})
    assert answer["conversation_created"] is True
    assert answer["conversation"]["status"] == "Open"
    assert len(messages_of(api, trashed)) == 1
    assert trashed | {"role": "sender"} in conversations_of(api, first["contact"]["id"])


def test_reference_numbers_rise(api: Api) -> None:
    numbers = [receive(api)["conversation"]["reference_number"] for _ in range(4)]
    assert numbers == sorted(set(numbers))
    assert 0 < numbers[0] < numbers[-1] < 2**31


def test_sender_of_the_first_message_has_the_role_sender(api: Api) -> None:
    answer = receive(api)
    uuid = answer["conversation"]["uuid"]
    assert roles(api, answer["contact"]["id"]) == {uuid: "sender"}


def test_other_senders_have_the_role_participant(api: Api) -> None:
    first = receive(api, message_id="1@x")
    second = receive(api, BOB, in_reply_to="1@x")
    uuid = first["conversation"]["uuid"]
    assert roles(api, second["contact"]["id"]) == {uuid: "participant"}
    assert roles(api, first["contact"]["id"]) == {uuid: "sender"}
    assert [each["contact_id"] for each in messages_of(api, first["conversation"])] == [
        second["contact"]["id"],
        first["contact"]["id"],
    ]


def test_copied_in_people_are_matched_or_created(api: Api) -> None:
    bob = api.make_contact(BOB, first_name="Bob", last_name="Smith")
    cc = [
        {"email": BOB.upper()},
        {"email": "eva.lund@example.com"},
        {"email": "x@example.com", "first_name": "Xena", "last_name": "Quist"},
        {"phone": "+61 412 345 678"},
    ]
    uuid = receive(api, cc=cc)["conversation"]["uuid"]
    assert roles(api, bob["id"]) == {uuid: "participant"}
    people = {each["email"]: each for each in api.get("/contacts")["results"]}
    names = {email: (one["first_name"], one["last_name"]) for email, one in people.items()}
    assert names == {
        LINDA: ("Linda", "Olsen"),
        BOB: ("Bob", "Smith"),
        "eva.lund@example.com": ("Eva", "Lund"),
        "x@example.com": ("Xena", "Quist"),
        None: ("", ""),
    }
    assert people[None]["phone"] == "+61 412 345 678"
    for person in people.values():
        role = "sender" if person["email"] == LINDA else "participant"
        assert roles(api, person["id"]) == {uuid: role}


def test_copied_in_person_takes_part_once(api: Api) -> None:
    answer = receive(api, cc=[{"email": BOB}, {"email": BOB}, {"email": LINDA}], message_id="1@x")
    receive(api, cc=[{"email": BOB}], in_reply_to="1@x")
    assert api.get("/contacts")["total"] == 2
    uuid = answer["conversation"]["uuid"]
    assert roles(api, answer["contact"]["id"]) == {uuid: "sender"}
    [bob] = [each["id"] for each in api.get("/contacts")["results"] if each["email"] == BOB]
    assert roles(api, bob) == {uuid: "participant"}


def test_copied_in_identifier_belongs_to_the_channel_of_the_message(api: Api) -> None:
    receive(api, {"identifier": "u-1"}, channel="chat", cc=[{"identifier": "u-2"}])
    people = api.get("/contacts?order_by=id&order=asc")["results"]
    channels = [channels_of(api.get(f"/contacts/{each['id']}")) for each in people]
    assert channels == [[("chat", "u-1")], [("chat", "u-2")]]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-05-13T21:47:44Z", "2026-05-13T21:47:44.000000Z"),
        ("2026-05-13T23:47:44.5+02:00", "2026-05-13T21:47:44.500000Z"),
        ("2026-05-13t21:47:44.123456789z", "2026-05-13T21:47:44.123456Z"),
    ],
)
def test_created_at_is_received_at(api: Api, told: str, shown: str) -> None:
    answer = receive(api, received_at=told)
    assert answer["message"]["created_at"] == shown
    assert answer["conversation"]["last_message_at"] == shown
    assert messages_of(api, answer["conversation"])[0]["created_at"] == shown


@pytest.mark.parametrize(
    "told", [{}, {"received_at": None}, {"received_at": "2999-01-01T00:00:00Z"}]
)
def test_created_at_is_now_without_a_possible_received_at(api: Api, told: dict[str, Any]) -> None:
    before = utc_now()
    assert before <= receive(api, **told)["message"]["created_at"] <= utc_now()


def test_late_message_is_ordered_by_received_at(api: Api) -> None:
    first = receive(api, content="B", message_id="1@x", received_at="2026-05-02T00:00:00Z")
    late = receive(api, content="A", in_reply_to="1@x", received_at="2026-05-01T00:00:00Z")
    assert late["conversation"]["last_message"] == "B"
    assert late["conversation"]["last_message_at"] == first["conversation"]["last_message_at"]
    contents = [each["content"] for each in messages_of(api, first["conversation"])]
    assert contents == ["B", "A"]


def test_last_message_has_200_characters(api: Api) -> None:
    first = receive(api, content="Short.", message_id="1@x")
    assert first["conversation"]["last_message"] == "Short."
    content = "Zwölf Boxkämpfer\n" + "😀" * 300
    second = receive(api, content=content, in_reply_to="1@x")
    assert second["conversation"]["last_message"] == content[:200]
    [listed] = conversations_of(api, first["contact"]["id"])
    assert listed["last_message"] == content[:200]
    assert listed["last_message_at"] == second["message"]["created_at"]


def test_messages_leave_the_contact_unchanged(api: Api) -> None:
    contact = receive(api, message_id="1@x")["contact"]
    assert receive(api, in_reply_to="1@x")["contact"] == contact


# The spellings of each person's address. Emails are normalised by the schemas before.
PEOPLE = (
    [Correspondent(email="linda.olsen@example.com")],
    [Correspondent(email="bob@example.com", display_name="Bob Smith")],
    [Correspondent(phone=n) for n in ("+61 412 345 678", "0412345678", "(0412) 345-678")],
    [Correspondent(phone=n) for n in ("+45 (0)87 65 43 21", "87654321")],
    [Correspondent(identifier="u-1")],
    [Correspondent(identifier="U-1")],
)
person = st.integers(0, len(PEOPLE) - 1)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[tuple[int, IncomingMessage]], list[int]]:
    """Draw messages with their authors, and an order of delivery with repetitions."""
    written = []
    for number in range(draw(st.integers(1, 7))):
        who = draw(person)
        answered = draw(st.none() | st.integers(0, number - 1)) if number else None
        cc = draw(st.lists(person, max_size=1))
        message = IncomingMessage(
            channel="chat",
            sender=draw(st.sampled_from(PEOPLE[who])),
            cc=tuple(draw(st.sampled_from(PEOPLE[other])) for other in cc),
            message_id=f"{number}@example.com",
            in_reply_to=None if answered is None else f"{answered}@example.com",
        )
        written.append((who, message))
    everyone = list(range(len(written)))
    again = draw(st.lists(st.sampled_from(everyone), max_size=5))
    return written, draw(st.permutations(everyone + again))


@given(deliveries())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_contacts_do_not_depend_on_the_order_of_delivery(shared_app: Flask, example: Any) -> None:
    written, order = example
    with shared_app.app_context():
        empty_database()
        contacts: dict[int, int] = {}  # contact ids by person
        for number in order:
            who, message = written[number]
            with unit_of_work() as session:
                answer, is_new = inbound.receive_message(session, message)
            assert contacts.setdefault(who, answer["contact"]["id"]) == answer["contact"]["id"]
            assert answer["duplicate"] is not is_new
        copied_in = {person_of(each) for _, message in written for each in message.cc}
        assert len(set(contacts.values())) == len(contacts)
        assert count(Contact) == len(set(contacts) | copied_in)
        assert count(Message) == len(written)
        taking_part = db.session.scalars(select(Participant.contact_id).distinct()).all()
        assert len(taking_part) == count(Contact)


def person_of(named: Correspondent) -> int:
    return next(number for number, spellings in enumerate(PEOPLE) if named in spellings)


def count(model: type[Base]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture(autouse=True)
def _leave_nothing(app: Flask) -> None:
    """Let the fixture `app` empty the database afterwards."""
