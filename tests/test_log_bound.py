"""The write-ahead log stays short, though readers never pause."""

import random
import sqlite3
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.files import fill_directory
from tests.service import ROUNDS, Service, at_once, served

pytestmark = pytest.mark.slow

# What is promised. The log is emptied from 16 MiB on, but where the machine is so busy that readers
# stay for longer than the service waits, it grows on for seconds until the next try.
BOUND = 64 * 2**20
SECONDS = 15 * ROUNDS
READERS, WRITERS = 4, 6
CONTENT = "x" * 10_000


def test_log_stays_short_while_readers_overlap(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        fill_directory(f"sqlite:///{service.database}", 5000)
        contact = service.call("POST", "/contacts/quick", {"email": "a@example.com"}).data["id"]
        path = f"/contacts/{contact}/notes"
        log = Path(f"{service.database}-wal")
        may_end, sizes, written = threading.Event(), [0], list[int]()

        def read() -> None:
            with closing(sqlite3.connect(service.database, isolation_level=None)) as reader:
                while not may_end.is_set():
                    reader.execute("BEGIN")
                    reader.execute("SELECT max(id) FROM contact_notes").fetchone()
                    time.sleep(random.uniform(0.03, 0.06))
                    reader.execute("ROLLBACK")

        def write() -> None:
            written.append(write_notes(service, path, may_end))

        works = [read] * READERS + [write] * WRITERS
        with at_once(works):
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and not may_end.is_set():
                sizes.append(log.stat().st_size)
                time.sleep(0.05)
            may_end.set()
        assert sum(written) > 100
        assert max(sizes) > 2**20
        assert max(sizes) < BOUND
        assert service.stop() == 0
        assert not log.exists()


def write_notes(service: Service, path: str, may_end: threading.Event) -> int:
    """How many notes were written, one after the other."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    number = 0
    while not may_end.is_set():
        assert service.ask(connection, "POST", path, {"content": CONTENT}).status == 201
        number += 1
    connection.close()
    return number
