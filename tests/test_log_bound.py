"""The write-ahead log stays short, though readers never pause."""

import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.service import ROUNDS, Service, at_once, served

pytestmark = pytest.mark.slow

BOUND = 64 * 2**20
SECONDS = 15 * ROUNDS
READERS, WRITERS = 8, 6


def test_log_stays_short_while_readers_overlap(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        service.flask("demo", "--contacts=5000")
        service.call("POST", "/contacts/quick", {"email": "first@example.com"})
        log = Path(f"{service.database}-wal")
        may_end, sizes, written = threading.Event(), [0], list[int]()

        def read() -> None:
            ask(service, may_end, lambda _: ("GET", "/contacts?page_size=100", None))

        def write(first: int) -> None:
            written.append(ask(service, may_end, lambda n: create(first, n)))

        works = [read] * READERS + [lambda n=n: write(n) for n in range(WRITERS)]
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


def create(first: int, number: int) -> tuple[str, str, dict[str, str]]:
    return "POST", "/contacts/quick", {"email": f"new-{first}-{number}@example.com"}


def ask(service: Service, may_end: threading.Event, request: Callable[[int], Any]) -> int:
    """How many requests were answered, one after the other."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    number = 0
    while not may_end.is_set():
        assert service.ask(connection, *request(number)).status in {200, 201}
        number += 1
    connection.close()
    return number
