"""Backups: one file that holds everything as it was at one moment.

A backup can be made while the service writes. It is checked when it is made and before it is
restored. It is a SQLite file with a checksum of all that is before it at its end.
"""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from urllib.parse import quote

from contacts_service.db.migrate import is_known_revision
from contacts_service.errors import OperatorError

SEAL_BEGINNING = b"\ncontacts backup, SHA-256 "
SEAL_LENGTH = len(SEAL_BEGINNING) + 64 + 1
PART = 1 << 20  # bytes that are copied at once
SUFFIXES = ("", "-wal", "-shm")  # of a database's file, and of the files that SQLite adds

Upgrade = Callable[[Path], None]  # brings a database up to date
Examine = Callable[[Path], str | None]  # the first fault of one that is up to date, as a sentence


class BackupError(OperatorError):
    """A backup that cannot be made, or is not one; the message is a sentence for the operator."""


def back_up(database: Path, file: Path, examine: Examine) -> int:
    """Copy the database to `file`, and return the size of the backup in bytes.

    Replaces `file` only by a complete and sound copy. Raises BackupError.
    """
    if not database.exists():
        raise BackupError(f"There is no database {database}.")
    with _errors(file):
        _require_another(file, database)
        file = file.resolve()  # what a link leads to, and not the link, is replaced
    with _errors(file), _alone_in(file.parent), _unfinished(file) as unfinished:
        with _errors(database, "no sound database of this service"):
            _copy(database, unfinished)
            _require_known(unfinished, database)
            _require_no_fault(examine(unfinished), database)
            _close_log(unfinished)
        with unfinished.open("r+b") as copy:
            copy.write(_seal(hashlib.file_digest(copy, "sha256").hexdigest()))
        size = unfinished.stat().st_size
        _put_in_place(unfinished, file)
    return size


def restore(
    file: Path,
    database: Path,
    upgrade: Upgrade,
    examine: Examine,
    *,
    overwrite: bool,
    must_be_sealed: bool = True,
) -> Path | None:
    """Replace the database by a backup, and return where the former database is now, if any.

    Raises BackupError if the file is not byte for byte what was backed up, is not sound or was made
    by a newer version, and if there is a database and it must not be overwritten. A file that has
    no checksum at all is taken if it need not be sealed.
    """
    with _errors(file):
        _require_another(file, database)
        if database.exists() and not overwrite:
            raise BackupError(f"{database} is there; give --overwrite to put it aside.")
        database.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(database.parent), _unfinished(database) as unfinished:
            _copy_unsealed(file, unfinished, must_be_sealed=must_be_sealed)
            _require_known(unfinished, file)
            upgrade(unfinished)
            _require_no_fault(examine(unfinished), file)
            _close_log(unfinished)
            _sync(unfinished)  # before the one that is there is touched
            aside = _put_aside(database)
            _put_in_place(unfinished, database)
    return aside


def faults(database: Path) -> Iterator[str]:
    """The faults that SQLite finds in pages, indexes and foreign keys, as sentences."""
    with closing(_opened(database)) as connection:
        try:
            for (line,) in connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    yield line
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                yield f"Row {row} of {table} refers to a row of {parent} that is not there."
        except sqlite3.DatabaseError as error:
            yield f"SQLite cannot read on: {error}."


def _require_another(file: Path, database: Path) -> None:
    """Raise BackupError unless `file` is none, or a regular one that is not the database."""
    if file.exists() and not file.is_file():
        raise BackupError(f"{file} is no regular file.")
    # The service would go on writing to the replaced file.
    if file.resolve() == database.resolve():
        raise BackupError(f"{file} is the database itself.")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)


def _copy(source: Path, target: Path) -> None:
    with closing(_opened(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)  # in one step, so that all of it is from one moment
    _close_log(target)


def _close_log(file: Path) -> None:
    """Make the file complete by itself."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _seal(digest: str) -> bytes:
    """What stands at the end of a backup. SQLite reads a file only as far as its header says."""
    return SEAL_BEGINNING + digest.encode() + b"\n"


def _copy_unsealed(source: Path, target: Path, *, must_be_sealed: bool) -> None:
    """Copy all but the seal. Raises BackupError unless that is the seal of what is copied."""
    with source.open("rb") as read, target.open("wb") as written:
        size = max(0, os.fstat(read.fileno()).st_size - SEAL_LENGTH)
        digest = hashlib.sha256()
        while size > written.tell() and (part := read.read(min(size - written.tell(), PART))):
            digest.update(part)
            written.write(part)
        end = read.read(SEAL_LENGTH)
        if end == _seal(digest.hexdigest()):
            return
        if SEAL_BEGINNING in end:
            raise BackupError(f"{source} is not what was backed up: its checksum differs.")
        if must_be_sealed:
            raise BackupError(
                f"{source} is no backup of this service, or has lost its end. "
                "If a version that wrote no checksum made it, give --without-checksum."
            )
        written.write(end)
    _require_whole(target, source)


def _require_whole(copy: Path, original: Path) -> None:
    """Raise BackupError about a file without a seal that is more or less than a database.

    The header tells the size of the pages and how many there are
    (https://www.sqlite.org/fileformat.html, 1.3.2 and 1.3.8).
    """
    log = Path(f"{original}-wal")
    if log.exists() and log.stat().st_size > 0:
        raise BackupError(f"{original} is no whole backup: what was written last is in {log}.")
    with copy.open("rb") as read:
        header = read.read(100)
    page_size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if (65536 if page_size == 1 else page_size) * pages != copy.stat().st_size:
        raise BackupError(f"{original} is no backup of this service, or no whole one.")


def _require_known(copy: Path, original: Path) -> None:
    """Raise BackupError about `original` unless this version can read its copy."""
    with closing(_opened(copy)) as connection:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    if len(revisions) != 1:
        raise BackupError(f"{original} is no backup of this service.")
    if not is_known_revision(revisions[0][0]):
        raise BackupError(f"{original} was made by a newer version of this service.")
    _require_no_fault(next(faults(copy), None), original)


def _require_no_fault(fault: str | None, original: Path) -> None:
    if fault is not None:
        raise BackupError(f"{original} is damaged: {fault}")


def _put_aside(database: Path) -> Path | None:
    """Give the database another name as well, and return it; None if there is no database.

    Until another file takes its place the database is there too, so that a kill loses nothing. Its
    log must not be there when another file comes: SQLite would take it for that one's.
    """
    was_there = database.exists()
    _empty_log(database)
    numbers = chain([""], map("-{}".format, count(2)))
    names = (f"{database}.before-restore{number}" for number in numbers)
    aside = next(name for name in names if not any(Path(name + end).exists() for end in SUFFIXES))
    if was_there:
        try:
            os.link(database, aside)
        except OSError:  # a file system without links
            database.replace(aside)
    for end in SUFFIXES[1:]:
        with suppress(FileNotFoundError):
            Path(f"{database}{end}").replace(aside + end)
    return Path(aside) if was_there else None


def _empty_log(database: Path) -> None:
    """Copy the log into the database, if both are sound and nobody else uses them."""
    if database.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other backup or restore is at work in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """A path beside `file` to write to; what is left there is removed at the end."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)  # of one that was killed
    try:
        unfinished.touch(0o600)  # only the owner may read it, like the database
        yield unfinished
    finally:
        for suffix in (*SUFFIXES, "-journal"):
            Path(f"{unfinished}{suffix}").unlink(missing_ok=True)


def _put_in_place(unfinished: Path, file: Path) -> None:
    """Replace `file` by `unfinished`, once all of that is on the disk."""
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
def _errors(file: Path, what: str = "no backup of this service") -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{file} is {what} ({error}).") from error
    except OSError as error:
        raise BackupError(f"{error.filename or file}: {error.strerror}.") from error
    except RuntimeError as error:  # of Path.resolve
        raise BackupError(f"{file} is a link that leads to itself.") from error
