"""CSV files: spreadsheets run nothing in them, and files of other programs can be read."""

import csv
import io
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from contacts_service.transfer.csv_format import escape, read_table, write_table
from tests.files import directory, flask
from tests.transfer.csv_rows import import_rows, read_rows

FORMULAS = tuple("=+-@\t\r＝＋－＠")

CELLS = st.lists(
    st.text(st.sampled_from([*FORMULAS, *"'\"',;\\ \n{[a0é王"]), max_size=6).map(str.strip),
    min_size=2,
    max_size=4,
)


@given(st.lists(CELLS.filter(any), min_size=1, max_size=4))
def test_any_cells_come_back_and_none_is_a_formula(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    file.name = "people.csv"
    headers = ["first_name", "last_name", "email", "phone"]
    write_row = write_table(file, headers)
    for row in rows:
        write_row(row)
    _, read = read_table(file, headers)
    assert [row.cells for row in read] == rows
    file.seek(0)
    assert [cell for row in csv.reader(file) for cell in row if cell.startswith(FORMULAS)] == []


@pytest.mark.parametrize(
    ("written", "phone", "exported"),
    [
        ("+61 412 345 678", "+61 412 345 678", "+61 412 345 678"),
        ("'+61 412 345 678", "+61 412 345 678", "+61 412 345 678"),  # as older exports have it
        ("+61 (412)", "+61 (412)", "'+61 (412)"),
        ("+1-2", "+1-2", "'+1-2"),
        ("0412 345 678", "0412 345 678", "0412 345 678"),
        ("-5", "-5", "'-5"),
    ],
)
def test_a_number_is_read_with_and_without_the_apostrophe(
    app: Flask, tmp_path: Path, written: str, phone: str, exported: str
) -> None:
    path = tmp_path / "people.csv"
    import_rows(app, tmp_path, {"first_name": "Ann", "phone": written})
    assert [person["phone"] for person in directory(app)] == [phone]
    flask(app, "contacts", "export", path)
    [row] = read_rows(path)
    assert row["phone"] == exported
    assert " 1 unchanged" in flask(app, "contacts", "import", path)


@pytest.mark.parametrize("text", ["'t Hooft", "'", "''", "", "O'Brien", "x=1", "' =", "{}"])
def test_harmless_text_is_written_as_it_is(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    "content",
    [
        "email,first_name\r\nann@example.com,Ann\r\n",
        "\ufefffirst_name;email\r\nAnn;ann@example.com\r\n",
        '"first_name"\t"email"\n"Ann"\t"ann@example.com"',
        "\nfirst_name, email\rAnn, ann@example.com\r",
        'id,email,first_name,reason,line\n99, "ann@example.com",Ann,,\n',
        "email;first_name;contact_channels\nann@example.com;Ann;[]\n",
        " Email ,FIRST_NAME\nann@example.com,Ann\n",
    ],
)
def test_the_files_of_other_programs_are_read(app: Flask, tmp_path: Path, content: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content.encode())
    flask(app, "contacts", "import", path)
    [person] = directory(app)
    assert (person["first_name"], person["email"]) == ("Ann", "ann@example.com")
