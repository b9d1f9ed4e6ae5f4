"""Search finds whom a plain model of docs/search.md finds, in the same order."""

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts_service.contacts import channels
from contacts_service.contacts import service as contacts
from contacts_service.contacts.queries import read_contact
from contacts_service.db.models import Contact, ContactChannel, ContactDocument
from contacts_service.db.session import read_connection, unit_of_work
from contacts_service.search import postgresql_index, query, sqlite_index
from contacts_service.search.index import search_index
from contacts_service.search.tokens import NAME_PREFIX
from contacts_service.strict_json import write_json
from tests import search_model
from tests.databases import empty_search

# So few that random ones often match, and awkward enough to find mistakes.
LETTERS = "abcAßøéİıł'’-–.@_ 王小明さท٣0127🙂\u0301"
NAMES = [
    "",
    "Anna",
    "Ann",
    "An-na",
    "José",
    "王",
    "小明",
    "王小明",
    "O'Neil",
    "Olsen",
    "ols",
    "مريم",
]
EMAILS = ["anna@exam.org", "ann.ols@exam.org", "o'neil@x-am.com", "jose@王.example", "a@b.co"]
PHONES = [
    "+61 412 345 678",
    "0412 345 678",
    "(0412) 345-678",
    "00 61 412 345",
    "+45 (0)12 34",
    "12",
]
QUERIES = ["linda example.com", "0412 345", "+61412345", "(412) 345", "345678", "an ols", "o’n"]
SYNTAX = ['"', "*", "AND", "a:b", "NEAR(a b)", "-a", "%", "_", "🙂", "王小明", "明", "٣٤٥"]

# What a mail program puts around what is pasted.
AROUND = ['"%s"', "„%s“", "「%s」", "<%s>", "[%s]", "(%s)", "%s,", "%s;", "mailto:%s", "<tel:%s>"]
ENDS = ["", "(", ")", "<", ">", ",", ":", "“", "«", "tel:", "mailto:", "(0)", "(0", "' "]

name = st.sampled_from(NAMES) | st.text(LETTERS, max_size=8)
phone = st.none() | st.sampled_from(PHONES) | st.text("0123456789 +()-./x", min_size=1, max_size=12)
channel = st.tuples(
    st.sampled_from(["chat", "phone"]),
    st.sampled_from([*PHONES, '"ann" <olsen>', "tel:ann", "(0)12 34"])
    | st.text(LETTERS, min_size=1, max_size=6),
)
person = st.tuples(
    name, name, st.none() | st.sampled_from(EMAILS), phone, st.lists(channel, max_size=2)
)
texts = st.text(LETTERS, min_size=1, max_size=12) | st.sampled_from(
    QUERIES + SYNTAX + NAMES + EMAILS + PHONES
)


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[Any], str]:
    """Some people, and something to type: anything, or a part of what is known of one of them."""
    people = draw(st.lists(person, max_size=6))
    typed = draw(texts)
    known = [t for p in people for t in (*p[:4], *(i for _, i in p[4])) if t]
    if known and draw(st.booleans()):
        parts = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2))
        cuts = [draw(st.tuples(st.integers(0, 4), st.integers(1, 12))) for _ in parts]
        typed = " ".join(part[a : a + n] for part, (a, n) in zip(parts, cuts, strict=True))
    if draw(st.booleans()):
        typed = " ".join(draw(st.sampled_from(AROUND)) % piece for piece in typed.split())
        typed = draw(st.sampled_from(ENDS)) + typed + draw(st.sampled_from(ENDS))
    return people, typed


@given(searches())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_search_answers_what_the_model_answers(shared_app: Flask, example: Any) -> None:
    people, typed = example
    with shared_app.app_context(), small_steps():
        with unit_of_work() as session:
            empty(session)
            ids = [add(session, *someone) for someone in people]
            written = [write_json(read_contact(session.reads, each)) for each in ids]
            directory = [orjson.loads(contact) for contact in written]
        expected = search_model.answer(directory, typed)
        assert query.find_contacts(read_connection(), typed) == expected
        with patch.multiple(query, CANDIDATES_OF_ONE_WORD=0, CANDIDATES_OF_SEVERAL_WORDS=0):
            assert query.find_contacts(read_connection(), typed) == expected


def test_index_finds_all_with_the_tokens_newest_first(app: Flask) -> None:
    wanted = [[[NAME_PREFIX + "an"]]]
    with app.app_context(), small_steps():
        with unit_of_work() as session:
            for number in range(50):
                add(session, "Anna" if number % 5 else "Bob", "", None, None, [])
        anna = [number for number in range(50, 0, -1) if (number - 1) % 5]
        reads = read_connection()
        index = search_index(reads)
        for with_dumps in (True, False):
            found = index.iter_newest_first(reads, wanted, with_dumps=with_dumps)
            assert [docid for docid, _, _ in found] == anna
        assert sorted(index.ids_up_to(reads, wanted, 40) or (), reverse=True) == anna
        assert index.ids_up_to(reads, wanted, 39) is None


def small_steps() -> ExitStack:
    """Read candidates in as many steps as possible, as if there were very many contacts."""
    stack = ExitStack()
    stack.enter_context(patch.multiple(sqlite_index, FIRST_STEP=1))
    stack.enter_context(patch.multiple(postgresql_index, LEVELS=(0, 1, 2), FIRST_STEP=1, LIMIT=2))
    return stack


def add(
    session: Any, first: str, last: str, email: str | None, phone: str | None, further: Any
) -> int:
    """Create a contact as the API would, without the addresses that others have."""
    if email and channels.find_owner(session, "email", email):
        email = None
    wished = dict.fromkeys((kind, identifier.strip()) for kind, identifier in further)
    return contacts.create_contact(
        session,
        first_name=first.strip(),
        last_name=last.strip(),
        email=email,
        phone=phone,
        further=[it for it in wished if it[1] and not channels.find_owner(session, *it)],
    )


def empty(session: Any) -> None:
    for model in (ContactDocument, ContactChannel, Contact):
        session.execute(model.__table__.delete())
    empty_search(session)


@pytest.fixture(autouse=True)
def _leave_nothing(app: Flask) -> None:
    """Let the clean-up of `app` follow."""
