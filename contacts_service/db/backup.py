"""Backups: one file that holds everything, as it was at one moment.

Made while the service writes; checked when it was made, and again before it is restored.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from urllib.parse import quote

from contacts_service.db.migrate import is_known_revision
from contacts_service.errors import OperatorError

BESIDE = ("", "-wal", "-shm")  # a database's file, and what SQLite keeps next to it


class BackupError(OperatorError):
    """A backup that cannot be made, or is not one; the message is a sentence for the operator."""


def back_up(database: Path, file: Path) -> int:
    """Copy the database to `file`, which is replaced only by a whole and sound copy; its bytes.

    Raises BackupError.
    """
    _require_another(file, database)
    if not database.exists():
        raise BackupError(f"There is no database {database}.")
    with _errors(file), _unfinished(file) as unfinished:
        _copy(database, unfinished)
        _require_sound(unfinished)
        size = unfinished.stat().st_size
        _put_in_place(unfinished, file)
    return size


def restore(file: Path, database: Path, *, overwrite: bool) -> Path | None:
    """Put a backup in the place of the database; where what was there before is now.

    Raises BackupError: for a file that is no sound backup or is a newer version's, and for a
    database that is there, unless it is to be overwritten.
    """
    _require_another(file, database)
    with _errors(file):
        if database.exists() and not overwrite:
            raise BackupError(f"{database} is there; give --overwrite to put it aside.")
        _require_sound(file)
        database.parent.mkdir(parents=True, exist_ok=True)
        with _unfinished(database) as unfinished:
            _copy(file, unfinished)
            _sync(unfinished)
            aside = _put_aside(database)
            _put_in_place(unfinished, database)
    return aside


def faults(database: Path) -> Iterator[str]:
    """What SQLite finds wrong with a database's pages, indexes and references: a line for each."""
    with closing(_opened(database)) as connection:
        for (line,) in connection.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield line
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"Row {row} of {table} refers to a row of {parent} that is not there."


def _require_another(file: Path, database: Path) -> None:
    # The service would go on writing to the file that a copy has taken the place of.
    if file.resolve() == database.resolve():
        raise BackupError(f"{file} is the database itself.")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)


def _copy(source: Path, target: Path) -> None:
    with closing(_opened(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)  # in one step: of one moment, whoever writes meanwhile
        written.execute("PRAGMA journal_mode = DELETE")  # a file that stands alone


def _require_sound(file: Path) -> None:
    with closing(_opened(file)) as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or not is_known_revision(revision[0]):
        raise BackupError(f"{file} was made by a newer version of this service.")
    fault = next(faults(file), None)
    if fault is not None:
        raise BackupError(f"{file} is damaged: {fault}")


def _put_aside(database: Path) -> Path | None:
    """Where the database is from here on, if it was there; a log that it left goes along."""
    was_there = database.exists()
    numbers = chain([""], map("-{}".format, count(2)))
    names = (f"{database}.before-restore{number}" for number in numbers)
    aside = next(name for name in names if not any(Path(name + end).exists() for end in BESIDE))
    for end in BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{database}{end}").replace(aside + end)
    return Path(aside) if was_there else None


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A path beside `file` to write to, gone in the end."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        unfinished.touch(0o600)  # as the database: it holds everything
        yield unfinished
    finally:
        for suffix in (*BESIDE, "-journal"):
            Path(f"{unfinished}{suffix}").unlink(missing_ok=True)


def _put_in_place(unfinished: Path, file: Path) -> None:
    """Let what is written take the place of `file`, once all of it is on the disk."""
    _sync(unfinished)
    unfinished.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{file} is no backup of this service ({error}).") from error
    except OSError as error:
        raise BackupError(f"{error.filename or file}: {error.strerror}.") from error
