"""What is exported as CSV can be imported again without a difference."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.transfer import exporter
from tests.client import Api
from tests.files import MONDAY, TUESDAY, add_people, directory, flask, tables
from tests.threads import LINDA, receive
from tests.transfer.csv_rows import CHAT, Rows, import_rows, read_rows, write_rows

AWKWARD: dict[str, dict[str, Any]] = {
    "formulas": {"first_name": "=1+1", "last_name": "@SUM(A1)"},
    "signs": {"first_name": "+x", "last_name": "-x"},
    "wide formula": {"first_name": "＝1", "last_name": "＠x"},
    "escaped before": {"first_name": "'=1", "last_name": "''+1"},
    "apostrophes": {"first_name": "'", "last_name": "'t Hooft"},
    "two apostrophes": {"first_name": "''", "last_name": "O'Brien'"},
    "quotes": {"first_name": 'Al"x', "last_name": '"', "email": "alx@example.com"},
    "separators": {"first_name": "a,b;c", "last_name": "D'Ángelo \\"},
    "emoji": {"first_name": "🦊👩‍👩‍👧", "last_name": "مايا"},
    "Han": {"first_name": "小明", "last_name": "王", "phone": "+86 10 1234 5678"},
    "long": {"first_name": "é" * 140, "last_name": "x" * 140},
    "no phone": {"first_name": "Ann", "email": "no.phone@example.com"},
    "no email": {"first_name": "Ann", "phone": "(0412) 345-678 x9"},
    "neither": {"first_name": "Ann", "last_name": "Nobody"},
    "nothing at all": {},
    "blocked": {"email": "spam@example.com", "blocked": True},
    "old": {"email": "old@example.com", "created_at": "1999-12-31T23:59:59.999999Z"},
    "JSON": {
        "email": "json@example.com",
        "custom_attributes": {'q"\\é,;': "'=x", "n": [1, 1.0, 1e-7, -(2**63), None, {"a": True}]},
    },
    "channels": {
        "email": "primary@example.com",
        "contact_channels": [
            ("telegram", '=x",;'), ("email", "z@example.com"), ("phone", "+61 4"), ("chat", "a"),
        ],
    },
    "only a channel": {"contact_channels": [("chat", "visitor-1")]},
    "odd phone": {"phone": "0"},
    "unicode address": {"email": "jürgen@exämple.com"},
}  # fmt: skip


@pytest.mark.parametrize("label", AWKWARD)
def test_a_contact_comes_back_as_it_left(
    app: Flask, second_app: Flask, tmp_path: Path, label: str
) -> None:
    add_people(app, AWKWARD[label])
    flask(app, "contacts", "export", tmp_path / "people.csv")
    flask(second_app, "contacts", "import", tmp_path / "people.csv")
    assert directory(second_app) == directory(app)


FAMILIES: list[dict[str, Any]] = [
    {"phone": "0412", "first_name": "Ann", "email": "ann@example.com"},
    {"phone": "0412", "first_name": "Bob"},
    {"phone": "0412", "first_name": "Cy", "email": "cy@example.com"},
    {"phone": "0412", "first_name": "Bob"},
    {"phone": "0412"},
    {"phone": "0412"},
    {"phone": "0412", "first_name": "Bob", "custom_attributes": {"a": 1}},
    {"phone": "7", "contact_channels": [("phone", "0412")]},
    {"first_name": "Ann"},
    {"first_name": "Ann"},
    {},
]


@pytest.mark.usefixtures("any_batch")
def test_a_directory_comes_back_as_it_left(app: Flask, second_app: Flask, tmp_path: Path) -> None:
    add_people(app, *AWKWARD.values(), *FAMILIES)
    flask(app, "contacts", "export", tmp_path / "people.csv")
    flask(second_app, "contacts", "import", tmp_path / "people.csv")
    assert directory(second_app) == directory(app)


@pytest.mark.usefixtures("any_batch")
def test_importing_twice_changes_nothing(app: Flask, tmp_path: Path) -> None:
    add_people(app, *AWKWARD.values(), *FAMILIES)
    flask(app, "contacts", "export", tmp_path / "people.csv")
    before = tables(app)
    count = len(AWKWARD) + len(FAMILIES)
    report = f"{count} rows: 0 created, 0 updated, {count} unchanged, 0 refused.\n"
    assert flask(app, "contacts", "import", tmp_path / "people.csv") == report
    assert tables(app) == before


def test_no_cell_of_an_export_is_a_formula(app: Flask, tmp_path: Path) -> None:
    add_people(app, *AWKWARD.values())
    flask(app, "contacts", "export", tmp_path / "people.csv")
    cells = [cell for row in read_rows(tmp_path / "people.csv") for cell in row.values()]
    assert "'=1+1" in cells
    begun = [cell for cell in cells if cell[:1] in tuple("=+-@\t\r＝＠")]
    assert [cell for cell in begun if not re.fullmatch(r"\+[\d ]+", cell)] == []


def test_an_export_is_for_spreadsheets_and_its_owner_alone(app: Flask, tmp_path: Path) -> None:
    add_people(app, {"first_name": "José"})
    path = tmp_path / "people.csv"
    flask(app, "contacts", "export", path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert path.stat().st_mode & 0o777 == 0o600


def test_standard_output_and_input_are_files_too(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(app, *AWKWARD.values())
    flask(app, "contacts", "export", tmp_path / "people.csv")
    runner = app.test_cli_runner()
    written = runner.invoke(args=["contacts", "export", "-"])
    content = (tmp_path / "people.csv").read_bytes()
    assert (written.exit_code, written.stdout_bytes) == (0, content)
    monkeypatch.chdir(tmp_path)
    refused = b"email\nnobody\nnew@example.com\n"
    for sent, code, told in (
        (content, 0, f"{len(AWKWARD)} unchanged, 0 refused."),
        (refused, 1, "1 created, 0 updated, 0 unchanged, 1 refused (see stdin.refused.csv)."),
    ):
        read = runner.invoke(args=["contacts", "import", "-"], input=sent)
        assert (read.exit_code, told in read.stdout) == (code, True), read.output
    assert "nobody" in (tmp_path / "stdin.refused.csv").read_text()


def test_an_export_is_in_the_order_of_ids_with_the_names_of_the_api(
    app: Flask, api: Api, tmp_path: Path
) -> None:
    add_people(app, *AWKWARD.values())
    report = flask(app, "contacts", "export", tmp_path / "people.csv")
    rows = read_rows(tmp_path / "people.csv")
    ids = [int(row["id"]) for row in rows]
    assert ids == sorted(ids)
    assert list(rows[0]) == list(api.get(f"/contacts/{ids[0]}"))
    assert report == f"{len(AWKWARD)} contacts written to {tmp_path / 'people.csv'}.\n"


def test_an_export_that_fails_leaves_the_old_file(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(app, {"email": "ann@example.com"})
    (tmp_path / "people.csv").write_text("old")
    monkeypatch.setattr(exporter, "_cells", lambda *_: 1 / 0)
    with app.app_context(), pytest.raises(ZeroDivisionError):
        list(exporter.export_contacts(tmp_path / "people.csv"))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("people.csv", "old")]


def test_an_export_shows_one_moment(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "ROWS_PER_STEP", 1)
    add_people(app, {"email": "ann@example.com"}, {"email": "bob@example.com"})
    with app.app_context():
        steps = exporter.export_contacts(tmp_path / "people.csv")
        next(steps)
        add_people(app, {"email": "cy@example.com"})
        list(steps)
    emails = [row["email"] for row in read_rows(tmp_path / "people.csv")]
    assert emails == ["ann@example.com", "bob@example.com"]


def test_an_imported_contact_is_as_complete_as_any(app: Flask, api: Api, tmp_path: Path) -> None:
    chat = '{"channel": "chat", "identifier": "x"}'
    row = {
        "first_name": " Jose\u0301 ", "email": " Jose@EXAMPLE.com", "phone": "'+61 4 ",
        "blocked": "TRUE", "created_at": "2024-01-01 12:00:00+02:00",
        "contact_channels": f"[{chat}, {chat[:-1]}, \"id\": 7}}]",
    }  # fmt: skip
    report = "1 row: 1 created, 0 updated, 0 unchanged, 0 refused.\n"
    assert import_rows(app, tmp_path, row) == report
    [found] = api.get("/contacts/search?q=jose")
    assert found["created_at"] == "2024-01-01T10:00:00.000000Z"
    assert (found["first_name"], found["phone"], found["blocked"]) == ("José", "+61 4", True)
    assert api.post("/contacts/quick", {"email": "jose@example.com"}, 200)["id"] == found["id"]
    assert api.get("/contacts/search?q=x") == [found]
    assert api.get("/contacts?order_by=email")["results"] == [found]


def test_an_update_is_found_and_keeps_what_is_not_given(
    app: Flask, api: Api, tmp_path: Path
) -> None:
    before = api.make_contact("ann@example.com", first_name="Ann", phone="1", last_name="Old")
    row = {
        "email": "ann@example.com", "first_name": "", "last_name": "New", "phone": " ",
        "blocked": "", "custom_attributes": "", "created_at": "",
        "contact_channels": CHAT % "zebra",
    }  # fmt: skip
    import_rows(app, tmp_path, row)
    [found] = api.get("/contacts/search?q=zebra")
    kept = {"id", "first_name", "email", "phone", "blocked", "custom_attributes", "created_at"}
    assert {name: found[name] for name in kept} == {name: before[name] for name in kept}
    assert found["last_name"] == "New"
    assert found["updated_at"] > before["updated_at"]


CHANGES: dict[str, tuple[str, Any]] = {
    "first_name": ("Anna", "Anna"),
    "last_name": ("Lee", "Lee"),
    "phone": ("0412", "0412"),
    "blocked": ("true", True),
    "custom_attributes": ('{"a": 1.0}', {"a": 1.0}),
    "created_at": ("2024-01-02", TUESDAY),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_that_is_given_is_changed(
    app: Flask, api: Api, tmp_path: Path, name: str
) -> None:
    cell, value = CHANGES[name]
    before = api.make_contact("ann@example.com", custom_attributes={"a": 1})
    report = "1 row: 0 created, 1 updated, 0 unchanged, 0 refused.\n"
    assert import_rows(app, tmp_path, {"email": "ann@example.com", name: cell}) == report
    after = api.get(f"/contacts/{before['id']}")
    assert repr(after.pop(name)) == repr(value)
    assert after.pop("updated_at") > before["updated_at"]
    assert after.items() <= before.items()


def test_a_channel_is_added_to_those_there_are(app: Flask, api: Api, tmp_path: Path) -> None:
    before = api.make_contact("old@example.com", email="ann@example.com")
    row = {"email": "ann@example.com", "contact_channels": CHAT % "x"}
    import_rows(app, tmp_path, row)
    after = api.get(f"/contacts/{before['id']}")
    channels = [(one["channel"], one["identifier"]) for one in after["contact_channels"]]
    assert channels == [("email", "old@example.com"), ("chat", "x")]
    assert after["updated_at"] > before["updated_at"]


@pytest.mark.usefixtures("any_batch")
def test_search_shows_who_was_updated_last_first(app: Flask, api: Api, tmp_path: Path) -> None:
    add_people(app, {"first_name": "Ann", "email": "0@example.com"})
    rows = [{"first_name": "Ann", "email": f"{number}@example.com"} for number in range(5)]
    rows[1]["updated_at"], rows[3]["updated_at"] = TUESDAY, MONDAY
    rows[0]["phone"] = "7"
    import_rows(app, tmp_path, *rows)
    moments = [one["updated_at"] for one in api.get("/contacts/search?q=ann")]
    assert moments == sorted(moments, reverse=True)
    assert moments[3:] == [TUESDAY, MONDAY]


def test_updated_at_is_taken_for_new_contacts_only(app: Flask, api: Api, tmp_path: Path) -> None:
    ann = api.make_contact("ann@example.com")
    rows = [{"email": f"{name}@example.com", "updated_at": TUESDAY} for name in ("ann", "bob")]
    import_rows(app, tmp_path, *rows)
    bob, same = api.get("/contacts?order_by=updated_at&order=asc")["results"]
    assert (bob["email"], bob["updated_at"]) == ("bob@example.com", TUESDAY)
    assert same["updated_at"] == ann["updated_at"]


def random_rows(chance: random.Random) -> Rows:
    """Rows of few values, so that they meet: families, twins, the same person in several ways."""
    pools = {
        "first_name": ["", "Ann", "Bob"],
        "email": ["", "", "a@example.com", "b@example.com", "c@example.com"],
        "phone": ["", "0111111", "111111", "222222"],
        "custom_attributes": ["", "", '{"a": 1}', '{"a": 2}'],
        "created_at": ["", "", MONDAY, TUESDAY],
        "contact_channels": ["", "", "", CHAT % "x", CHAT % "y"],
    }
    for _ in range(chance.randrange(1, 7)):
        yield {name: chance.choice(pool) for name, pool in pools.items()}


@pytest.mark.parametrize("seed", range(25))
def test_any_rows_are_imported_once_and_come_back(
    app: Flask, second_app: Flask, tmp_path: Path, seed: int
) -> None:
    path, chance = tmp_path / "people.csv", random.Random(seed)
    for _ in range(2):
        words = "contacts", "import", write_rows(path, random_rows(chance))
        first = app.test_cli_runner().invoke(args=[str(word) for word in words])
        assert first.exit_code == int(" 0 refused" not in first.output)
        before = tables(app)
        app.test_cli_runner().invoke(args=[str(word) for word in words])
        assert tables(app) == before
    flask(app, "contacts", "export", path)
    flask(second_app, "contacts", "import", path)
    assert directory(second_app) == directory(app)


def test_the_search_index_is_kept(app: Flask, tmp_path: Path) -> None:
    add_people(app, {"first_name": "Ann", "email": "ann@example.com"})
    rows = [
        {"email": "ann@example.com", "first_name": "Anna", "phone": "+61 1"},
        {"email": "linda@example.com", "contact_channels": CHAT % "a"},
    ]
    import_rows(app, tmp_path, *rows)
    flask(app, "search", "check")


@pytest.mark.parametrize("is_known", [False, True])
def test_imported_names_are_not_replaced_by_a_message(
    app: Flask, api: Api, tmp_path: Path, is_known: bool
) -> None:
    if is_known:
        receive(api, LINDA)  # guesses her names
    import_rows(app, tmp_path, {"email": LINDA, "first_name": "Ann", "last_name": "Lee"})
    told = {"email": LINDA, "first_name": "Lindy", "last_name": "Olsen-Berg"}
    contact = receive(api, told)["contact"]
    assert (contact["first_name"], contact["last_name"]) == ("Ann", "Lee")
