"""How long an answer takes as the directory grows, and while others write."""

import json
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, repeat
from pathlib import Path
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

from bench import load
from bench.directories import copied
from bench.load import Request
from bench.promises import Promise
from bench.search_queries import percentile
from bench.serving import HOST, Served, served
from bench.throughput import CONNECTIONS, PATHS, WORKERS

MOST_GROWTH = 2  # of the p99, from the small to the large directory
FAR_PAGE_MS = 60
MOST_SLOWER = 3  # the p99 of reads beside writes
WRITES_EVERY = 20  # requests: 5 %

FAR_PAGES = ("middle page", "deepest page")

Seconds = dict[str, list[float]]  # by what was asked


def by_size(small: Path, large: Path, rounds: int, each: int) -> tuple[Seconds, Seconds]:
    """The seconds of each kind of request on copies of both directories, in turn, one at a time."""
    taken: tuple[Seconds, Seconds] = ({}, {})
    with ExitStack() as stack:
        services = [
            stack.enter_context(served(stack.enter_context(copied(path)), WORKERS))
            for path in (small, large)
        ]
        kinds = [_kinds(service) for service in services]
        for number in range(rounds + 1):
            for kind in kinds[0]:
                for service, requests, seconds in zip(services, kinds, taken, strict=True):
                    outcome = load.run(
                        service.port, requests[kind], connections=1, seconds=30, most=each
                    )
                    if number:  # the first round warms up
                        seconds.setdefault(kind, []).extend(outcome.taken[""])
    return taken


def promises(small: Seconds, large: Seconds) -> Iterator[Promise]:
    for kind in small:
        slowest = percentile(large[kind], 99)
        if kind in FAR_PAGES:
            yield Promise(f"{kind}: p99 at 1,000,000", 1000 * slowest, FAR_PAGE_MS, "ms")
        else:
            growth = slowest / percentile(small[kind], 99)
            yield Promise(f"{kind}: p99 at 1,000,000 against 82,171", growth, MOST_GROWTH, "times")


def _kinds(service: Served) -> dict[str, Iterator[Request]]:
    first = _ask(service, "/api/v1/contacts")["data"]
    cursor = _ask(service, "/api/v1/contacts?cursor=")["data"]["next_cursor"]

    def ask(path: str) -> Iterator[Request]:
        return repeat(load.get(path, service.key))

    return {
        "one contact": ask(PATHS["one contact"]),
        "first page": ask("/api/v1/contacts"),
        "page by cursor": ask(f"/api/v1/contacts?cursor={cursor}"),
        "search": ask(PATHS["search"]),
        "quick-create": _creates(service, ""),
        FAR_PAGES[0]: ask(f"/api/v1/contacts?page={first['total_pages'] // 2}"),
        FAR_PAGES[1]: ask(f"/api/v1/contacts?page={first['total_pages']}"),
    }


def beside_writes(database: Path, rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """The seconds of reads without and with 5 % of writes among them, sixteen at a time."""
    alone, beside = [], []
    with copied(database) as copy, served(copy, WORKERS) as service:
        writes = _creates(service, "write")
        for _ in range(rounds):
            for times, mixed in ((alone, False), (beside, True)):
                requests = _mix(service, writes if mixed else None)
                outcome = load.run(service.port, requests, connections=CONNECTIONS, seconds=seconds)
                times.append(percentile(outcome.taken["read"], 99))
    return alone, beside


def mix_promise(alone: list[float], beside: list[float]) -> Promise:
    slower = statistics.median(beside) / statistics.median(alone)
    return Promise("reads: p99 beside 5 % of writes", slower, MOST_SLOWER, "times")


def _mix(service: Served, writes: Iterator[Request] | None) -> Iterator[Request]:
    reads = [load.get(path, service.key, "read") for path in PATHS.values()]
    for number in count():
        is_write = writes is not None and number % WRITES_EVERY == 0
        yield next(writes) if is_write and writes else reads[number % len(reads)]


def _creates(service: Served, kind: str) -> Iterator[Request]:
    for number in count():
        body = json.dumps({"email": f"{kind or 'new'}-{number}@example.com", "first_name": "Nora"})
        yield load.post("/api/v1/contacts/quick", service.key, body.encode(), kind)


def _ask(service: Served, path: str) -> dict[str, dict[str, str]]:
    headers = {"Authorization": f"Bearer {service.key}"}
    with urlopen(UrlRequest(f"http://{HOST}:{service.port}{path}", headers=headers)) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
        return found
