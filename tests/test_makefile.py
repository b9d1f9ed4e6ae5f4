"""`make install` with a Python that will not do, and with one that does afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

from contacts_service.config import PROJECT_FOLDER

SENTENCE = (
    "The contacts service needs Python 3.11 or newer; this is 3.9. Name another: make PYTHON="
)


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", PROJECT_FOLDER / "Makefile", "install", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout that needs no packages, beside a Python that calls itself 3.9."""
    (tmp_path / "requirements.txt").write_text("")
    older = tmp_path / "python3.9"
    pretend = "import sys; sys.version_info = (3, 9, 2); "
    older.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}$2"\n')
    older.chmod(0o755)
    return tmp_path


def test_an_older_python_is_refused_in_a_sentence(folder: Path) -> None:
    done = make(folder, "PYTHON=./python3.9")
    assert done.returncode != 0
    assert SENTENCE in done.stderr
    assert not (folder / ".venv").exists()


def test_a_python_that_is_not_there_is_told(folder: Path) -> None:
    done = make(folder, "PYTHON=python9.9")
    assert "There is no python9.9" in done.stderr


@pytest.mark.slow
def test_a_newer_python_works_whatever_was_there_before(folder: Path) -> None:
    make(folder, "PYTHON=./python3.9")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python3").write_text("#!/bin/false\n")
    done = make(folder, f"PYTHON={sys.executable}")
    assert done.returncode == 0, done.stderr
    assert (folder / ".venv" / "installed").exists()
