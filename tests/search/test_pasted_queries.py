"""What is pasted from a mail program finds the person: what is dropped from the ends of a piece."""

import unicodedata
from urllib.parse import quote

import pytest

from contacts_service.search.ranking import read_query
from tests.client import Api

pytestmark = pytest.mark.usefixtures("few_or_many_candidates")


@pytest.fixture
def directory(api: Api) -> Api:
    api.make_contact(
        "linda@example.com", first_name="Linda", last_name="Olsen", phone="0412 345 678"
    )
    api.make_contact("jm@x.example", first_name="Jörg", last_name="Müller")
    api.make_contact("ada@x.example", first_name="Ada", last_name="Cust", phone="+61 2 9999 1234")
    chat = {"first_name": "Bob", "contact_channels": [{"channel": "chat", "identifier": "<b, o>"}]}
    api.post("/contacts", chat)
    api.post("/contacts", {"first_name": "Lars", "phone": "+45 (0)12 34 56 95"})
    api.post("/contacts", {"first_name": "Kim", "phone": "+46 98765 432"})
    return api


def search(api: Api, q: str) -> list[str]:
    """The first names of whom `q` finds."""
    return [contact["first_name"] for contact in api.get(f"/contacts/search?q={quote(q)}")]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("Olsen, Linda", "Linda"),
        ("olsen,linda", ""),
        ('"Linda Olsen"', "Linda"),
        ('"Olsen, Linda"', "Linda"),
        ('"Linda Olsen" <linda@example.com>', "Linda"),
        ("\"'Linda Olsen'\" <linda@example.com>;", "Linda"),
        ("Olsen, Linda <linda@example.com>,", "Linda"),
        ("Linda Olsen (linda@example.com)", "Linda"),
        ("To: Linda", ""),
        ("linda:", "Linda"),
        ("linda@example.com;", "Linda"),
        ("<linda@example.com>", "Linda"),
        ("[linda]; (olsen):", "Linda"),
        ("[linda@example.com](mailto:linda@example.com)", ""),
        ("<<linda>>", "Linda"),
        ("＜linda＞，", "Linda"),
        ('"Jörg Müller"', "Jörg"),
        ("„Jörg Müller“", "Jörg"),
        ("»Jörg« ‹Müller›", "Jörg"),
        ("「Jörg」『Müller』", ""),
        ("‘jorg’ ‚muller‘", "Jörg"),
        ("Ada Cust <ada@x.example>", "Ada"),
        ("mailto:ada@x.example", "Ada"),
        ("MAILTO:Ada@x.example", "Ada"),
        ("<mailto:linda@example.com>", "Linda"),
        ("mailto:<linda@example.com>", "Linda"),
        ('"mailto:linda@example.com",', "Linda"),
        ("mailto: linda@example.com", "Linda"),
        ("mailto:tel:linda", "Linda"),
        ("<b, o>", "Bob"),
        ("b o", "Bob"),
    ],
)
def test_a_pasted_name_or_address_finds(directory: Api, q: str, names: str) -> None:
    assert search(directory, q) == names.split()


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("tel:+61412345678", "Linda"),
        ("tel:+61-412-345-678", "Linda"),
        ("TEL:0412345678", "Linda"),
        ("Tel: 0412 345 678", "Linda"),
        ("<tel:+61 412 345 678>", "Linda"),
        ("(tel:+61 412 345 678)", "Linda"),
        ('"+61 412 345 678"', "Linda"),
        ("(+61) 412 345 678,", "Linda"),
        ("[0412] [345]", "Linda"),
        ("0412 345 678;", "Linda"),
        ("tel:(02) 9999-1234", "Ada"),
        ("+45 (0)12 34 56 95", "Lars"),
        ("+45 (0) 12 34 56 95", "Lars"),
        ('"+45 (0) 12 34 56 95"', "Lars"),
        ("(0)12 34 56 95", "Lars"),
        ("tel:+45(0)12345695", "Lars"),
        ("+46 (0)98765", "Kim"),
        ("<+46 (0)98765>", "Kim"),
        ("(0", "Lars Linda"),
        ("95)", "Lars"),
        ("34 56 95)", "Lars"),
        ("(0412", "Linda"),
        ("tel:0412,345", ""),
    ],
)
def test_a_pasted_number_finds(directory: Api, q: str, names: str) -> None:
    assert search(directory, q) == names.split()


@pytest.mark.parametrize(
    "q",
    ["()", '"', '""', "<>", ", ; :", "[](){}", "„“", "「」", "mailto:", "<mailto:>", "tel:",
     "tel: -", "mailto:tel:", "(mailto:) [tel:]", "(" * 200, "tel:" * 50]
)  # fmt: skip
def test_nothing_but_what_is_dropped_finds_nobody(directory: Api, q: str) -> None:
    assert search(directory, q) == []


@pytest.mark.parametrize("q", ["() linda", "mailto: linda", 'linda "" -', "linda < >"])
def test_a_piece_of_nothing_but_what_is_dropped_is_ignored(directory: Api, q: str) -> None:
    assert search(directory, q) == ["Linda"]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ('"ann"', "Ann Anna Address Inside"),
        ("ann,", "Ann Anna Address Inside"),
        ("<ann@x.example>", "Address Further Inside"),
        ("mailto:ann@x.example", "Address Further Inside"),
        ("tel:0412345", "Exact Longer"),
        ("(0412) 345", "Exact Longer"),
        ("<412345>;", "Exact Longer"),
        ("(ann) 7", "Identifier Inner"),
        ("tel:x", "Scheme"),
    ],
)
def test_the_order_is_that_of_what_is_left(api: Api, q: str, names: str) -> None:
    def chat(identifier: str) -> list[dict[str, str]]:
        return [{"channel": "chat", "identifier": identifier}]

    people = {
        "Ann": {},
        "Address": {"email": "ann@x.example"},
        "Exact": {"phone": "0412345"},
        "Anna": {},
        "Longer": {"phone": "+61 412 345 678"},
        "Further": {"email": "ann@x.example.org"},
        "Inside": {"email": "joann@x.example"},
        "Identifier": {"contact_channels": chat("(ann) 7")},
        "Inner": {"contact_channels": chat("(ann) 77")},
        "Scheme": {"contact_channels": chat("tel:x")},
    }
    for name, fields in people.items():
        api.post("/contacts", {"first_name": name, **fields})
    found = [name for name in search(api, q) if name in names.split()]
    assert found == names.split()


@pytest.mark.parametrize(
    ("q", "status"),
    [
        ('"' + "x" * 198 + '"', 200),
        ('"' + "x" * 199 + '"', 400),
        ("mailto:" + "x" * 194, 400),
        ("<" * 200, 200),
        ("<" * 201, 400),
        (" \t<" + "x" * 199 + "\n ", 200),
    ],
)
def test_what_is_dropped_counts_among_the_200_characters(api: Api, q: str, status: int) -> None:
    api.get(f"/contacts/search?q={quote(q)}", status)


def test_quotation_marks_of_every_script_are_dropped() -> None:
    """Those named so, and the corner brackets of East Asia; see PropList.txt of Unicode."""
    names = ("QUOTATION MARK", "QUOTATION MARK ORNAMENT", "CORNER BRACKET")
    marks = [c for c in map(chr, range(0x20000)) if unicodedata.name(c, "").endswith(names)]
    assert len(marks) > 30
    for mark in [*marks, "'", "\N{FULLWIDTH APOSTROPHE}"]:
        assert read_query(f"{mark}linda{mark}").pieces == ("linda",), unicodedata.name(mark)
