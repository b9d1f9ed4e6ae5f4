"""The package as pip installs it: its `contacts` command works in any folder."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from contacts_service.config import PROJECT_FOLDER
from tests.service import free_port

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "contacts_service", "schemas")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a fresh environment with a wheel of the service in it."""
    folder = tmp_path_factory.mktemp("installed")
    sources = folder / "sources"
    sources.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (PROJECT_FOLDER / name).is_dir() else shutil.copy
        copy(PROJECT_FOLDER / name, sources / name)
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, sources)
    call(sys.executable, "-m", "venv", folder / "venv")
    (wheel,) = folder.glob("*.whl")
    pip = folder / "venv" / "bin" / "pip"
    call(pip, "install", "--requirement", PROJECT_FOLDER / "requirements.txt")
    call(pip, "install", "--no-deps", wheel)
    call(pip, "check")
    return folder / "venv" / "bin"


def call(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.sqlite
def test_the_commands_work_from_any_folder(programs: Path, tmp_path: Path) -> None:
    key = call(
        programs / "contacts", "keys", "create", "--agent=1", "--name=A", "--all-scopes",
        cwd=tmp_path,
    )  # fmt: skip
    assert key.startswith("lk_")
    assert (tmp_path / "instance" / "contacts.db").exists()
    assert "the search index are sound" in call(programs / "contacts", "check", cwd=tmp_path)
    assert "serve" in call(programs / "python", "-m", "contacts_service", "--help", cwd=tmp_path)


def test_help_shows_the_commands_of_the_service_before_those_of_flask() -> None:
    words = (sys.executable, "-m", "contacts_service", "--help")
    told = call(*words, cwd=PROJECT_FOLDER)
    ours, _, flasks = told.partition("Commands:")[2].partition("Commands of Flask")
    assert ours.split()[0] == "backup"
    assert "serve" in ours
    assert re.findall(r"^  (\w+)", flasks, re.MULTILINE) == [
        "db",
        "openapi",
        "routes",
        "run",
        "shell",
    ]


@pytest.mark.slow
@pytest.mark.sqlite
def test_it_serves_with_all_its_files_and_writes_none_beside_them(
    programs: Path, tmp_path: Path
) -> None:
    before = installed_files(programs)
    port = free_port()
    service = subprocess.Popen(
        [programs / "contacts", "serve", "--local"], cwd=tmp_path, stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "CONTACTS_PORT": str(port)}, text=True,
    )  # fmt: skip
    try:
        line = next(line for line in service.stdout or () if "curl" in line)
        answer = subprocess.check_output(
            f"{line.strip()} --silent --retry 5 --retry-connrefused", shell=True
        )
        assert json.loads(answer)["data"]["total"] == 0
        for path in ("docs", "docs/docs.js", "docs/swagger-ui.css", "openapi.json"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as file:
                assert file.status == 200
    finally:
        service.terminate()
        service.communicate(timeout=40)
    assert service.returncode == 0
    assert (tmp_path / "instance" / "local-key").exists()
    assert installed_files(programs) == before


def installed_files(programs: Path) -> set[Path]:
    return {path for path in programs.parent.rglob("*") if "__pycache__" not in path.parts}
