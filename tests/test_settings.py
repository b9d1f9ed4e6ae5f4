"""Settings: one table; what is not in it, or will not do, stops the start with a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contacts_service.config import PROJECT_FOLDER, SETTINGS, SettingsError, load_settings


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"CONTACTS_PROT": "9000"}, "CONTACTS_PROT"),
        ({"CONTACTS_": "x"}, "CONTACTS_"),
        ({"CONTACTS_PORT": "0"}, "CONTACTS_PORT"),
        ({"CONTACTS_PORT": "65536"}, "CONTACTS_PORT"),
        ({"CONTACTS_PORT": "http"}, "CONTACTS_PORT"),
        ({"CONTACTS_WORKERS": "-1"}, "CONTACTS_WORKERS"),
        ({"CONTACTS_BUSY_TIMEOUT": "1.5"}, "CONTACTS_BUSY_TIMEOUT"),
        ({"CONTACTS_STRICT_ATTRIBUTES": "maybe"}, "CONTACTS_STRICT_ATTRIBUTES"),
        ({"CONTACTS_LOG_FORMAT": "xml"}, "CONTACTS_LOG_FORMAT"),
        ({"CONTACTS_LOG_LEVEL": "loud"}, "CONTACTS_LOG_LEVEL"),
        ({"CONTACTS_JWT_SECRET_FILE": "/nowhere/secret"}, "CONTACTS_JWT_SECRET_FILE"),
        ({"CONTACTS_JWT_SECRET_FILE": "/x", "CONTACTS_JWT_SECRET": "y"}, "CONTACTS_JWT_SECRET"),
        ({"CONTACTS_NOTHING_FILE": "/x"}, "CONTACTS_NOTHING_FILE"),
        ({"CONTACTS_OWN_ADDRESSES": "desk.example"}, "CONTACTS_OWN_ADDRESSES"),
        ({"CONTACTS_FORWARDERS": "a@b.example, Form <f@b.example>"}, "CONTACTS_FORWARDERS"),
        ({"CONTACTS_PORT_FILE": "/nowhere/port"}, "CONTACTS_PORT_FILE"),
        ({"CONTACTS_DATABASE_URL": "contacts.db"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "mysql://localhost/contacts"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "sqlite://"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "sqlite+aiosqlite:////tmp/c.db"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "sqlite://host/c.db"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "sqlite:////tmp/c.db?timeout=x"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "sqlite:///file:/tmp/c.db"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "postgresql://host:x/c"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "postgresql:///c?prepare_threshold=x"}, "CONTACTS_DATABASE_URL"),
        ({"CONTACTS_DATABASE_URL": "postgresql:///c?autocommit=0"}, "CONTACTS_DATABASE_URL"),
    ],
)
def test_a_bad_setting_is_refused_by_name(environ: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} .*\\.$"):
        load_settings(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTACTS_PORT": "tcp://10.0.0.1:9000"},
        {"CONTACTS_SERVICE_HOST": "10.0.0.1", "CONTACTS_SERVICE_PORT_HTTP": "9000"},
        {"CONTACTS_PORT_9000_TCP_ADDR": "10.0.0.1"},
        {"CONTACTS_PORT": ""},
        {"CONTACTS_JWT_SECRET_FILE": " "},
    ],
)
def test_what_kubernetes_injects_is_ignored(environ: dict[str, str]) -> None:
    assert load_settings(environ) == load_settings({})


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("ä" * 32 + "\n")
    settings = load_settings({"CONTACTS_JWT_SECRET_FILE": f"{tmp_path / 'secret'}"})
    assert settings["CONTACTS_JWT_SECRET"] == "ä" * 32
    assert "CONTACTS_JWT_SECRET_FILE" not in settings


def test_a_given_value_is_used() -> None:
    environ = {"CONTACTS_PORT": "9001", "CONTACTS_STRICT_ATTRIBUTES": "true"}
    settings = load_settings(environ)
    assert (settings["CONTACTS_PORT"], settings["CONTACTS_STRICT_ATTRIBUTES"]) == (9001, True)


def test_every_setting_has_a_default_that_parses() -> None:
    assert set(load_settings({})) == {setting.name for setting in SETTINGS}


def start(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `flask …` as somebody would who has only these settings."""
    flask = Path(sys.executable).parent / "flask"
    return subprocess.run(
        [flask, *command.split()],
        cwd=PROJECT_FOLDER,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"CONTACTS_PROT": "9000"}, "CONTACTS_PROT is not a setting"),
        ({"CONTACTS_DATABASE_URL": "sqlite:////proc/nowhere/contacts.db"}, "cannot be opened"),
        ({"CONTACTS_JWT_PUBLIC_KEY": "/nowhere.pem"}, "CONTACTS_JWT_PUBLIC_KEY"),
    ],
)
def test_a_start_that_fails_ends_with_one_sentence(environ: dict[str, str], sentence: str) -> None:
    result = start("serve", **environ)
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1
