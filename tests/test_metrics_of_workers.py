"""`/metrics` of several workers: one count for all of them, also for those that are gone."""

import fcntl
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client import values

from contacts_service import counters
from tests.service import Service, served
from tests.test_metrics import Numbers, numbers_in
from tests.test_turns import wait_for

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
    return {Path(path) for path in re.findall(r"\S+/contacts-counters-\S+", maps)}


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


def replace(service: Service, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while worker in service.workers() or len(service.workers()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_folders_of_those_who_were_killed_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "MEMORY", tmp_path)
    monkeypatch.setitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    abandoned, held, new = (tmp_path / f"{counters.PREFIX}{n}" for n in ("a", "held", "new"))
    for folder in (abandoned, held, new):
        folder.mkdir()
    (abandoned / "counter_0.db").touch()
    for folder in (abandoned, held):
        os.utime(folder, (0, 0))
    holder = os.open(held, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_SH)
    with counters.Counters().shared():
        assert {held, new} < set(tmp_path.iterdir())
        assert len(list(tmp_path.iterdir())) == 3
    os.close(holder)
    assert set(tmp_path.iterdir()) == {held, new}


def refusals(service: Service) -> list[Any]:
    """What the log tells of requests that the application never saw."""
    told = [json.loads(line) for line in list(service.log)]
    return [each for each in told if "by the server itself" in each["message"]]


def test_what_the_application_never_saw_is_counted(service: Service) -> None:
    for request in (b"rubbish\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", service.port), 10) as client:
            client.sendall(request)
            assert client.recv(100).startswith(b"HTTP/1.")
    numbers = scrape(service)
    assert numbers["contacts_requests_total other none 400"] == 1
    assert numbers["contacts_requests_total POST none 413"] == 1
    assert wait_for(lambda: len(refusals(service)) == 2)
    assert sorted(each["message"].split()[5] for each in refusals(service)) == ["400", "413"]
    assert all(each["request_id"] for each in refusals(service))


def test_no_count_is_lost_with_a_worker_and_no_file_is_left_over(service: Service) -> None:
    sent = search_on_both(service)
    name = f"contacts_requests_total GET {ROUTE} 200"
    assert {scrape(service)[name] for _ in range(10)} == {sent}
    before = set().union(*map(files, service.workers()))
    [folder] = {file.parent for file in before}
    for worker in service.workers():
        replace(service, worker)
        assert scrape(service)[name] == sent
        sent += search_on_both(service)
    numbers = scrape(service)
    assert numbers[name] == sent
    assert numbers[f"contacts_request_duration_seconds_count {ROUTE}"] == sent
    assert set(folder.iterdir()) == before
    service.process.terminate()
    assert service.process.wait(20) == 0
    assert not folder.exists()
