"""Backups hold everything of one moment, and nothing but a sound one is restored."""

import errno
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask

from contacts_service.config import PROJECT_FOLDER
from contacts_service.db.backup import SEAL_LENGTH, _seal
from contacts_service.db.session import Base
from contacts_service.factory import create_app
from tests.client import Api
from tests.conftest import make_app
from tests.files import flask
from tests.service import FLASK
from tests.threads import receive, stored

pytestmark = pytest.mark.sqlite

LINDA = "linda@example.com"
BOTH = "BEGIN IMMEDIATE; INSERT INTO one VALUES (1); INSERT INTO two VALUES (1); COMMIT"


@pytest.fixture
def filled(app: Flask, api: Api) -> dict[str, list[Any]]:
    """The rows of a database with something in it."""
    contact = api.make_contact(LINDA)
    api.post(f"/contacts/{contact['id']}/notes", {"content": "Called."})
    receive(api, content="Hello.")
    return stored(app)


@pytest.fixture
def backup(app: Flask, filled: dict[str, list[Any]], tmp_path: Path) -> Path:
    path = tmp_path / "contacts.backup"
    flask(app, "backup", path)
    return path


def elsewhere(folder: Path) -> Flask:
    """The service where there is no database yet."""
    folder.mkdir(exist_ok=True)
    return create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{folder / 'contacts.db'}"})


def test_restored_database_is_what_was_backed_up(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup)
    assert stored(other) == filled
    assert "sound" in flask(other, "check")


def test_backup_is_one_file(backup: Path) -> None:
    assert [path.name for path in backup.parent.glob(f"{backup.name}*")] == [backup.name]


def test_backup_and_what_is_restored_can_be_read_by_their_owner_alone(
    backup: Path, tmp_path: Path
) -> None:
    flask(elsewhere(tmp_path / "new"), "restore", backup)
    for file in (backup, tmp_path / "new" / "contacts.db"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_backup_takes_the_place_of_an_older_one(app: Flask, api: Api, backup: Path) -> None:
    api.make_contact("new@example.com")
    flask(app, "backup", backup)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM contacts").fetchone() == (3,)


def test_backup_beside_writers_is_of_one_moment(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    is_over = threading.Event()
    path = app.extensions["database"].path

    def write() -> None:
        # Each transaction writes both; a backup that has one of them has the other.
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            while not is_over.is_set():
                connection.executescript(BOTH)

    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE one (x); CREATE TABLE two (x)")
    thread = threading.Thread(target=write)
    thread.start()
    try:
        counts = []
        for number in range(10):
            flask(app, "backup", tmp_path / f"{number}.backup")
            with closing(sqlite3.connect(tmp_path / f"{number}.backup")) as connection:
                [(one, two)] = connection.execute(
                    "SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)"
                )
            assert one == two
            counts.append(one)
    finally:
        is_over.set()
        thread.join()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_database_that_is_there_is_not_overwritten(app: Flask, api: Api, backup: Path) -> None:
    api.make_contact("new@example.com")
    before = stored(app)
    told = flask(app, "restore", backup, code=1)
    assert "is there; give --overwrite" in told
    assert stored(app) == before


def test_overwritten_database_is_put_aside(backup: Path, tmp_path: Path) -> None:
    other = make_app(tmp_path)
    told = flask(other, "restore", backup, "--overwrite")
    assert "contacts.db.before-restore" in told
    with closing(sqlite3.connect(tmp_path / "contacts.db.before-restore")) as connection:
        assert connection.execute("SELECT count(*) FROM contacts").fetchone() == (0,)
    with closing(sqlite3.connect(tmp_path / "contacts.db")) as connection:
        assert connection.execute("SELECT count(*) FROM contacts").fetchone() == (2,)


def test_what_was_put_aside_stays_when_another_is(backup: Path, tmp_path: Path) -> None:
    other = make_app(tmp_path)
    for _ in range(2):
        flask(other, "restore", backup, "--overwrite")
    counts = []
    for name in ("contacts.db.before-restore", "contacts.db.before-restore-2"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            counts += connection.execute("SELECT count(*) FROM contacts").fetchone()
    assert counts == [0, 2]


def test_log_of_a_database_that_is_gone_is_no_part_of_what_is_restored(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    other = elsewhere(folder)
    flask(other, "restore", backup)
    with closing(other.extensions["database"].connect()) as left:
        left.execute("DELETE FROM contact_notes")
        log = (folder / "contacts.db-wal").read_bytes()
    (folder / "contacts.db").unlink()
    (folder / "contacts.db-wal").write_bytes(log)
    flask(other, "restore", backup)
    assert stored(other) == filled


def test_restore_that_fails_leaves_the_database_where_it_is(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_app(tmp_path)
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(errno.ENOSPC, "No space left")))
    assert "No space left" in flask(other, "restore", backup, "--overwrite", code=1)
    assert stored(other)["contacts"] == []
    assert not list(tmp_path.glob("*before-restore*"))


def spoil_bytes(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(content)


def change_a_letter(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"Called.", b"Galled."))


def unseal(file: Path) -> None:
    """Make the backup one of a version that wrote no checksum."""
    file.write_bytes(file.read_bytes()[:-SEAL_LENGTH])


def changed(statement: str) -> Callable[[Path], None]:
    """What makes a whole backup, with a checksum that is right, of another state."""

    def change(file: Path) -> None:
        unseal(file)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
            connection.commit()
        content = file.read_bytes()
        file.write_bytes(content + _seal(hashlib.sha256(content).hexdigest()))

    return change


FAULTS = {
    "a reference": ("UPDATE contact_notes SET contact_id = 999", "contact_notes"),
    "the index": ("UPDATE contact_documents SET document = 'x' || document", "before a change"),
    "the count": ("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'contact_count'", "Lists count"),
}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.write_text("Dear Linda, "), "is no backup of this service"),
        (lambda file: file.write_bytes(b""), "is no backup of this service"),
        (lambda file: file.unlink(), "No such file"),
        (lambda file: file.write_bytes(file.read_bytes()[:9000]), "--without-checksum"),
        (spoil_bytes, "--without-checksum"),
        (change_a_letter, "its checksum differs"),
        (unseal, "--without-checksum"),
        (changed("UPDATE alembic_version SET version_num = '9999'"), "by a newer version"),
        *((changed(statement), sentence) for statement, sentence in FAULTS.values()),
    ],
)
def test_only_a_sound_backup_is_restored(
    backup: Path, tmp_path: Path, spoil: Any, sentence: str
) -> None:
    spoil(backup)
    other = make_app(tmp_path)
    before = stored(other)
    told = flask(other, "restore", backup, "--overwrite", code=1)
    assert told.startswith("Error: ")
    assert sentence in told
    assert stored(other) == before
    assert not list(tmp_path.glob("*before-restore*"))


@pytest.mark.parametrize("seed", range(100))
def test_a_backup_that_was_damaged_anywhere_is_not_restored(
    damaged: tuple[bytes, Path, Flask], seed: int
) -> None:
    content, file, other = damaged
    chance = random.Random(seed)
    spoilt = bytearray(content)
    place = chance.randrange(len(content))
    match seed % 4:
        case 0:
            spoilt[place] ^= 1 << chance.randrange(8)
        case 1:
            del spoilt[place:]
        case 2:
            del spoilt[place]
        case 3:
            spoilt[place:place] = chance.randbytes(chance.randrange(1, 5000))
    file.write_bytes(spoilt)
    assert flask(other, "restore", file, code=1).startswith("Error: ")
    assert not other.extensions["database"].path.exists()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path, Flask]:
    """What a backup holds, a file to write a damaged one to, and a service to restore it."""
    folder = tmp_path_factory.mktemp("damaged")
    file = folder / "contacts.backup"
    flask(make_app(folder), "backup", file)
    return file.read_bytes(), file, elsewhere(folder / "other")


def test_an_undamaged_backup_is_restored(damaged: tuple[bytes, Path, Flask]) -> None:
    content, file, other = damaged
    file.write_bytes(content)
    try:
        assert "is what" in flask(other, "restore", file)
        assert "sound" in flask(other, "check")
    finally:
        other.extensions["database"].path.unlink()


def test_a_backup_without_a_checksum_is_restored_where_one_says_so(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    unseal(backup)
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup, "--without-checksum")
    assert stored(other) == filled


def test_paths_are_relative_to_the_working_folder(
    app: Flask, filled: dict[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flask(app, "backup", "contacts.backup")
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", "./contacts.backup")
    assert stored(other) == filled


def test_backups_at_once_to_one_file_leave_a_whole_one(
    app: Flask, filled: dict[str, list[Any]], tmp_path: Path
) -> None:
    folder, database = tmp_path / "other", app.extensions["database"].path
    environ = os.environ | {"CONTACTS_DATABASE_URL": f"sqlite:///{database}"}
    command = [FLASK, "backup", tmp_path / "contacts.backup"]
    several = [subprocess.Popen(command, cwd=PROJECT_FOLDER, env=environ) for _ in range(4)]
    assert [one.wait(60) for one in several] == [0] * 4
    other = elsewhere(folder)
    flask(other, "restore", tmp_path / "contacts.backup")
    assert stored(other) == filled
    assert not list(tmp_path.glob("*.unfinished*"))


def test_what_a_link_leads_to_is_replaced(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    flask(app, "backup", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").stat().st_size > 0


@pytest.mark.parametrize("command", [["backup"], ["restore", "--overwrite"]])
def test_what_is_no_file_is_refused(app: Flask, tmp_path: Path, command: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "is no regular file" in flask(app, *command, tmp_path / "pipe", code=1)
    assert flask(app, *command, tmp_path / "loop", code=1).startswith("Error: ")


def test_a_file_whose_log_lies_beside_it_is_no_whole_backup(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    unseal(backup)
    Path(f"{backup}-wal").write_bytes(b"something")
    told = flask(elsewhere(tmp_path / "other"), "restore", backup, "--without-checksum", code=1)
    assert f"what was written last is in {backup}-wal" in told


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content + content,
        lambda content: content[:-SEAL_LENGTH] + content,
        lambda content: content[:-5] + b"0" + content[-4:],
        lambda content: content[: -SEAL_LENGTH - 4096] + content[-SEAL_LENGTH:],
    ],
)
def test_what_is_more_or_less_than_a_backup_is_refused_whatever_one_says(
    backup: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    backup.write_bytes(spoil(backup.read_bytes()))
    other = elsewhere(tmp_path / "other")
    told = flask(other, "restore", backup, "--without-checksum", code=1)
    assert told.startswith("Error: ")
    assert not other.extensions["database"].path.exists()


def test_a_restore_that_is_killed_leaves_the_database_and_its_log(
    backup: Path, tmp_path: Path
) -> None:
    """At each of the steps by which files get their names."""
    for step in range(1, 6):
        folder = tmp_path / f"step-{step}"
        other = elsewhere(folder)
        flask(other, "restore", backup)
        database = other.extensions["database"].path
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("UPDATE contacts SET last_name = 'Kept'")
            connection.commit()
            log = Path(f"{database}-wal").read_bytes()
        Path(f"{database}-wal").write_bytes(log)  # as after a crash
        environ = os.environ | {"CONTACTS_DATABASE_URL": f"sqlite:///{database}"}
        command = [sys.executable, "-c", KILLED, str(step), str(backup)]
        subprocess.run(command, cwd=PROJECT_FOLDER, env=environ, timeout=60)
        assert database.exists()
        files = [
            path
            for path in folder.glob("contacts.db*")
            if path.suffix == ".db" or "before" in path.name
        ]
        names = set()
        for file in files:
            if not file.name.endswith(("-wal", "-shm")):
                with closing(sqlite3.connect(file)) as connection:
                    names |= {
                        name for (name,) in connection.execute("SELECT last_name FROM contacts")
                    }
        assert "Kept" in names


# Restores, and kills itself before the given change of a file's name.
KILLED = """
import os, signal, sys
from contacts_service.__main__ import main
left = int(sys.argv[1])
def hook(event, arguments):
    global left
    if event in ("os.rename", "os.link"):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
main(["restore", "--overwrite", sys.argv[2]])
"""


def test_a_checksum_that_is_there_counts_whatever_one_says(backup: Path, tmp_path: Path) -> None:
    change_a_letter(backup)
    other = elsewhere(tmp_path / "other")
    told = flask(other, "restore", backup, "--without-checksum", code=1)
    assert "its checksum differs" in told


def test_a_sealed_backup_is_restored_whatever_one_says(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup, "--without-checksum")
    assert stored(other) == filled
    size = (tmp_path / "other" / "contacts.db").stat().st_size
    assert size == backup.stat().st_size - SEAL_LENGTH


@pytest.mark.parametrize("statement", [statement for statement, _ in FAULTS.values()])
def test_a_database_with_a_fault_is_not_backed_up(
    backup: Path, tmp_path: Path, statement: str
) -> None:
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup)
    database = other.extensions["database"].path
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)
        connection.commit()
    told = flask(other, "backup", tmp_path / "new.backup", code=1)
    assert told.startswith(f"Error: {database} is damaged: ")
    assert not (tmp_path / "new.backup").exists()


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    filled: dict[str, list[Any]], backup: Path, tmp_path: Path
) -> None:
    unseal(backup)
    older = elsewhere(tmp_path / "older")
    (tmp_path / "older" / "contacts.db").write_bytes(backup.read_bytes())
    flask(older, "db", "downgrade", "0008")
    flask(older, "backup", backup)
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup)
    assert stored(other)["contacts"] == filled["contacts"]
    assert "sound" in flask(other, "check")


@pytest.mark.parametrize("command", [["backup"], ["restore", "--overwrite"]])
def test_database_itself_is_no_place_for_a_backup(
    app: Flask, filled: dict[str, list[Any]], command: list[str]
) -> None:
    path = app.extensions["database"].path
    before = path.stat().st_ino
    told = flask(app, *command, path.parent / "." / path.name, code=1)
    assert "is the database itself" in told
    assert (path.stat().st_ino, stored(app)) == (before, filled)


def test_backup_that_cannot_be_written_is_told(app: Flask, api: Api, tmp_path: Path) -> None:
    told = flask(app, "backup", tmp_path / "nowhere" / "contacts.backup", code=1)
    assert told.startswith("Error: ")
    assert "nowhere" in told


@pytest.mark.parametrize(("statement", "sentence"), FAULTS.values(), ids=FAULTS)
def test_check_tells_what_is_wrong(
    backup: Path, tmp_path: Path, statement: str, sentence: str
) -> None:
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup)
    with closing(sqlite3.connect(tmp_path / "other" / "contacts.db")) as connection:
        connection.execute(statement)
        connection.commit()
    assert sentence in flask(other, "check", code=1)


@pytest.mark.parametrize("table", ["contacts", "contact_search_data"])
def test_check_tells_of_pages_that_cannot_be_read(backup: Path, tmp_path: Path, table: str) -> None:
    other = elsewhere(tmp_path / "other")
    flask(other, "restore", backup)
    file = tmp_path / "other" / "contacts.db"
    with closing(sqlite3.connect(file)) as connection:
        [(size,)] = connection.execute("PRAGMA page_size")
        page = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        [(number,)] = connection.execute(page, (table,))
    with file.open("r+b") as opened:
        opened.seek(size * (number - 1))
        opened.write(b"\xff" * size)
    *faults, total = flask(other, "check", code=1).splitlines()
    assert faults[-1].startswith("The rest cannot be read: ")
    assert total == f"{len(faults)} faults."
    assert flask(other, "search", "check", code=1).startswith("Error: ")


def test_everything_is_in_the_backup(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert set(Base.metadata.tables) <= names


def test_damage_of_the_database_is_not_laid_on_the_backup(tmp_path: Path) -> None:
    app = elsewhere(tmp_path / "damaged")
    database = tmp_path / "damaged" / "contacts.db"
    database.write_bytes(b"no database" * 1000)
    told = flask(app, "backup", tmp_path / "new.backup", code=1)
    assert told.startswith(f"Error: {database} is no sound database of this service")
    assert not (tmp_path / "new.backup").exists()
