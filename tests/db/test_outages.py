"""Where the database cannot do its work: 503, nothing half-written, and back without a restart."""

import random
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.service import Reply, Service, served

pytestmark = pytest.mark.slow


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with served(tmp_path, CONTACTS_BUSY_TIMEOUT="2") as service:
        yield service


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """The database while another process writes to it for a long time."""
    with closing(sqlite3.connect(service.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def make(service: Service, number: int = 0) -> Reply:
    return service.call("POST", "/contacts/quick", {"email": f"a{number}@example.com"})


def assert_unavailable(reply: Reply) -> None:
    assert reply.status == 503, reply
    assert reply.data["type"] == "UnavailableError"
    assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize("writers", [1, 15, 100])
def test_lock_of_another_process_holds_no_reader_up(service: Service, writers: int) -> None:
    contact = make(service).data["id"]
    with locked(service), ThreadPoolExecutor(writers) as pool:
        begun = time.monotonic()
        replies = [pool.submit(make, service, 1 + number) for number in range(writers)]
        time.sleep(0.3)
        answered = 0
        while time.monotonic() < begun + 1.5 or not answered:
            assert service.call("GET", f"/contacts/{contact}").status == 200
            assert service.health() == 200
            answered += not any(reply.done() for reply in replies)
        for reply in replies:
            assert_unavailable(reply.result())
        waited = time.monotonic() - begun
    assert answered > 0
    assert waited < 2 + 10  # the time-out counts from when a request came, not from its turn
    assert service.recovers("GET", "/contacts").data["total"] == 1
    assert make(service, 1).status == 201


def test_writers_behind_a_lock_go_on_when_it_ends(service: Service) -> None:
    with ThreadPoolExecutor(40) as pool:
        with locked(service):
            replies = [pool.submit(make, service, number) for number in range(40)]
            time.sleep(1)
        assert {reply.result().status for reply in replies} == {201}
    assert service.call("GET", "/contacts").data["total"] == 40


def test_stop_behind_a_lock_answers_all_that_was_accepted(service: Service) -> None:
    with ThreadPoolExecutor(100) as pool, locked(service):
        replies = [pool.submit(make, service, number) for number in range(100)]
        time.sleep(1)
        assert service.stop() == 0
        for reply in replies:
            assert_unavailable(reply.result())


def take_away(service: Service, folder: Path) -> Callable[[], None]:
    """Move the database's files away; what brings them back."""
    folder.mkdir()
    for file in service.database.parent.glob("contacts.db*"):
        file.rename(folder / file.name)

    def bring_back() -> None:
        for file in service.database.parent.glob("contacts.db*"):
            file.unlink()
        for file in folder.glob("contacts.db*"):
            file.rename(service.database.parent / file.name)

    return bring_back


@pytest.mark.parametrize("instead", ["nothing", "an empty file", "noise", "a folder"])
def test_removed_database_is_unavailable_until_it_is_back(
    service: Service, tmp_path: Path, instead: str
) -> None:
    contact = make(service).data["id"]
    bring_back = take_away(service, tmp_path / "kept")
    match instead:
        case "an empty file":
            service.database.touch()
        case "noise":
            service.database.write_bytes(random.randbytes(100_000))
        case "a folder":
            service.database.mkdir()
    for _ in range(4):
        assert_unavailable(make(service, 1))
        assert_unavailable(service.call("GET", f"/contacts/{contact}"))
        assert service.health() == 503
    if instead == "a folder":
        service.database.rmdir()
    bring_back()
    assert service.recovers("GET", "/contacts").data["total"] == 1
    assert make(service, 1).status == 201
    assert service.stop() == 0
    assert "are sound" in service.flask("check")


def test_database_put_in_the_place_of_another_is_the_one_that_answers(service: Service) -> None:
    make(service)
    copy = service.database.with_name("copy.db")
    service.flask("backup", str(copy))
    make(service, 1)
    for suffix in ("-wal", "-shm"):
        Path(f"{service.database}{suffix}").unlink()
    copy.replace(service.database)
    assert {service.call("GET", "/contacts").data["total"] for _ in range(10)} == {1}
    assert make(service, 1).status == 201


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("This user may not mount a tmpfs to fill.")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk_is_unavailable_until_there_is_room(small_disk: Path) -> None:
    with served(small_disk) as service:
        made = {make(service, number).data["id"] for number in range(20)}
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        number = 20
        while (reply := make(service, number)).status == 201:  # what room the log had
            made.add(reply.data["id"])
            number += 1
        assert_unavailable(reply)
        for more in range(number, number + 20):
            assert_unavailable(make(service, more))
        assert service.call("GET", "/contacts").data["total"] == len(made)
        ballast.unlink()
        assert service.recovers("POST", "/contacts/quick", {"email": "x@example.com"}).status == 201
        assert service.call("GET", "/contacts").data["total"] == len(made) + 1
        assert service.stop() == 0
        assert "are sound" in service.flask("check")


def test_stop_under_load_answers_every_request(service: Service) -> None:
    contact = make(service).data["id"]

    path, body = f"/contacts/{contact}/notes", {"content": "note"}
    with ThreadPoolExecutor(40) as pool:
        replies = [pool.submit(service.call, "POST", path, body) for _ in range(40)]
        time.sleep(0.3)
        assert service.stop() == 0
        answered = [reply.result().status for reply in replies]
    assert answered == [201] * 40
    service.process = service.start()
    assert service.call("GET", f"/contacts/{contact}/notes").data["total"] == 40
