"""What the service takes: time to start, memory of a worker, time and memory of an import."""

import csv
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench import load
from bench.directories import IMPORTED_COLUMNS, contact, opened, scratch_file
from bench.people import people
from bench.promises import Promise
from bench.serving import HOST, Served, free_port, served_environ
from bench.throughput import CONNECTIONS, PATHS
from contacts_service import limits
from contacts_service.config import PROJECT_FOLDER
from contacts_service.contacts import bulk, channels
from contacts_service.search.ranking import make_document
from contacts_service.search.tokens import tokens

BATCH = 1000
MIB = 1 << 20


def start_promise(database: Path, times: int) -> Promise:
    """From the command to the first answer."""
    fastest = min(_start(database) for _ in range(times))
    return Promise("seconds from the command to the first answer", fastest, 2, "s")


def _start(database: Path) -> float:
    port = free_port()
    beginning = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "flask", "serve"],
        cwd=PROJECT_FOLDER,
        env=served_environ(database, port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                with urlopen(f"http://{HOST}:{port}/health"):
                    return time.perf_counter() - beginning
            except URLError:
                time.sleep(0.01)
    finally:
        server.terminate()
        server.wait()


def memory_promise(service: Served, seconds: float) -> Promise:
    """The private memory of the largest worker, once it has answered everything for a while."""
    for path in PATHS.values():
        requests = iter(lambda: load.get(path, service.key), None)  # noqa: B023
        load.run(service.port, requests, connections=CONNECTIONS, seconds=seconds)
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    largest = max(_private_bytes(int(child)) for child in children)
    return Promise("private memory of a worker", largest / MIB, 110, "MiB")


def _private_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(1024 * int(size) for size in re.findall(r"Private_\w+:\s+(\d+) kB", rollup))


def import_promises(folder: Path, rows: int) -> Iterator[Promise]:
    """An import by the command, beside `executemany` of rows and tokens that are ready."""
    with (
        scratch_file(folder / "imported.db") as database,
        scratch_file(folder / "people.csv") as file,
    ):
        with file.open("w", encoding="utf-8", newline="") as opened_file:
            writer = csv.DictWriter(opened_file, IMPORTED_COLUMNS)
            writer.writeheader()
            writer.writerows(people(rows, seed=13))
        seconds, memory = _import(database, file)
    with scratch_file(folder / "plain.db") as database:
        plain = _plain(database, rows)
    print(f"import {rows / seconds:,.0f} rows a second, plain executemany {rows / plain:,.0f}")
    yield Promise("import: of the speed of plain executemany", plain / seconds, 0.2, "", True)
    yield Promise("memory of an import", memory / MIB, 200, "MiB")


def _import(database: Path, file: Path) -> tuple[float, int]:
    """The seconds and the most memory of the command."""
    command = [sys.executable, "-m", "flask", "contacts", "import", str(file)]
    beginning, most = time.perf_counter(), 0
    process = subprocess.Popen(
        command,
        cwd=PROJECT_FOLDER,
        env=served_environ(database, 0),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:  # what wait4 tells counts the memory of this process too
        most = max(most, _most_bytes(process.pid))
        time.sleep(0.02)
    return time.perf_counter() - beginning, most


def _most_bytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return 1024 * int(found[1]) if found else 0  # it is gone, but for its exit code


def _plain(database: Path, rows: int) -> float:
    """The seconds that sqlite3 alone takes with what the import writes."""
    with opened(database):
        pass  # makes the tables
    made = enumerate(people(rows, seed=13), 1)
    seconds = 0.0
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        while batch := list(islice(made, BATCH)):
            statements = list(_prepared(batch))
            beginning = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for table, columns, values in statements:
                places = ", ".join("?" * len(columns))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", values
                )
            connection.execute("COMMIT")
            seconds += time.perf_counter() - beginning
    return seconds


def _prepared(
    batch: list[tuple[int, dict[str, str | None]]],
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """The rows of a batch for each table."""
    people_made = [(number, person, contact(number, person)) for number, person in batch]
    for number, _, one in people_made:
        one.id = number
    yield "contacts", bulk.COLUMNS, [bulk.row(one) for _, _, one in people_made]
    yield (
        "contact_channels",
        channels.COLUMNS,
        [
            (one.id, limits.EMAIL, one.email, True, one.created_at, one.updated_at)
            for _, _, one in people_made
            if one.email
        ],
    )
    documents = [(n, make_document(**person, identifiers=())) for n, person, _ in people_made]
    yield (
        "contact_documents",
        ("id", "contact_id", "document"),
        [(number, number, document.dump()) for number, document in documents],
    )
    yield (
        "contact_search",
        ("rowid", "tokens"),
        [(number, " ".join(tokens(document))) for number, document in documents],
    )
