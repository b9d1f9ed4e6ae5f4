"""Rows are refused with a reason, files with a sentence."""

import csv
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.contacts import bulk
from contacts_service.transfer import importer
from tests.conftest import make_app
from tests.files import add_people, directory, flask, tables
from tests.transfer.csv_rows import CHAT, HEADERS, import_rows, read_rows

REFUSED = {
    "Not an address": (
        {"email": "ann@"}, "email: Not a valid email address."),
    "Not a number": (
        {"phone": "n/a"}, "phone: Not a valid phone number."),
    "long name": (
        {"first_name": "x" * 141}, "first_name: Longer than 140 characters."),
    "line break": (
        {"last_name": "Ol\nsen"}, "last_name: Control characters are not allowed."),
    "NUL": (
        {"last_name": "Ol\0sen"}, "last_name: Control characters are not allowed."),
    "word": (
        {"email": "ann@example.com", "blocked": "yes"}, "blocked: Must be true or false."),
    "broken JSON": (
        {"email": "ann@example.com", "custom_attributes": "{tier}"},
        "custom_attributes: Not valid JSON."),
    "no object": (
        {"email": "ann@example.com", "custom_attributes": "[]"},
        "custom_attributes: Not a valid mapping type."),
    "big": (
        {"email": "ann@example.com", "custom_attributes": '{"a": "%s"}' % ("x" * 16384)},
        "custom_attributes: Larger than 16384 bytes as compact JSON."),
    "control character in JSON": (
        {"email": "ann@example.com", "custom_attributes": '{"a": "\\u0000"}'},
        "custom_attributes.a: Control characters are not allowed."),
    "no list": (
        {"email": "ann@example.com", "contact_channels": "{}"},
        "contact_channels: Not a valid list."),
    "no identifier": (
        {"email": "ann@example.com", "contact_channels": '[{"channel": "chat"}]'},
        "contact_channels[0].identifier: Missing data for required field."),
    "bad channel": (
        {"contact_channels": '[{"channel": "Chat Room", "identifier": "x"}]'},
        "contact_channels[0].channel: Must be a lower-case word of at most 32 characters."),
    "bad address of a channel": (
        {"contact_channels": '[{"channel": "email", "identifier": "x"}]'},
        "contact_channels[0].identifier: Not a valid email address."),
    "taken channel": (
        {"email": "new@example.com", "contact_channels": CHAT % "taken"},
        "contact_channels: chat taken is already taken."),
    "address taken as a channel": (
        {"email": "new@example.com",
         "contact_channels": '[{"channel": "email", "identifier": "t@t.co"}]'},
        "contact_channels: email t@t.co is already taken."),
    "no time": (
        {"email": "ann@example.com", "created_at": "13.5.2026"},
        "created_at: Must be a date or a time, as in 2026-05-13T21:47:44Z."),
    "no day": (
        {"email": "ann@example.com", "created_at": "2026-02-30"},
        "created_at: Must be a date or a time, as in 2026-05-13T21:47:44Z."),
    "before the first day": (
        {"email": "ann@example.com", "created_at": "0001-01-01T00:00:00+05:00"},
        "created_at: Must be a date or a time, as in 2026-05-13T21:47:44Z."),
    "future": (
        {"email": "ann@example.com", "created_at": "9999-01-01"},
        "created_at: Lies in the future."),
    "nobody": (
        {"blocked": "true"}, "Names nobody: no name, email, phone, channel or created_at."),
    "two faults": (
        {"email": "ann@", "blocked": "1"},
        "email: Not a valid email address. blocked: Must be true or false."),
}  # fmt: skip


@pytest.mark.parametrize("label", REFUSED)
def test_a_refused_row_is_reported_with_its_reason_and_writes_nothing(
    app: Flask, tmp_path: Path, label: str
) -> None:
    row, reason = REFUSED[label]
    add_people(app, {"email": "t@t.co", "contact_channels": [("chat", "taken")]})
    before = tables(app)
    refused = tmp_path / "people.refused.csv"
    whole = dict.fromkeys(HEADERS, "") | row
    report = f"1 row: 0 created, 0 updated, 0 unchanged, 1 refused (see {refused}).\n"
    assert import_rows(app, tmp_path, whole, code=1) == report
    assert tables(app) == before
    assert read_rows(refused) == [{"line": "2", "reason": reason} | whole]


def test_strict_attributes_refuse_the_row(tmp_path: Path) -> None:
    app = make_app(tmp_path, CONTACTS_STRICT_ATTRIBUTES="true")
    rows = [
        {"email": "ann@example.com", "custom_attributes": '{"tier": 1}'},
        {"email": "bob@example.com", "custom_attributes": "{}"},
    ]
    import_rows(app, tmp_path, *rows, code=1)
    [refused] = read_rows(tmp_path / "people.refused.csv")
    assert refused["reason"] == "custom_attributes.tier: This attribute is not defined."
    assert [person["email"] for person in directory(app)] == ["bob@example.com"]


@pytest.mark.usefixtures("any_batch")
def test_the_rows_around_a_refused_one_are_imported(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "first_name,email\n"
        "Ann,ann@example.com\n"
        'B"ob",bob@\n'
        '"Cy"x,cy@example.com\n'
        "Dan\n"
        "\n"
        ",\n"
        '"Eve\nLyn",e@example.com,more\n'
        "Fay,fay@example.com"
    )
    report = flask(app, "contacts", "import", path, code=1)
    assert report.startswith("6 rows: 2 created, 0 updated, 0 unchanged, 4 refused")
    with (tmp_path / "people.refused.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "first_name", "email"],
            ["3", "email: Not a valid email address.", 'B"ob"', "bob@"],
            ["4", "A quote is misplaced.", '"Cy"x,cy@example.com'],
            ["5", "Has 1 cells; there are 2 columns.", "Dan"],
            ["8", "Has 3 cells; there are 2 columns.", "Eve\nLyn", "e@example.com", "more"],
        ]


def test_a_corrected_file_of_refused_rows_can_be_imported(app: Flask, tmp_path: Path) -> None:
    rows = [{"id": "7", "phone": "+61", "email": "ann@"}, {"id": "8", "phone": "", "email": "bob@"}]
    import_rows(app, tmp_path, *rows, code=1)
    refused = tmp_path / "people.refused.csv"
    refused.write_text(refused.read_text().replace("ann@", "ann@example.com"))
    flask(app, "contacts", "import", refused, code=1)
    assert [(person["email"], person["phone"]) for person in directory(app)] == [
        ("ann@example.com", "+61")
    ]
    [left] = read_rows(tmp_path / "people.refused.refused.csv")
    assert left == {"line": "3", "reason": "email: Not a valid email address."} | rows[1]


def test_a_file_of_refused_rows_is_no_older_than_the_import(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    stale = tmp_path / "people.refused.csv"
    for content in ("email\nann@example.com\n", "shoe_size\n"):
        stale.write_text("stale")
        path.write_text(content)
        app.test_cli_runner().invoke(args=["contacts", "import", str(path)])
        assert not stale.exists()


def test_a_refused_row_takes_no_address(app: Flask, tmp_path: Path) -> None:
    rows = [{"email": "ann@example.com", "phone": phone} for phone in ("n/a", "7")]
    import_rows(app, tmp_path, *rows, code=1)
    assert [person["phone"] for person in directory(app)] == ["7"]


BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \r\n\n", "is empty"),
    "unknown header": (b"email,shoe_size\na@example.com,44\n", "'shoe_size' is not a column"),
    "data first": (b"Linda,linda@example.com\n", "'Linda' is not a column"),
    "header twice": (b"email,email\n", "The column email is in people.csv twice"),
    "no header": (b"email,\n", "Column 2 of people.csv has no header"),
    "Latin-1": (b"email,first_name\na@b.co,\xe9\n", "Line 2 of people.csv is not UTF-8"),
    "UTF-16": ("email\na@b.co".encode("utf-16"), "Line 1 of people.csv is not UTF-8"),
    "surrogate": (b"email\n\xed\xa0\x80\n", "Line 2 of people.csv is not UTF-8"),
    "open quote": (b'email,first_name\na@b.co,"Ann\nb@b.co,Bob\n', "The row in line 2 of people"),
    "open header": (b'"email\na@b.co\n', "is not a column"),
    "long cell": (
        b"email\na@b.co\n" + b"x" * 200_000,
        "The row in line 3 of people.csv has a cell",
    ),
    "long line": (b"email\n" + b"x," * 2_000_000, "Line 2 of people.csv is longer than"),
    "NULs": (bytes(1000), "is not a column"),
    "SQLite": (b"SQLite format 3\0\x10\0\x01\x01\0", "is not a column"),
}


@pytest.mark.parametrize("label", BROKEN)
def test_a_broken_file_ends_with_a_sentence_and_writes_nothing(
    app: Flask, tmp_path: Path, label: str
) -> None:
    content, sentence = BROKEN[label]
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    before = tables(app)
    output = flask(app, "contacts", "import", path, code=1)
    assert output.startswith("Error: ")
    assert sentence in output
    assert output.count("\n") == 1
    assert tables(app) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("import", "none.csv"), "none.csv is not a file."),
        (("import", "."), ". is not a file."),
        (("export", "none/people.csv"), "none/people.csv cannot be written: No such file"),
        (("export", "."), "cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in flask(app, "contacts", *words, code=1)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_fails_is_told_and_earlier_transactions_stay(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = bulk.create_contacts

    def create_one(session: Any, people: Any) -> None:
        create(session, people)
        if people[0][0].first_name == "Bob":
            session.connection().exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    monkeypatch.setattr(importer, "create_contacts", create_one)
    monkeypatch.setattr(importer, "ROWS_PER_TRANSACTION", 1)
    rows = [{"first_name": name, "email": f"{name}@example.com"} for name in ("Ann", "Bob", "Cy")]
    output = import_rows(app, tmp_path, *rows, code=1)
    assert "1 row: 1 created" in output
    assert "Error: The database could not do its work: " in output
    assert "nowhere" in output
    assert [person["first_name"] for person in directory(app)] == ["Ann"]
