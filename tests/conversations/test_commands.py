"""`flask inbound mail`: its output, its exit codes, and what it stores."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from contacts_service.config import PROJECT_FOLDER
from contacts_service.conversations import inbound
from contacts_service.limits import MAIL_BODY
from tests.client import Api
from tests.conftest import make_app
from tests.conversations.mails import mail
from tests.conversations.sender_samples import WITHOUT_SENDER
from tests.databases import another_writer, database_url
from tests.threads import block, stored

LETTER = mail(
    "From: Linda Olsen <linda@example.com>",
    "Subject: Secret matter",
    "Message-ID: <1@example.com>",
    body="Confidential words",
)
PERSONAL = ("linda", "olsen", "example.com", "secret", "confidential")
FLASK = Path(sys.executable).parent / "flask"


def hand_over(app: Flask, raw: bytes, code: int = os.EX_OK) -> Result:
    """Run the command. Its output must not contain personal data or tracebacks."""
    result: Result = app.test_cli_runner().invoke(args=["inbound", "mail"], input=raw)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    assert "Traceback" not in result.stdout
    assert not [word for word in PERSONAL if word in result.stdout.lower()]
    return result


def people(app: Flask) -> list[Any]:
    return [row[1:4] for row in stored(app)["contacts"]]


def test_mail_is_recorded(app: Flask, api: Api) -> None:
    result = hand_over(app, LETTER)
    assert re.fullmatch(r"Taken in: conversation \d+, inbox.\n", result.stdout)
    assert people(app) == [("Linda", "Olsen", "linda@example.com")]
    [contact] = api.get("/contacts")["results"]
    [conversation] = api.get(f"/contacts/{contact['id']}/conversations")["results"]
    assert (conversation["subject"], conversation["last_message"]) == (
        "Secret matter",
        "Confidential words",
    )


def test_mail_of_a_blocked_sender_lands_in_spam(app: Flask, api: Api) -> None:
    block(api, api.make_contact("linda@example.com")["id"])
    assert hand_over(app, LETTER).stdout.endswith(", spam.\n")
    [conversation] = api.get("/conversations/spam")["results"]
    assert conversation["subject"] == "Secret matter"


def test_repeated_mail_is_accepted_and_changes_nothing(app: Flask) -> None:
    hand_over(app, LETTER)
    before = stored(app)
    assert hand_over(app, LETTER).stdout.startswith("Seen before: ")
    assert stored(app) == before


def test_mail_sent_over_http_again_is_a_duplicate(app: Flask, api: Api) -> None:
    hand_over(app, LETTER)
    headers = {"Content-Type": "message/rfc822"}
    answer = api.call("POST", "/inbound/messages", 200, data=LETTER, headers=headers)
    assert answer.json["data"]["duplicate"] is True


@pytest.mark.parametrize("raw", [m[1] for m in WITHOUT_SENDER], ids=[m[0] for m in WITHOUT_SENDER])
def test_mail_without_usable_sender_exits_with_65(app: Flask, raw: bytes) -> None:
    before = stored(app)
    result = hand_over(app, raw, os.EX_DATAERR)
    assert result.stderr == "The mail was refused: The mail has no usable sender address.\n"
    assert result.stdout == ""
    assert stored(app) == before


def test_mail_over_the_limit_exits_with_65(app: Flask) -> None:
    before = stored(app)
    result = hand_over(app, LETTER.ljust(MAIL_BODY + 1, b"x"), os.EX_DATAERR)
    assert result.stderr == f"The mail was refused: It is over {MAIL_BODY} bytes.\n"
    assert stored(app) == before


def test_mail_at_the_limit_is_recorded(app: Flask) -> None:
    hand_over(app, LETTER.ljust(MAIL_BODY, b"x"))
    assert len(people(app)) == 1


def test_busy_database_exits_with_75(tmp_path: Path) -> None:
    own_app = make_app(tmp_path, CONTACTS_BUSY_TIMEOUT="1")
    with another_writer(own_app):
        result = hand_over(own_app, LETTER, os.EX_TEMPFAIL)
    assert result.stdout == ""
    assert people(own_app) == []
    hand_over(own_app, LETTER)
    assert len(people(own_app)) == 1


def raise_at(step: str) -> Callable[..., Any]:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError(f"defect in {step}")

    return fail


@pytest.mark.parametrize("step", ["find_thread", "_find_sender", "add_copied_in", "_answer"])
def test_defect_exits_with_75_and_changes_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = stored(app)
    with monkeypatch.context() as patch:
        patch.setattr(inbound, step, raise_at(step))
        assert hand_over(app, LETTER, os.EX_TEMPFAIL).stdout == ""
    assert stored(app) == before
    hand_over(app, LETTER)
    assert len(people(app)) == 1


def test_defect_of_the_parser_exits_with_75(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts_service.conversations.commands.parse_mail", raise_at("reading"))
    assert hand_over(app, LETTER, os.EX_TEMPFAIL).stdout == ""


@pytest.mark.sqlite
def test_unreadable_database_exits_with_75(tmp_path: Path) -> None:
    own_app = make_app(tmp_path)
    (tmp_path / "contacts.db").unlink()
    (tmp_path / "contacts.db").mkdir()
    assert hand_over(own_app, LETTER, os.EX_TEMPFAIL).stdout == ""


def pipe(raw: bytes, folder: Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, as a mail server does."""
    environ = {name: value for name, value in os.environ.items() if "CONTACTS_" not in name}
    environ["CONTACTS_DATABASE_URL"] = database_url(folder)
    command = [FLASK, "--app", PROJECT_FOLDER / "app.py", "inbound", "mail"]
    return subprocess.run(
        command, cwd=folder, env=environ | settings, input=raw, capture_output=True, check=False
    )


def test_piped_mail_is_recorded(tmp_path: Path) -> None:
    make_app(tmp_path)
    result = pipe(LETTER, tmp_path)
    assert (result.returncode, result.stderr) == (os.EX_OK, b"")
    assert result.stdout == b"Taken in: conversation 1, inbox.\n"


def test_invalid_setting_exits_with_75(tmp_path: Path) -> None:
    result = pipe(LETTER, tmp_path, CONTACTS_BUSY_TIMEOUT="soon")
    assert (result.returncode, result.stdout) == (os.EX_TEMPFAIL, b"")
    assert b"CONTACTS_BUSY_TIMEOUT" in result.stderr
    assert b"Traceback" not in result.stderr
    assert not (tmp_path / "contacts.db").exists()


@pytest.mark.sqlite
def test_missing_database_exits_with_75(tmp_path: Path) -> None:
    result = pipe(LETTER, tmp_path)
    assert (result.returncode, result.stdout) == (os.EX_TEMPFAIL, b"")
    assert b"There is no database" in result.stderr
    assert list(tmp_path.glob("contacts.db*")) == []
