"""Search as an agent types it: the examples of docs/search.md, the order, and hostile input."""

from urllib.parse import quote

import pytest
from flask import Flask

from contacts_service.contacts import service as contacts
from contacts_service.db.session import unit_of_work
from tests.client import Api

pytestmark = pytest.mark.usefixtures("few_or_many_candidates")

PEOPLE = {
    "jose": ("José", "García", "jg@exam.org", "+61 412 345 678"),
    "soren": ("Søren", "Strauß", "soren@x.example", "0412 345 678"),
    "linda": ("Linda", "Olsen", "linda.olsen@example.com", None),
    "lukasz": ("Łukasz", "O’Neil", None, "+45 (0)12 34 56 78"),
    "wang": ("小明", "王", "wang@x.example", None),
    "anne": ("Anne–Marie", "Đorđević", "a_m@sample.co.uk", "(02) 9999-1234"),
}


@pytest.fixture
def directory(app: Flask, api: Api) -> Api:
    with app.app_context(), unit_of_work() as session:
        for first_name, last_name, email, phone in PEOPLE.values():
            contacts.create_contact(
                session, first_name=first_name, last_name=last_name, email=email, phone=phone
            )
    return api


def search(api: Api, q: str) -> list[str]:
    """The first names of whom `q` finds."""
    return [contact["first_name"] for contact in api.get(f"/contacts/search?q={quote(q)}")]


@pytest.mark.parametrize(
    ("q", "people"),
    [
        ("olsen linda", "linda"),
        ("linda example.com", "linda"),
        ("OLSEN", "linda"),
        ("lsen", "linda"),
        ("ample.co", "linda anne"),
        ("a@exam", ""),
        ("n@exam", "linda"),
        ("ls", ""),
        ("l o", "linda lukasz"),
        ("jose", "jose"),
        ("garcía", "jose"),
        ("soren", "soren"),
        ("strauss", "soren"),
        ("STRAUẞ", "soren"),
        ("lukasz", "lukasz"),
        ("łukasz oneil", "lukasz"),
        ("o'neil", "lukasz"),
        ("dordevic", "anne"),
        ("anne-marie", "anne"),
        ("anne‑marie", "anne"),
        ("marie", "anne"),
        ("王", "wang"),
        ("明", "wang"),
        ("王小明", "wang"),
        ("小明王", ""),
        ("0412 345", "jose soren"),
        ("+61412345", "jose"),
        ("(412) 345", "jose soren"),
        ("345678", "jose soren lukasz"),
        ("+61 412 345 678", "jose soren"),
        ("0061 412 345 678", "jose soren"),
        ("45 12345678", "lukasz"),
        ("012345678", "jose soren lukasz"),
        ("٤١٢ ٣٤٥", "jose soren"),
        ("29999", "anne"),
        ("linda - olsen", "linda"),
        ("linda smith", ""),
        ("linda\t\nolsen", "linda"),
        ("- ' \"", ""),
        ("🙂", ""),
    ],
)
def test_a_person_is_found_by(directory: Api, q: str, people: str) -> None:
    found = {key for key, person in PEOPLE.items() if person[0] in search(directory, q)}
    assert found == set(people.split())


@pytest.mark.parametrize(
    "q", ['"', "*", "a*", "-a", "a:b", "(", ")", "AND", "OR NOT", "NEAR(a b)", "%", "_", "\\", "'",
          "a\"b", "{a}", "^a", "+", "a AND b", "contact_search", "x" * 200]
)  # fmt: skip
def test_special_characters_have_no_meaning(directory: Api, q: str) -> None:
    directory.get(f"/contacts/search?q={quote(q)}")


@pytest.mark.parametrize("q", ["", " ", "\t\n", "x" * 201, "a\x00b", "a\x1fb", "a\x85b"])
def test_empty_long_and_control_characters_are_refused(api: Api, q: str) -> None:
    error = api.get(f"/contacts/search?q={quote(q)}", 400)
    assert list(error["errors"]["query"]) == ["q"]


@pytest.mark.parametrize(
    ("q", "order"),
    [
        # A whole address, a word of a name, the beginning of one, that of an address, its inside.
        ("ann", ["Ann", "Anna", "Address", "Inside"]),
        ("ann@x.example", ["Address", "Inside"]),
        ("412345", ["Exact", "Longer"]),
        ("konstantinou", ["Konstantinou", "Konstantinoupoulos", "Begins", "Within"]),
        ("x konstantinou", ["Begins", "Within"]),
    ],
)
def test_better_matches_come_first(app: Flask, api: Api, q: str, order: list[str]) -> None:
    people = {
        "Ann": {},
        "Address": {"email": "ann@x.example"},
        "Exact": {"phone": "0412345"},
        "Anna": {},
        "Longer": {"phone": "+61 412 345 678"},
        "Inside": {"email": "joann@x.example"},
        "Konstantinou": {},
        "Konstantinoupoulos": {},
        "Begins": {"email": "konstantinou@x.example"},
        "Within": {"email": "akonstantinou@x.example"},
    }
    with app.app_context(), unit_of_work() as session:
        for name, fields in people.items():
            contacts.create_contact(session, first_name=name, **fields)
    assert search(api, q) == order


def test_the_most_recently_updated_come_first(app: Flask, api: Api) -> None:
    with app.app_context(), unit_of_work() as session:
        ids = [
            contacts.create_contact(session, first_name=f"Linda{n:02}", last_name="Olsen")
            for n in range(25)
        ]
    newest_first = [f"Linda{n:02}" for n in range(24, 4, -1)]
    assert search(api, "olsen") == newest_first
    api.put(f"/contacts/{ids[7]}/block", {"blocked": True})
    assert (
        search(api, "olsen")
        == ["Linda07", *(n for n in newest_first if n != "Linda07"), "Linda05"][:20]
    )


def test_a_finished_write_is_found_by_the_next_search(api: Api) -> None:
    contact = api.make_contact("old@example.com", first_name="Old", phone="+61 400 111 222")
    api.put(f"/contacts/{contact['id']}", {"first_name": "New", "email": "new@example.com"})
    assert search(api, "new") == search(api, "old@example.com") == ["New"]
    api.put(f"/contacts/{contact['id']}", {"email": None, "phone": ""})
    assert search(api, "new@example.com") == search(api, "400111") == []
    assert search(api, "old@example.com") == ["New"]
