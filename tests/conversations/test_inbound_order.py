"""Mail servers deliver in any order, and more than once: who is known in the end is the same."""

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
from tests.conftest import empty_database

# The spellings in which each of these people may be named; the schemas have made emails one.
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
    """Messages of people, each with who wrote it, and which of them is delivered when."""
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
def test_order_and_repetition_make_no_difference(shared_app: Flask, example: Any) -> None:
    written, order = example
    with shared_app.app_context():
        empty_database()
        contacts: dict[int, int] = {}  # who, and the id of the contact that it was told to be
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
    """The clean-up of `app` follows."""
