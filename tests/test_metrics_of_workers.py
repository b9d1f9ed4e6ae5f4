"""`/metrics` of several workers: one count for all of them, also for those that are gone."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.service import Service, served, wait_for
from tests.test_metrics import Numbers, numbers_in

ROUTE = "/api/v1/contacts/search"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with served(tmp_path_factory.mktemp("served"), CONTACTS_METRICS="true") as service:
        yield service


def scrape(service: Service) -> Numbers:
    with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=20) as answer:
        return numbers_in(answer.read().decode())


def files(worker: int) -> set[Path]:
    """The files in which a worker counts."""
    maps = Path(f"/proc/{worker}/maps").read_text()
    return {Path(path) for path in re.findall(r"\S+/contacts-metrics-\S+", maps)}


def search_on_both(service: Service) -> int:
    """Search until each worker has counted; how often it was."""
    for number in range(1, 5000):
        assert service.call("GET", "/contacts/search?q=linda").status == 200
        workers = service.workers()
        if number >= 20 and len(workers) == 2 and all(map(has_answered, workers)):
            return number
    raise TimeoutError


def has_answered(worker: int) -> bool:
    return any("histogram" in file.name for file in files(worker))


def test_no_count_is_lost_with_a_worker_and_no_file_outlives_the_service(service: Service) -> None:
    sent = search_on_both(service)
    name = f"contacts_requests_total GET {ROUTE} 200"
    assert {scrape(service)[name] for _ in range(10)} == {sent}
    [folder] = {file.parent for worker in service.workers() for file in files(worker)}
    first, second = service.workers()
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: first not in service.workers() and len(service.workers()) == 2, 10)
    assert second in service.workers()
    sent += search_on_both(service)
    numbers = scrape(service)
    assert numbers[name] == sent
    assert numbers[f"contacts_request_duration_seconds_count {ROUTE}"] == sent
    assert service.stop(20) == 0
    assert not folder.exists()
