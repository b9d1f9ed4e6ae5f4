"""API keys: the three commands, and what becomes of a key."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from contacts_service.auth.principal import SCOPES
from contacts_service.db.models import ApiKey
from contacts_service.db.session import unit_of_work
from tests.client import Api

CREATE = ("keys", "create", "--agent", "17", "--name", "Bob Smith")


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    return lambda *words: app.test_cli_runner().invoke(args=words)


def status(client: FlaskClient, key: str) -> int:
    return client.get("/api/v1/contacts", headers={"Authorization": f"Bearer {key}"}).status_code


def test_create_prints_the_key_alone(client: FlaskClient, run: Callable[..., Result]) -> None:
    result = run(*CREATE, "--scopes", "contacts:read contacts:read_all")
    key = result.stdout.strip()
    assert re.fullmatch(r"lk_[A-Za-z0-9_-]{43}", key)
    assert result.stdout == f"{key}\n"
    assert status(client, key) == 200


def test_all_scopes_grants_every_scope(run: Callable[..., Result], rows: Any) -> None:
    assert run(*CREATE, "--all-scopes").exit_code == 0
    assert rows(select(ApiKey.scopes)) == [(" ".join(sorted(SCOPES)),)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scopes", "contacts:read contacts:fly"), "contacts:fly is not a scope"),
        ((), "at least one scope"),
        (("--agent", " ", "--scopes", "contacts:read"), "must not be blank"),
        (("--name", "a\x1b[31m", "--scopes", "contacts:read"), "Control characters"),
        (("--scopes", "contacts:read", "--expires-in", "90"), "not a length of time"),
        (("--scopes", "contacts:read", "--expires-in", "0d"), "not a length of time"),
        (("--scopes", "contacts:read", "--expires-in", "99999d"), "a hundred years"),
    ],
)
def test_create_refuses_with_a_sentence(
    run: Callable[..., Result], rows: Any, words: tuple[str, ...], sentence: str
) -> None:
    result = run(*CREATE, *words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert rows(select(ApiKey.id)) == []


def test_the_database_never_holds_the_key(run: Callable[..., Result], rows: Any) -> None:
    key = run(*CREATE, "--all-scopes").stdout.strip()
    [row] = rows(select(*ApiKey.__table__.columns))
    assert not any(key in str(value) or key[3:] in str(value) for value in row)


def test_list_shows_a_table_without_keys(run: Callable[..., Result]) -> None:
    key = run(*CREATE, "--scopes", "contacts:read", "--expires-in", "90d").stdout.strip()
    head, line = run("keys", "list").stdout.splitlines()
    assert head.split()[0] == "ID"
    assert re.match(rf"\d+ +{re.escape(key[:8])} +17 +Bob Smith +\d{{4}}-", line)
    assert key not in line


def test_a_revoked_key_fails_on_the_next_request(
    client: FlaskClient, run: Callable[..., Result], make_key: Callable[..., str], rows: Any
) -> None:
    key = make_key()
    assert status(client, key) == 200
    [(key_id,)] = rows(select(ApiKey.id))
    assert run("keys", "revoke", str(key_id)).exit_code == 0
    assert status(client, key) == 401
    assert run("keys", "revoke", str(key_id)).exit_code == 0


def test_revoking_an_unknown_key_says_so(run: Callable[..., Result]) -> None:
    result = run("keys", "revoke", "999")
    assert result.exit_code == 1
    assert "There is no key 999." in result.stderr


def test_a_key_that_cannot_be_is_refused_with_a_sentence(run: Callable[..., Result]) -> None:
    assert run("keys", "revoke", "9" * 20).exit_code == 2


def test_an_expired_key_is_401(client: FlaskClient, make_key: Callable[..., str]) -> None:
    assert status(client, make_key(lifetime=timedelta(seconds=60))) == 200
    assert status(client, make_key(lifetime=timedelta(seconds=-1))) == 401


def test_use_is_recorded_at_most_once_a_minute(
    app: Flask, api: Api, rows: Callable[[Any], list[Any]]
) -> None:
    def use() -> str:
        api.call("GET", "/contacts").close()  # it is recorded once the answer is out
        return rows(select(ApiKey.last_used_at))[0][0]

    first = use()
    assert first is not None
    assert use() == first
    with app.app_context(), unit_of_work() as session:
        session.execute(update(ApiKey).values(last_used_at="2026-01-01T00:00:00.000000Z"))
    assert use() > first
