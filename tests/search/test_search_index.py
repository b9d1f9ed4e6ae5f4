"""Every writer updates the search index; commands compare and rebuild it."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from contacts_service.db.session import db, read_connection, unit_of_work
from contacts_service.search import postgresql_index, query, rebuild
from contacts_service.search.index import find_differences
from contacts_service.search.ranking import RANKS, read_query
from contacts_service.search.rebuild import RebuildError, rebuild_index
from tests.client import Api
from tests.conftest import make_api, make_app
from tests.databases import by_other_hands, is_postgresql, search_settings
from tests.threads import receive


def differences(app: Flask) -> list[str]:
    with app.app_context():
        return [sentence for _, sentence in find_differences(read_connection())]


def add_channel(api: Api) -> str:
    """Add an address to a new contact; its path."""
    path = f"/contacts/{api.make_contact()['id']}/channels"
    contact = api.post(path, {"channel": "chat", "identifier": "lin"})
    return f"{path}/{contact['contact_channels'][0]['id']}"


WRITERS: dict[str, Callable[[Flask, Api, Path], Any]] = {
    "quick-create": lambda app, api, folder: api.make_contact("new@example.com"),
    "update": lambda app, api, folder: api.make_contact("new@example.com", first_name="Anna"),
    "new address": lambda app, api, folder: api.make_contact(
        "o@example.com", email="n@example.com"
    ),
    "no address": lambda app, api, folder: api.make_contact("old@example.com", email=None),
    "block": lambda app, api, folder: api.put(
        f"/contacts/{api.make_contact()['id']}/block", {"blocked": True}
    ),
    "channel added": lambda app, api, folder: add_channel(api),
    "channel removed": lambda app, api, folder: api.delete(add_channel(api)),
    "message of somebody new": lambda app, api, folder: receive(api, message_id="1@x"),
    "message of somebody known": lambda app, api, folder: [
        receive(api, {"phone": "0412 345 678"}),
        receive(api, {"phone": "+61412345678", "email": "lin@x.example", "first_name": "Lin"}),
    ],
    "conversation begun": lambda app, api, folder: api.post(
        "/conversations",
        {"contact": {"email": "new@example.com"}, "channel": "email", "message": "Hello."},
    ),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_every_writer_updates_the_index(app: Flask, api: Api, tmp_path: Path, write: Any) -> None:
    write(app, api, tmp_path)
    assert api.get("/contacts")["total"] > 0
    assert differences(app) == []


WRONG_TOKENS = {
    False: {
        "INSERT INTO contact_search (rowid, tokens) SELECT id, 'nxyz' FROM contact_documents":
            "not its own",
        "INSERT INTO contact_search (rowid, tokens) VALUES (4711, 'nabc')": "no contact's",
    },
    True: {
        "UPDATE contact_search SET words = words || 17": "not its own",
        "UPDATE contact_search SET inner_parts = inner_parts || 17": "not its own",
        "DELETE FROM contact_search": "not its own",
        "INSERT INTO contact_search VALUES (4711, ARRAY[17], ARRAY[18])": "no contact's",
    },
}  # fmt: skip
DAMAGE = {
    "UPDATE contacts SET first_name = 'Changed'": "before a change",
    "DELETE FROM contact_documents": "not in the index",
    **WRONG_TOKENS[is_postgresql()],
}


@pytest.mark.parametrize(("statement", "sentence"), DAMAGE.items())
def test_check_tells_differences_and_rebuild_mends_them(
    app: Flask, api: Api, statement: str, sentence: str
) -> None:
    run = app.test_cli_runner()
    api.make_contact()
    with app.app_context(), unit_of_work() as session:
        session.execute(text(statement))
    for command in (["search", "check"], ["check"]):
        checked = run.invoke(args=command)
        assert checked.exit_code == 1
        assert sentence in checked.stdout
    assert run.invoke(args=["search", "rebuild"]).exit_code == 0
    for command in (["search", "check"], ["check"]):
        assert run.invoke(args=command).exit_code == 0


@pytest.mark.postgresql
def test_rebuilt_index_has_the_settings_of_the_one_before(app: Flask, api: Api) -> None:
    """With statistics of the tokens PostgreSQL would choose other plans, which are too slow."""
    api.make_contact()
    with by_other_hands(app) as connection:
        before = search_settings(connection)
        for column in ("words", "inner_parts"):
            assert ("contact_search", column, 0, None) in before
            index = (f"ix_contact_search_{column}", column, -1, ["fastupdate=off"])
            assert index in before
        app.test_cli_runner().invoke(args=["search", "rebuild"])
        assert search_settings(connection) == before


@pytest.mark.parametrize("typed", ["linda", "li nda 041", "0412 345", "+61 4", "o l s e n"])
@pytest.mark.parametrize("rank", RANKS)
def test_no_condition_joins_both_columns(typed: str, rank: int) -> None:
    """For such a condition PostgreSQL would read the rows of all that meet one part of it."""
    wanted = query._wanted(read_query(typed), rank)
    condition, _ = postgresql_index._condition(wanted, "{1}")
    for alternative in condition.split(" OR "):
        assert sum(column in alternative for column in postgresql_index.COLUMNS) == 1


def test_writes_during_a_rebuild_are_kept(app: Flask, api: Api) -> None:
    first = api.make_contact("first@example.com", first_name="Before")
    api.make_contact("second@example.com", first_name="Second")
    with app.app_context():
        for step, _ in enumerate(rebuild_index()):
            api.make_contact(f"new{step}@example.com", first_name="During")
            api.put(f"/contacts/{first['id']}", {"first_name": f"Changed{step}"})
    assert differences(app) == []
    found = [contact["email"] for contact in api.get("/contacts/search?q=example")]
    assert found == [
        "first@example.com",
        "new1@example.com",
        "new0@example.com",
        "second@example.com",
    ]


@pytest.mark.sqlite
def test_rebuild_merges_the_index_into_one_segment(app: Flask, api: Api) -> None:
    for number in range(3):
        api.make_contact(f"new{number}@example.com")
    segments = "SELECT count(DISTINCT segid) FROM contact_search_idx"
    with app.app_context():
        assert db.session.scalar(text(segments)) > 1
        db.session.rollback()
        for _ in rebuild_index():
            pass
        assert db.session.scalar(text(segments)) == 1
    assert differences(app) == []


def test_rebuild_changes_nothing_if_another_has_begun(app: Flask, api: Api) -> None:
    api.make_contact("linda@example.com")
    with app.app_context():
        first, second = rebuild_index(), rebuild_index()
        assert (next(first), next(first)) == (1, 1)
        next(second)
        with pytest.raises(RebuildError, match="Another rebuild"):
            list(first)
        assert len(api.get("/contacts/search?q=linda")) == 1
        list(second)
    assert len(api.get("/contacts/search?q=linda")) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("is_over", [True, False])
def test_rebuild_waits_until_nobody_reads_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_over: bool
) -> None:
    app = make_app(tmp_path, CONTACTS_BUSY_TIMEOUT="0")
    api = make_api(app)
    api.make_contact("linda@example.com")
    pauses = []
    with by_other_hands(app) as report, app.app_context():
        report.execute("BEGIN")
        report.execute("SELECT number FROM contact_search")

        def pause(_seconds: float) -> None:
            assert len(api.get("/contacts/search?q=linda")) == 1  # nobody waits meanwhile
            api.make_contact(f"new{len(pauses)}@example.com")
            pauses.append(1)
            if is_over and len(pauses) == 2:
                report.execute("COMMIT")

        monkeypatch.setattr(rebuild, "time", SimpleNamespace(sleep=pause))
        monkeypatch.setattr(rebuild, "ATTEMPTS", 4)
        with nullcontext() if is_over else pytest.raises(OperationalError, match="lock timeout"):
            list(rebuild_index())
    assert len(pauses) == (2 if is_over else 3)
    assert differences(app) == []
