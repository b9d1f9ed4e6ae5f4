"""The files for containers and systemd: what they name is there, and the image's steps work.

No image is built here: the steps of the Dockerfile are done in a bare folder, without the user.
"""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from contacts_service.config import PROJECT_FOLDER, load_settings
from tests.service import free_port

COMPOSE = yaml.safe_load((PROJECT_FOLDER / "compose.yaml").read_text())
HOME, DATA = "/opt/contacts", "/var/lib/contacts"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with what follows."""
    lines = (PROJECT_FOLDER / "Dockerfile").read_text().splitlines()
    pairs = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, rest in pairs]


def said(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def test_the_image_has_what_the_service_needs_and_nothing_else() -> None:
    copied = {name for rest in said("COPY") for name in shlex.split(rest)[:-1]}
    kept = (PROJECT_FOLDER / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} == {line for line in kept if line.startswith("!")}
    assert all((PROJECT_FOLDER / name).exists() for name in copied)
    assert fnmatch("contacts_service/__pycache__", kept[-1])


def test_the_image_does_not_run_as_root_and_keeps_its_data_on_one_volume() -> None:
    words = [word for word, _ in instructions()]
    assert said("USER") == ["contacts"]
    assert words.index("USER") < words.index("CMD")
    assert said("VOLUME") == [DATA]
    settings = dict(rest.split("=", 1) for rest in said("ENV"))
    del settings["PATH"]
    assert load_settings(settings)["CONTACTS_DATABASE_URL"].startswith(f"sqlite:///{DATA}/")


def test_compose_puts_a_trusted_proxy_in_front() -> None:
    services = COMPOSE["services"]
    assert "ports" not in services["contacts"]
    assert (
        load_settings(
            {name: str(value) for name, value in services["contacts"]["environment"].items()}
        )["CONTACTS_TRUSTED_PROXIES"]
        == 1
    )
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            is_there = source in COMPOSE["volumes"] or (PROJECT_FOLDER / source).exists()
            assert is_there, source
    assert "reverse_proxy contacts:9000" in (PROJECT_FOLDER / "deploy" / "Caddyfile").read_text()


def test_the_unit_serves_the_checkout_by_its_own_settings() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(PROJECT_FOLDER / "deploy" / "contacts.service")
    service = unit["Service"]
    assert service["ExecStart"] == f"{HOME}/.venv/bin/flask serve"
    assert service["WorkingDirectory"] == HOME
    assert service["StateDirectory"] == Path(DATA).name
    assert "Environment" not in service  # .env has the settings, for the commands too


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder in which the Dockerfile's steps were done, and its environment."""
    home, data = tmp_path / "home", tmp_path / "data"
    data.mkdir()
    home.mkdir()
    environ: dict[str, str] = {}

    def local(text: str) -> str:
        return text.replace(HOME, str(home)).replace(DATA, str(data))

    python = str(Path(sys.executable).resolve().parent)
    path = f"{python}:/usr/local/bin:/usr/bin:/bin"
    for word, rest in instructions():
        if word == "COPY":
            *names, target = shlex.split(rest)
            for name in names:
                source, place = PROJECT_FOLDER / name, home / target
                if source.is_dir():
                    shutil.copytree(source, place)
                else:
                    shutil.copy(source, place)
        elif word == "ENV":
            name, value = local(rest).split("=", 1)
            environ[name] = value
        elif word == "RUN" and "useradd" not in rest:
            subprocess.run(["sh", "-c", local(rest)], cwd=home, env={"PATH": path}, check=True)
    return home, environ


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_service_that_is_healthy(
    image: tuple[Path, dict[str, str]],
) -> None:
    home, environ = image
    environ = environ | {"CONTACTS_PORT": str(free_port()), "HOME": "/nowhere"}
    (command,) = said("CMD")
    words = [word.strip('"') for word in re.findall(r'"[^"]+"', command)]
    (check,) = said("HEALTHCHECK")
    check = check.partition("CMD ")[2].replace(":9000", f":{environ['CONTACTS_PORT']}")
    program = shutil.which(words[0], path=environ["PATH"])
    assert program == str(home / ".venv" / "bin" / "flask")
    service = subprocess.Popen([program, *words[1:]], cwd=home, env=environ)
    try:
        for _ in range(100):
            healthy = subprocess.run(
                ["sh", "-c", check], env=environ, cwd="/", stderr=subprocess.DEVNULL
            )
            if healthy.returncode == 0:
                break
            time.sleep(0.2)
        assert healthy.returncode == 0
        keys = [program, "keys", "create", "--agent=1", "--name=A", "--all-scopes"]
        assert subprocess.check_output(keys, cwd=home, env=environ).startswith(b"lk_")
    finally:
        service.terminate()
        assert service.wait(30) == 0
    assert (home.parent / "data" / "contacts.db").stat().st_mode & 0o777 == 0o600
    assert not (home / "instance").exists()


@pytest.mark.slow
def test_a_page_of_settings_beside_the_checkout_is_read_by_every_server(tmp_path: Path) -> None:
    for name in ("app.py", "contacts_service", "schemas"):
        (tmp_path / name).symlink_to(PROJECT_FOLDER / name)
    settings = tmp_path / ".env"
    sentence = "CONTACTS_PORT must be a whole number"
    settings.write_text("CONTACTS_PORT=http\n")
    for command in (["flask", "migrate"], ["python", "-c", "import app"], ["contacts", "migrate"]):
        if command[0] == "contacts":
            command = ["python", "-m", "contacts_service", "migrate"]
        program = Path(sys.executable).parent / command[0]
        environ = {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            [program, *command[1:]], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        assert sentence in done.stderr, command
    settings.write_text('CONTACTS_PORT=9000\nCONTACTS_DATABASE_URL="sqlite:////tmp/c.db\n')
    done = subprocess.run(
        [program, *command[1:]], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert f"The contacts service cannot start: {settings}, line 2: " in done.stderr
