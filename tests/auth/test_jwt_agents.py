"""The agent that a gateway's token names, as what it writes and the log show it."""

import io
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask

from tests.client import Api
from tests.conftest import make_app

SECRET = "s" * 64
SCOPES = "contacts:write contact_notes:write contact_notes:read"


@pytest.fixture
def own_app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, CONTACTS_JWT_SECRET=SECRET)


def called_with(app: Flask, **claims: Any) -> Api:
    """A caller whose token has these claims."""
    all_claims = {"sub": "17", "exp": int(time.time()) + 600, "scope": SCOPES, **claims}
    return Api(app.test_client(), jwt.encode(all_claims, SECRET, "HS256"))


def note_path(app: Flask) -> str:
    return f"/contacts/{called_with(app).make_contact()['id']}/notes"


def agents_in(log: io.StringIO) -> list[str | None]:
    return [json.loads(line)["agent"] for line in log.getvalue().strip("\n").split("\n")]


@pytest.mark.parametrize("agent", ["1\x007", "17\n", "\x1b[31m17", "17\x7f", "17\x85", "\ud800"])
def test_agent_with_control_characters_is_401_and_writes_nothing(
    own_app: Flask, log: io.StringIO, agent: str
) -> None:
    path = note_path(own_app)
    answer = called_with(own_app, sub=agent).call("POST", path, 401, json={"content": "Called."})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert called_with(own_app).get(path)["total"] == 0
    assert agents_in(log) == ["17", None, "17"]


@pytest.mark.parametrize("name", ["Bob\x00 Smith", "\nBob Smith\x1b", "Bob\x85 Smith\ud800"])
def test_name_with_control_characters_is_written_without_them(own_app: Flask, name: str) -> None:
    path = note_path(own_app)
    note = called_with(own_app, name=name).post(path, {"content": "Called."})
    assert note["author"] == {"id": "17", "name": "Bob Smith"}


@pytest.mark.parametrize(
    "agent", ["auth0|17", "王小明", "O'Hara %s \\x00", "17\u2028\u202e", "😀" * 255]
)
def test_any_other_agent_writes_and_is_logged_as_it_is(
    own_app: Flask, log: io.StringIO, agent: str
) -> None:
    path = note_path(own_app)
    note = called_with(own_app, sub=agent).post(path, {"content": "Called."})
    assert note["author"] == {"id": agent, "name": agent}
    assert agents_in(log) == ["17", agent]
