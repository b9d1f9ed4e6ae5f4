"""A PostgreSQL database that will not do is told in one sentence that says what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from contacts_service.db.postgresql import DRIVER
from contacts_service.factory import create_app
from tests import databases
from tests.client import Api
from tests.conftest import make_api, make_app
from tests.files import flask

pytestmark = pytest.mark.postgresql

ROLE = "stranger"


def no_server(_folder: Path) -> str:
    return f"{DRIVER}://nobody:secret@127.0.0.1:1/contacts?sslpassword=secret"


def password_in_the_query(_folder: Path) -> str:
    return f"{DRIVER}://nobody@/contacts?host=127.0.0.1&port=1&password=secret"


def no_database(_folder: Path) -> str:
    return databases.url_of("nowhere")


def no_role(folder: Path) -> str:
    return databases.database_url(folder).replace(f"//{databases.OWNER}@", "//nobody@")


def as_stranger(url: str) -> str:
    with databases.administration() as connection:
        if not connection.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'").fetchone():
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")
    return url.replace(f"//{databases.OWNER}@", f"//{ROLE}@")


def no_rights(folder: Path) -> str:
    return as_stranger(databases.database_url(folder))


def tables_of_another(folder: Path) -> str:
    make_app(folder)
    return as_stranger(databases.database_url(folder))


def another_encoding(folder: Path) -> str:
    return encoded(folder, "LATIN1")


def no_encoding(folder: Path) -> str:
    return encoded(folder, "SQL_ASCII")


def encoded(folder: Path, encoding: str) -> str:
    name = f"{encoding}_{folder.name}".lower().replace("-", "_")[:60]
    of_libc = f"ENCODING {encoding} LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    with databases.administration() as connection:
        connection.execute(f"CREATE DATABASE {name} {of_libc}")
    return databases.url_of(name)


REFUSALS: dict[Callable[[Path], str], str] = {
    no_server: "check CONTACTS_DATABASE_URL and that the server runs.",
    password_in_the_query: "check CONTACTS_DATABASE_URL and that the server runs.",
    no_database: "make it with createdb, or correct CONTACTS_DATABASE_URL.",
    no_role: "make it with createuser, or correct CONTACTS_DATABASE_URL.",
    no_rights: "grant it: GRANT CREATE, USAGE ON SCHEMA public TO the role.",
    tables_of_another: "use the role that owns the tables.",
    another_encoding: "make one with createdb -E UTF8 -T template0.",
    no_encoding: "make one with createdb -E UTF8 -T template0.",
}


@pytest.mark.parametrize("make_url", REFUSALS)
def test_database_that_will_not_do_is_told_with_what_to_do(
    tmp_path: Path, make_url: Callable[[Path], str]
) -> None:
    app = create_app({"CONTACTS_DATABASE_URL": make_url(tmp_path), "CONTACTS_BUSY_TIMEOUT": "2"})
    output = flask(app, "keys", "list", code=1)
    assert output.startswith("Error: The database postgresql+psycopg://")
    assert output.endswith(f"{REFUSALS[make_url]}\n")
    assert "secret" not in output
    assert output.count("\n") == 1


@pytest.mark.parametrize("words", [("backup", "x"), ("restore", "x")])
def test_commands_of_the_file_name_pg_dump(app: Flask, words: tuple[str, ...]) -> None:
    assert "back it up with pg_dump" in flask(app, *words, code=1)


def test_rights_that_are_missing_are_the_database_s_trouble(tmp_path: Path) -> None:
    url = databases.database_url(tmp_path, is_migrated=True)
    owner = make_api(make_app(tmp_path))
    owner.make_contact("linda@example.com")
    api = Api(create_app({"CONTACTS_DATABASE_URL": as_stranger(url)}).test_client(), owner.token)
    api.get("/contacts", 503)
    with databases.by_other_hands(make_app(tmp_path)) as connection:
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}")
    assert api.get("/contacts")["total"] == 1
    api.post("/contacts/quick", {"email": "new@example.com"}, 503)
    assert owner.get("/contacts")["total"] == 1
