"""Makes directories of made-up people, and measures their bytes, writes and imports."""

import csv
import shutil
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zlib import crc32

from bench.people import people
from contacts_service.contacts import bulk
from contacts_service.contacts import service as contacts
from contacts_service.db.migrate import FOLDER as MIGRATIONS
from contacts_service.db.migrate import migrate_database
from contacts_service.db.session import close_connections, db, unit_of_work
from contacts_service.factory import create_app
from contacts_service.search import index
from contacts_service.search.ranking import make_document
from contacts_service.search.tokens import tokens
from contacts_service.timestamps import format_timestamp
from contacts_service.transfer.importer import Import
from schemas.contacts import ContactSchema

BATCH = 2000
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
NINE_COLUMNS = ", ".join(ContactSchema().fields)
NINE_TYPES = NINE_COLUMNS.replace("id,", "id INTEGER PRIMARY KEY,", 1)
FOLDED_COLUMNS = ("first_name_folded", "last_name_folded", "email_folded")
IMPORTED_COLUMNS = ("first_name", "last_name", "email", "phone")


@contextmanager
def opened(path: Path) -> Iterator[None]:
    """The service on the database at `path`, in an application context."""
    app = create_app({"CONTACTS_DATABASE_URL": f"sqlite:///{path}"})
    with app.app_context():
        migrate_database(may_create=True)
        try:
            yield
        finally:
            close_connections()


def directory(folder: Path, count: int) -> Path:
    """The database of a directory of `count` people in `folder`, made if it is not there."""
    path = folder / f"contacts-{count}-{_version():08x}.db"
    if path.exists():
        print(f"{count:>9,} people, as made before: {path}")
        return path
    for old in folder.glob(f"contacts-{count}-*"):
        old.unlink()
    unfinished = path.with_suffix(".unfinished.db")
    beginning = time.perf_counter()
    with opened(unfinished):
        _fill(count)
    seconds = time.perf_counter() - beginning
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    unfinished.rename(path)
    print(f"{count:>9,} people, made at {count / seconds:,.0f} rows a second: {path}")
    return path


def _version() -> int:
    """A number that changes when the people, their tokens or the tables do."""
    version = 0
    for person in people(1000):
        document = make_document(**person, identifiers=())
        parts = (str(person), document.dump(), *sorted(tokens(document)))
        version = crc32("\n".join(parts).encode(), version)
    for migration in sorted((MIGRATIONS / "versions").glob("*.py")):
        version = crc32(migration.read_bytes(), version)
    return version


def _fill(count: int) -> None:
    made = enumerate(people(count))
    while batch := list(islice(made, BATCH)):
        rows = [(contact(number, person), ()) for number, person in batch]
        with unit_of_work() as session:
            bulk.create_contacts(session, rows)
    index.merge()  # as after an import


def contact(number: int, person: dict[str, str | None]) -> bulk.NewContact:
    moment = format_timestamp(BEGINNING + timedelta(seconds=100 * number))
    return bulk.NewContact(**person, created_at=moment, updated_at=moment)


def search_bytes(path: Path) -> tuple[dict[str, int], int]:
    """The bytes of each part that only search needs, and of the nine documented columns."""
    with closing(sqlite3.connect(path)) as connection:
        # Of an ordinary table's pages, as many bytes as its folded columns hold.
        folded = " + ".join(f"ifnull(sum(length(CAST({c} AS BLOB))), 0)" for c in FOLDED_COLUMNS)
        parts = dict(
            connection.execute(
                "SELECT name, sum(pgsize) FROM dbstat WHERE name LIKE 'contact_search%' "
                "OR name LIKE '%contact_documents%' GROUP BY name ORDER BY 2 DESC"
            )
        )
        parts["folded columns"] = connection.execute(f"SELECT {folded} FROM contacts").fetchone()[0]
        with scratch_file(path) as scratch:
            connection.execute("ATTACH ? AS scratch", (str(scratch),))
            connection.execute(f"CREATE TABLE scratch.bare ({NINE_TYPES})")
            connection.execute(
                f"INSERT INTO scratch.bare SELECT {NINE_COLUMNS} FROM main.contacts ORDER BY id"
            )
            connection.commit()
            bare: int = connection.execute(
                "SELECT sum(pgsize) FROM dbstat('scratch') WHERE name = 'bare'"
            ).fetchone()[0]
            connection.execute("DETACH scratch")
    return parts, bare


def write_cost(path: Path, rounds: int) -> tuple[float, float]:
    """The median seconds of a committed quick create, and of a bare INSERT of nine columns.

    They alternate on a copy of the directory, through connections that are set up alike.
    """
    with copied(path) as copy, opened(copy):
        with unit_of_work() as session:
            session.connection().exec_driver_sql(f"CREATE TABLE bare ({NINE_TYPES})")
        quick, bare = [], []
        for number, person in enumerate(people(rounds, seed=11)):
            quick.append(_seconds(lambda: _quick_create(number, person)))  # noqa: B023
            bare.append(_seconds(lambda: _bare_insert(number, person)))  # noqa: B023
    return statistics.median(quick), statistics.median(bare)


def _seconds(work: Callable[[], None]) -> float:
    beginning = time.perf_counter()
    work()
    return time.perf_counter() - beginning


def _quick_create(number: int, person: dict[str, str | None]) -> None:
    with unit_of_work() as session:
        names = {"first_name": person["first_name"], "last_name": person["last_name"]}
        contacts.quick_create(session, f"new-{number}@example.com", **names)


def _bare_insert(number: int, person: dict[str, str | None]) -> None:
    email, moment = f"new-{number}@example.com", format_timestamp(datetime.now(UTC))
    row = (person["first_name"], person["last_name"], email, None, 0, "{}", moment, moment)
    with closing(db.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(f"INSERT INTO bare VALUES (NULL{', ?' * len(row)})", row)
        cursor.execute("COMMIT")


def import_speed(folder: Path, count: int) -> tuple[float, Counter[str]]:
    """Rows a second of an import of `count` people into an empty directory, and their outcomes.

    Of namesakes without any address not everybody is somebody new.
    """
    with scratch_file(folder / "import.db") as database, scratch_file(folder / "people.csv") as f:
        with f.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, IMPORTED_COLUMNS)
            writer.writeheader()
            writer.writerows(people(count, seed=13))
        with opened(database):
            beginning = time.perf_counter()
            with Import(f) as importing:
                done = sum(importing.batches())
            seconds = time.perf_counter() - beginning
    importing.refused_path.unlink(missing_ok=True)
    return done / seconds, importing.counts


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """A copy of a directory that may be written to."""
    with scratch_file(path) as copy:
        shutil.copyfile(path, copy)
        yield copy


@contextmanager
def scratch_file(beside: Path) -> Iterator[Path]:
    """A path for a file that is removed at the end, with the files that SQLite adds to it."""
    path = beside.with_name(f"scratch-{beside.name}")
    try:
        yield path
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
