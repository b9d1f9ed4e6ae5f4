"""Names that are guessed from a message, and text that is cut instead of refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts_service import text
from contacts_service.conversations.incoming import Correspondent, cut_line, cut_paragraphs
from contacts_service.conversations.names import guess_names

DISPLAY_NAMES = [
    ("Linda Olsen", "Linda", "Olsen"),
    ("Olsen, Linda", "Linda", "Olsen"),
    ("  Olsen ,Linda  ", "Linda", "Olsen"),
    ('"Linda Olsen"', "Linda", "Olsen"),
    ("'Olsen, Linda'", "Linda", "Olsen"),
    ("Linda", "Linda", ""),
    ("Olsen,", "Olsen", ""),
    ("Anne Marie Olsen", "Anne Marie", "Olsen"),
    ("Vincent van der Berg", "Vincent", "van der Berg"),
    ("Van Olsen", "Van", "Olsen"),
    ("Linda Olsen, PhD", "Linda", "Olsen, PhD"),
    ("Linda Olsen, M.D. Ph.D.", "Linda", "Olsen, M.D. Ph.D."),
    ("Acme, Inc.", "Acme, Inc.", ""),
    ("Linda Olsen linda@example.com", "Linda", "Olsen"),
    ("Olsen, Linda, PhD", "Linda", "Olsen, PhD"),
    ("Joe Foo, MD, Ph. D.", "Joe", "Foo, MD, Ph. D."),
    ("Joe Foo, MA", "Joe", "Foo, MA"),
    ("Foo, Ma", "Ma", "Foo"),
    ("Joe Foo, LCSW", "Joe", "Foo, LCSW"),
    ("FOO BAR, JOE", "JOE", "FOO BAR"),
    ("Joe Foo, Dipl.-Ing.", "Joe", "Foo, Dipl.-Ing."),
    ("Joe Foo Jr.", "Joe", "Foo Jr."),
    ("Joe Foo, Jr.", "Joe", "Foo, Jr."),
    ("Foo, Dr. Joe", "Dr. Joe", "Foo"),
    ("Müller, Schmidt & Partner GmbH", "Müller, Schmidt & Partner GmbH", ""),
    ("Juan de las Casas", "Juan", "de las Casas"),
    ("María de los Ángeles", "María", "de los Ángeles"),
    ("Jan van 't Hoff", "Jan", "van 't Hoff"),
    ("'t Hooft, Gerard", "Gerard", "'t Hooft"),
    ("Karl von und zu Guttenberg", "Karl", "von und zu Guttenberg"),
    ("José Ortega y Gasset", "José", "Ortega y Gasset"),
    ("Gogh, Vincent van", "Vincent", "van Gogh"),
    ("van der Berg, Vincent", "Vincent", "van der Berg"),
    ("Linda Y Olsen", "Linda Y", "Olsen"),
    ("Marcus Smith (ABC)", "Marcus", "Smith"),
    ("Linda Olsen (Acme (Sydney))", "Linda", "Olsen"),
    ("Linda Olsen [External]", "Linda", "Olsen"),
    ("[EXT] Linda Olsen", "Linda", "Olsen"),
    ("Linda Olsen (Acme", "Linda", "Olsen"),
    ("田中 太郎（株式会社）", "太郎", "田中"),
    ('ООО "Ромашка"', "ООО", "Ромашка"),
    ("«Linda» Olsen", "Linda", "Olsen"),
    ("'Linda' Olsen", "Linda", "Olsen"),
    ("'Linda O'Brien'", "Linda", "O'Brien"),
    ("“Linda D’Arc”", "Linda", "D’Arc"),
    ("'Linda Olsen", "Linda", "Olsen"),
    ("'Linda Olsen' via Support", "Linda", "Olsen"),
    ("Olsen, Linda via Acme Forms", "Linda", "Olsen"),
    ("Linda Via", "Linda", "Via"),
    ("Günther John | Example GmbH", "Günther", "John"),
    ("Günther John|Example GmbH", "Günther", "John"),
    ("Linda Olsen - Example GmbH", "Linda", "Olsen"),
    ("Linda Olsen – Example GmbH", "Linda", "Olsen"),
    ("Linda Olsen-Berg", "Linda", "Olsen-Berg"),
    ("- Linda Olsen -", "Linda", "Olsen"),
    ("王 小明", "小明", "王"),
    ("김 철수", "철수", "김"),
    ("王小明", "王小明", ""),
    ("Jose\u0301\x00 Olse\u0301n", "José", "Olsén"),
    ("x" * 200 + " " + "y" * 200, "x" * 140, "y" * 80),
]

LOCAL_PARTS = [
    ("linda.olsen", "Linda", "Olsen"),
    ("linda_olsen+shop", "Linda", "Olsen"),
    ("linda-olsen", "Linda", "Olsen"),
    ("anne-marie.olsen", "Anne-Marie", "Olsen"),
    ("linda.van.olsen", "Linda", "Van Olsen"),
    ("l.o'brien", "L", "O'Brien"),
    ("lolsen42", "Lolsen", ""),
    ("linda.olsen.1987", "Linda", "Olsen"),
    ("LINDA.OLSEN", "Linda", "Olsen"),
    ("josé.muñoz", "José", "Muñoz"),
    ("info", "Info", ""),
    ("_linda_", "Linda", ""),
    (".linda..olsen.", "Linda", "Olsen"),
    ('"linda olsen"', "Linda", "Olsen"),
    ('"linda@example.net"', "Linda", ""),
]


@pytest.mark.parametrize(("display_name", "first", "last"), DISPLAY_NAMES)
def test_names_come_from_the_display_name(display_name: str, first: str, last: str) -> None:
    person = Correspondent(email="someone.else@example.com", display_name=display_name)
    assert guess_names(person) == (first, last, False)


@pytest.mark.parametrize(("local_part", "first", "last"), LOCAL_PARTS)
@pytest.mark.parametrize(
    "display_name", ["", "'linda@example.com'", '""', " - ", "+61 412 345 678", "42", "(External)"]
)
def test_names_are_guessed_from_the_local_part(
    local_part: str, first: str, last: str, display_name: str
) -> None:
    person = Correspondent(email=f"{local_part}@example.com", display_name=display_name)
    assert guess_names(person) == (first, last, True)


def test_names_of_the_message_come_first() -> None:
    person = Correspondent(email="a.b@example.com", first_name=" Linda ", display_name="X Y")
    assert guess_names(person) == ("Linda", "", False)


@pytest.mark.parametrize("email", [None, "12345@example.com", "+a@example.com"])
def test_no_name_is_guessed_without_letters(email: str | None) -> None:
    assert guess_names(Correspondent(email=email, phone="+61 412 345 678")) == ("", "", False)


ANY_TEXT = st.text(st.characters(), max_size=60) | st.text("a \n\r\t\x00\x85\u0301\u0323\ud800é")


@given(ANY_TEXT, st.integers(1, 20))
def test_cut_text_is_clean(anything: str, length: int) -> None:
    line = cut_line(anything, length)
    paragraphs = cut_paragraphs(anything, length)
    assert text.clean_line(line) == line
    assert text.clean_paragraphs(paragraphs) == paragraphs
    assert max(len(line), len(paragraphs)) <= length


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60))
def test_clean_text_is_not_changed(anything: str) -> None:
    clean = text.clean_paragraphs(anything)
    assert cut_paragraphs(clean, 200) == clean


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_names_are_clean(first: str, last: str, display_name: str) -> None:
    for person in (
        Correspondent(first_name=first, last_name=last),
        Correspondent(display_name=display_name),
        Correspondent(email=f"{display_name}@example.com"),
    ):
        for name in guess_names(person)[:2]:
            assert text.clean_line(name) == name
