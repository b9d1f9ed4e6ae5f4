"""What is counted while serving, and its text for Prometheus: right for all workers together.

Every worker counts in files of its own, named by its slot. Who takes the place of a worker goes on
in that worker's files: totals never go backwards, and there are no more files than workers.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPMethod
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

OTHER_METHODS = "other"
NO_ROUTE = "none"
REASONS = ("busy", "slow", "unreachable")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
MEMORY = Path("/dev/shm")  # noqa: S108
PREFIX = "contacts-counters-"
LOCKED_AFTER = 60  # seconds: a folder that is older and that nobody holds is nobody's

disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Gauge:
    """A number that is what it is when it is asked for."""

    name: str
    help: str
    value: float


class Counters:
    """The counters of this process, or, once they are `shared`, of a group of them."""

    def __init__(self) -> None:
        self._shown: Any = self._make()
        self.join(0)

    def _make(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        self._requests = Counter(
            "contacts_requests_total",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "contacts_request_duration_seconds",
            "From the moment at which a thread takes a request to its answer being ready.",
            ("route",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._unavailable = Counter(
            "contacts_database_unavailable_total",
            "Requests that were answered with 503 because of the database.",
            ("reason",),
            registry=registry,
        )
        # By a request's three labels: prometheus_client's own look-up takes longer than counting.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        return registry

    def join(self, slot: int) -> None:
        """Count as this one of the group; no two that are alive may have the same slot."""
        self._slot = slot
        for reason in REASONS:  # a rate is seen only from a number that was there before
            self._unavailable.labels(reason)

    def count_request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answer. `route` is a template, None where no route was found."""
        labels = _bounded(method), route or NO_ROUTE, status
        known = self._known.get(labels)
        if known is None:
            known = self._requests.labels(*labels), self._seconds.labels(labels[1])
            self._known[labels] = known
        total, duration = known
        total.inc()
        duration.observe(seconds)

    def count_refusal(self, method: str, status: int) -> None:
        """Count an answer to what never came as far as a route."""
        self._requests.labels(_bounded(method), NO_ROUTE, status).inc()

    def count_unavailable(self, reason: str) -> None:
        self._unavailable.labels(reason).inc()

    def text(self, gauges: Sequence[Gauge]) -> bytes:
        """All numbers, with these of the moment."""
        return generate_latest(_Shown(self._shown, gauges))

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Let the processes that are forked from here on count together.

        For the one group that this process will ever have: where the library keeps its numbers is
        the same for the whole process.
        """
        with _folder_of_this_process() as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            library: Any = values  # has no types
            library.ValueClass = library.MultiProcessValue(lambda: self._slot)
            self._make()
            self._shown = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]
            yield


def _bounded(method: str) -> str:
    return method if method in HTTPMethod.__members__ else OTHER_METHODS


@dataclass(frozen=True)
class _Shown:
    """What `generate_latest` writes."""

    counted: Any
    gauges: Sequence[Gauge]

    def collect(self) -> Iterator[Metric]:
        yield from self.counted.collect()
        for gauge in self.gauges:
            yield GaugeMetricFamily(gauge.name, gauge.help, gauge.value)


@contextmanager
def _folder_of_this_process() -> Iterator[Path]:
    """A new folder, in memory where that can be, removed at the end by who made it alone."""
    maker = os.getpid()
    where = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _remove_abandoned(where)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where))
    held = os.open(folder, os.O_RDONLY)  # until the last of the group is gone, however it went
    fcntl.flock(held, fcntl.LOCK_SH)
    try:
        yield folder
    finally:
        if os.getpid() == maker:  # workers leave through here as well
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(where: Path) -> None:
    """Remove the folders of those who were killed."""
    for folder in where.glob(f"{PREFIX}*"):
        with suppress(OSError):  # held, another user's, or gone
            if time.time() - folder.stat().st_mtime < LOCKED_AFTER:
                continue
            opened = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(opened)
