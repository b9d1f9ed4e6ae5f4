"""Which contact a row of an imported file matches."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.transfer.matching import phone_keys, wanted_keys
from tests.client import Api
from tests.files import add_people, directory, tables
from tests.transfer.csv_rows import CHAT, import_rows, read_rows

ANN = {"first_name": "Ann", "email": "ann@example.com", "phone": "0412 345 678"}
BOB = {"first_name": "Bob", "phone": "0412 345 678"}
CY = {"first_name": "Cy", "phone": "0412 345 678"}

# Who is there, the rows, and who is there afterwards: first name, email and phone of each.
MATCHES: dict[str, tuple[list[dict[str, Any]], list[dict[str, str]], list[tuple[Any, ...]]]] = {
    "email": (
        [ANN], [{"email": "ANN@example.com", "first_name": "Anna"}],
        [("Anna", "ann@example.com", "0412 345 678")]),
    "email that is a channel, which it stays": (
        [{**ANN, "contact_channels": [("email", "old@example.com")]}],
        [{"email": "old@example.com", "first_name": "Anna"}],
        [("Anna", "ann@example.com", "0412 345 678")]),
    "email before phone": (
        [ANN, BOB], [{"email": "ann@example.com", "phone": "7", "first_name": "Anna"}],
        [("Anna", "ann@example.com", "7"), ("Bob", None, "0412 345 678")]),
    "phone by its digits": (
        [ANN], [{"phone": "412345678", "first_name": "Anna"}],
        [("Anna", "ann@example.com", "412345678")]),
    "phone with 00": (
        [{"phone": "+61 412"}], [{"phone": "0061412", "first_name": "Ann"}],
        [("Ann", None, "0061412")]),
    "phone that is a channel, which it stays": (
        [{"phone": "7", "contact_channels": [("phone", "0412")]}],
        [{"phone": "(0412)", "first_name": "Ann"}],
        [("Ann", None, "7")]),
    "other digits": (
        [ANN], [{"phone": "+61 413 345 678", "first_name": "Cy"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("Cy", None, "+61 413 345 678")]),
    "phone without the prefix of its country": (
        [{"first_name": "Eva", "phone": "+491715550002"}],
        [{"phone": "0171-5550002", "last_name": "Lang"}],
        [("Eva", None, "0171-5550002")]),
    "phone with the prefix of its country": (
        [ANN], [{"phone": "+61 412 345 678", "first_name": "Anna"}],
        [("Anna", "ann@example.com", "+61 412 345 678")]),
    "phone without any prefix": (
        [{"phone": "0171 5550002"}], [{"phone": "555 00 02", "first_name": "Eva"}],
        [("Eva", None, "555 00 02")]),
    "phone whose ending is a channel, which it stays": (
        [{"phone": "7", "contact_channels": [("phone", "0171 5550002")]}],
        [{"phone": "+49 (0)171 5550002", "first_name": "Eva"}],
        [("Eva", None, "7")]),
    "ending of fewer than seven digits": (
        [{"first_name": "Eva", "phone": "+49 550002"}], [{"first_name": "Eva", "phone": "550002"}],
        [("Eva", None, "+49 550002"), ("Eva", None, "550002")]),
    "ending alike in seven digits, and different before": (
        [{"first_name": "Eva", "phone": "+49 171 5550002"}],
        [{"first_name": "Eva", "phone": "0172 5550002"}],
        [("Eva", None, "+49 171 5550002"), ("Eva", None, "0172 5550002")]),
    "of several whose numbers it ends the last updated": (
        [{"first_name": "Eva", "phone": "+49 171 5550002"},
         {"first_name": "Flo", "phone": "+43 664 5550002"}],
        [{"first_name": "Gus", "phone": "5550002"}],
        [("Eva", None, "+49 171 5550002"), ("Gus", None, "5550002")]),
    "unknown email with the ending of the phone of someone without": (
        [BOB], [{"phone": "+61412345678", "email": "new@example.com", "first_name": "Bobby"}],
        [("Bobby", "new@example.com", "+61412345678")]),
    "unknown email with the ending of the phone of someone with another": (
        [ANN], [{"phone": "+61412345678", "email": "new@example.com", "first_name": "Bobby"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("Bobby", "new@example.com", "+61412345678")]),
    "a family in one file with numbers that end each other's": (
        [], [ANN, {**BOB, "phone": "+61 412 345 678"}, {**CY, "phone": "2345678"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("Bob", None, "+61 412 345 678"),
         ("Cy", None, "2345678")]),
    "of several with the phone the last updated": (
        [BOB, ANN], [{"phone": "0412 345 678", "first_name": "Dan"}],
        [("Bob", None, "0412 345 678"), ("Dan", "ann@example.com", "0412 345 678")]),
    "of several with the phone the one of that name": (
        [BOB, CY], [{"phone": "0412345678", "first_name": "bob"}],
        [("bob", None, "0412345678"), ("Cy", None, "0412 345 678")]),
    "unknown email with the phone of someone without": (
        [BOB], [{"phone": "0412345678", "email": "new@example.com", "first_name": "Bobby"}],
        [("Bobby", "new@example.com", "0412345678")]),
    "unknown email with the phone of someone with another": (
        [ANN], [{"phone": "0412345678", "email": "new@example.com"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("", "new@example.com", "0412345678")]),
    "phone of someone whose own row comes later": (
        [ANN], [BOB, {**ANN, "first_name": "Anna"}],
        [("Anna", "ann@example.com", "0412 345 678"), ("Bob", None, "0412 345 678")]),
    "phone of someone whose own row came before": (
        [ANN], [{**ANN, "first_name": "Anna"}, BOB],
        [("Anna", "ann@example.com", "0412 345 678"), ("Bob", None, "0412 345 678")]),
    "a family in one file": (
        [], [ANN, BOB, CY],
        [("Ann", "ann@example.com", "0412 345 678"), ("Bob", None, "0412 345 678"),
         ("Cy", None, "0412 345 678")]),
    "a channel": (
        [{"contact_channels": [("chat", "x")]}],
        [{"first_name": "Ann", "phone": "7", "contact_channels": CHAT % "x"}],
        [("Ann", None, "7")]),
    "names of someone without address": (
        [{"first_name": "Ann"}], [{"first_name": "ann"}], [("ann", None, None)]),
    "names of someone with address": (
        [ANN], [{"first_name": "Ann"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("Ann", None, None)]),
    "of several alike the one who is so already": (
        [BOB, {**BOB, "phone": "0412345678"}], [BOB],
        [("Bob", None, "0412 345 678"), ("Bob", None, "0412345678")]),
    "a phone that an earlier row has replaced": (
        [ANN], [{"email": "ann@example.com", "phone": "7"}, {**ANN, "email": ""}],
        [("Ann", "ann@example.com", "7"), ("Ann", None, "0412 345 678")]),
    "a phone alone": (
        [], [BOB, {"phone": "0412 345 678"}], [("Bob", None, "0412 345 678")]),
    "names of someone with an address in the file": (
        [], [ANN, {"first_name": "Ann"}],
        [("Ann", "ann@example.com", "0412 345 678"), ("Ann", None, None)]),
    "names of someone with a channel": (
        [{"first_name": "Ann", "contact_channels": [("chat", "x")]}], [{"first_name": "Ann"}],
        [("Ann", None, None), ("Ann", None, None)]),
    "the same row twice": ([], [BOB, BOB], [("Bob", None, "0412 345 678")]),
    "other ids": (
        [], [{**BOB, "id": "1"}, {**BOB, "id": "2"}], [("Bob", None, "0412 345 678")] * 2),
}  # fmt: skip


@pytest.mark.usefixtures("any_batch")
@pytest.mark.parametrize("label", MATCHES)
def test_a_row_matches(app: Flask, tmp_path: Path, label: str) -> None:
    people, rows, expected = MATCHES[label]
    add_people(app, *people)
    import_rows(app, tmp_path, *rows)
    found = [(one["first_name"], one["email"], one["phone"]) for one in directory(app)]
    assert found == expected
    before = tables(app)
    import_rows(app, tmp_path, *rows)
    assert tables(app) == before


SAME_PERSON = {
    "email": ({"email": "ann@example.com"}, {"email": "ann@example.com"}),
    "phone and name": ({"phone": "0412"}, {"phone": "412"}),
    "ending of the phone and name": ({"phone": "+491715550002"}, {"phone": "0171-5550002"}),
    "channel": ({"contact_channels": CHAT % "x"}, {"contact_channels": CHAT % "x"}),
    "name": ({}, {}),
}


@pytest.mark.usefixtures("any_batch")
@pytest.mark.parametrize("label", SAME_PERSON)
def test_a_second_row_about_the_same_person_must_agree(
    app: Flask, tmp_path: Path, label: str
) -> None:
    one, other = ({"first_name": "Ann", **row} for row in SAME_PERSON[label])
    same = {name: value for name, value in one.items() if name != "custom_attributes"}
    rows = [{**one, "custom_attributes": '{"a": 1}'}, same, {**other, "blocked": "true"}]
    report = import_rows(app, tmp_path, *rows, code=1)
    assert report.startswith("3 rows: 1 created, 0 updated, 1 unchanged, 1 refused")
    [refused] = read_rows(tmp_path / "people.refused.csv")
    assert refused["reason"] == "Line 2 is about the same contact."
    [person] = directory(app)
    assert (person["custom_attributes"], person["blocked"]) == ('{"a":1}', False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+61 412", "0061412"),
        ("0412", "412"),
        ("+44 (0)20 7946", "+44 20 7946"),
        ("(04) 1-2/3.4", "041234"),
        ("0", "0"),
        ("00", "00"),
        ("0171-5550002", "+491715550002"),
        ("555 0002", "+491715550002"),
        ("+49 (0)171 5550002", "171 5550002"),
    ],
)
def test_spellings_of_a_number_match(one: str, other: str) -> None:
    assert set(phone_keys(one)) & set(wanted_keys(other))
    assert set(phone_keys(other)) & set(wanted_keys(one))


@pytest.mark.parametrize(
    ("stored", "given", "is_same"),
    [
        ("+491715550002", "0171-5550002", True),
        ("0171-5550002", "+491715550002", True),
        ("+491715550002", "5550002", True),
        ("+491715550002", "550002", False),
        ("+491715550002", "+431715550002", False),
        ("+491715550002", "0171-5550003", False),
    ],
)
def test_an_import_and_a_message_find_the_same_person(
    app: Flask, api: Api, tmp_path: Path, stored: str, given: str, is_same: bool
) -> None:
    person = api.post("/contacts", {"first_name": "Eva", "phone": stored})
    message = {"channel": "sms", "from": {"phone": given}, "content": "Hello"}
    if is_same:
        assert api.post("/inbound/messages", message)["contact"]["id"] == person["id"]
    import_rows(app, tmp_path, {"phone": given, "first_name": "Eva"})
    assert len(directory(app)) == (1 if is_same else 2)
    if not is_same:
        assert api.post("/inbound/messages", message)["contact"]["id"] != person["id"]
