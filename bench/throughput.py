"""Requests a second of the service, beside those of others for the same rows.

The floor is a bare Flask view with the same bytes on the same server; Datasette is what somebody
might install instead; raw sqlite3 is what the rows cost alone.
"""

import json
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

from bench import load
from bench.floor import FILES
from bench.load import Request
from bench.promises import Promise
from bench.serving import HOST, Served, free_port, running
from bench.slow_clients import slow_clients

WORKERS = 2
THREADS = 4  # of the bare view
CONNECTIONS = 16
ID = 4711
SEARCHED = "gmail"  # takes as long as the median of the queries of bench.search

OURS, FLOOR = "this service", "bare Flask, same server"
DATASETTE, RAW = "Datasette", "raw sqlite3, one thread"

PATHS = {
    "one contact": f"/api/v1/contacts/{ID}",
    "list of 50": "/api/v1/contacts?page_size=50&order_by=id",
    "search": f"/api/v1/contacts/search?q={SEARCHED}",
}
SLOW_CLIENTS = 200
BESIDE_SLOW = f"one contact beside {SLOW_CLIENTS} slow clients"
LEAST = {"one contact": 0.25, "list of 50": 0.2, "search": 0.15}  # of the floor

_columns = "id, first_name, last_name, email, phone, blocked, custom_attributes, created_at"
_like = "LIKE '%gmail%'"
STATEMENTS = {
    "one contact": f"SELECT {_columns}, updated_at FROM contacts WHERE id = {ID}",
    "list of 50": f"SELECT {_columns}, updated_at FROM contacts ORDER BY id DESC LIMIT 50",
    "search": f"SELECT {_columns}, updated_at FROM contacts WHERE email {_like} "
    f"OR first_name {_like} OR last_name {_like} ORDER BY id DESC LIMIT 20",
}


@dataclass
class Rates:
    """Requests a second of each round, by what was asked and who answered."""

    rounds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, kind: str, who: str, rate: float) -> None:
        self.rounds.setdefault(kind, {}).setdefault(who, []).append(rate)

    def median(self, kind: str, who: str) -> float:
        return statistics.median(self.rounds[kind][who])

    def promises(self) -> Iterator[Promise]:
        for kind, least in LEAST.items():
            ratio = self.median(kind, OURS) / self.median(kind, FLOOR)
            yield Promise(f"{kind}: of the bare view on the same server", ratio, least, "", True)


def measure(service: Served, database: Path, rounds: int, seconds: float) -> Rates:
    """Everybody in turn, so that what else the machine does meets them alike."""
    rates = Rates()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        others = list(_others(stack, service, database, folder))
        for kind, path in PATHS.items():
            asked = [(OURS, service.port, load.get(path, service.key))]
            asked += [(who, port, load.get(paths[kind], "")) for who, port, paths in others]
            for _ in range(rounds):
                for who, port, request in asked:
                    load.run(port, repeat(request), connections=CONNECTIONS, seconds=seconds / 4)
                    outcome = load.run(
                        port, repeat(request), connections=CONNECTIONS, seconds=seconds
                    )
                    rates.add(kind, who, outcome.rate)
                rates.add(kind, RAW, _raw_rate(database, STATEMENTS[kind], seconds / 4))
        request = repeat(load.get(PATHS["one contact"], service.key))
        _beside_slow_clients(rates, OURS, service.port, request, rounds, seconds)
        for who, port, paths in others[:1]:
            request = repeat(load.get(paths["one contact"], ""))
            _beside_slow_clients(rates, who, port, request, rounds, seconds)
    return rates


def _beside_slow_clients(
    rates: Rates, who: str, port: int, requests: Iterator[Request], rounds: int, seconds: float
) -> None:
    """Add 0 where nothing is answered any more."""
    with slow_clients(port, SLOW_CLIENTS):
        time.sleep(1)
        for _ in range(rounds):
            try:
                outcome = load.run(port, requests, connections=CONNECTIONS, seconds=seconds)
                rates.add(BESIDE_SLOW, who, outcome.rate)
            except TimeoutError:
                rates.add(BESIDE_SLOW, who, 0)
                return


def _others(
    stack: ExitStack, service: Served, database: Path, folder: Path
) -> Iterator[tuple[str, int, dict[str, str]]]:
    files = [
        str(_answer(service, path, folder / str(at))) for at, path in enumerate(PATHS.values())
    ]
    paths = {kind: f"/{at}" for at, kind in enumerate(PATHS)}
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws"]
    granian += ["--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--host", HOST]
    floor = _started(lambda port: [*granian, "--port", port, "bench.floor:app"], folder, files)
    yield FLOOR, stack.enter_context(floor), paths
    link = folder / "contacts.db"
    link.symlink_to(database)
    command = [sys.executable, "-m", "datasette", "serve", str(link), "--host", HOST, "--port"]
    port = stack.enter_context(_started(lambda port: [*command, port], folder, files))
    query = "&_size=50&_shape=array&_nocount=1&_nofacet=1"
    yield (
        DATASETTE,
        port,
        {
            "one contact": f"/contacts/contacts/{ID}.json?_shape=array",
            "list of 50": f"/contacts/contacts.json?_sort_desc=id{query}",
            "search": f"/contacts.json?sql={quote(STATEMENTS['search'])}&_shape=array",
        },
    )


@contextmanager
def _started(make: Callable[[str], list[str]], folder: Path, files: list[str]) -> Iterator[int]:
    port = free_port()
    environ = os.environ | {FILES: " ".join(files)}
    with running(make(str(port)), port, environ, folder / "other.log"):
        time.sleep(1)  # until every worker is there
        yield port


def _answer(service: Served, path: str, file: Path) -> Path:
    headers = {"Authorization": f"Bearer {service.key}"}
    with urlopen(UrlRequest(f"http://{HOST}:{service.port}{path}", headers=headers)) as answer:
        file.write_bytes(answer.read())
    return file


def _raw_rate(database: Path, statement: str, seconds: float) -> float:
    """The rows as JSON, a second, without any server."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        beginning, done = time.perf_counter(), 0
        while time.perf_counter() - beginning < seconds:
            json.dumps([dict(row) for row in connection.execute(statement)])
            done += 1
        return done / (time.perf_counter() - beginning)
