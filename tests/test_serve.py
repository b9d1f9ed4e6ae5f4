"""The service as it is run: `flask serve` in processes of its own, over HTTP."""

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contacts_service.config import PROJECT_FOLDER
from contacts_service.web.openapi import VERSION
from tests.service import FLASK, Reply, Service, free_port


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("served"))
    yield service
    service.stop(20)


def test_fifty_simultaneous_quick_creates_make_one_contact(service: Service) -> None:
    def create(_: int) -> Reply:
        return service.call("POST", "/contacts/quick", {"email": "same@example.com"})

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(create, range(50)))
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({contact["id"] for _, contact in answers}) == 1


def arrive(service: Service, bodies: list[Any]) -> list[Reply]:
    """What each of these messages is answered that arrive at once."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: service.call("POST", "/inbound/messages", body), bodies))


def test_simultaneous_messages_of_somebody_unknown_make_one_contact(service: Service) -> None:
    senders = [{"email": "new@example.com"}, {"email": "NEW@example.com", "phone": "0412 345 678"}]
    bodies = [{"channel": "email", "from": senders[n % 2], "content": str(n)} for n in range(30)]
    answers = arrive(service, bodies)
    assert {status for status, _ in answers} == {201}
    assert len({answer["contact"]["id"] for _, answer in answers}) == 1
    assert sum(answer["contact_created"] for _, answer in answers) == 1
    assert len({answer["conversation"]["reference_number"] for _, answer in answers}) == 30


def test_message_that_is_delivered_ten_times_at_once_is_recorded_once(service: Service) -> None:
    body = {
        "channel": "chat",
        "from": {"identifier": "u-1"},
        "cc": [{"identifier": "u-2"}],
        "message_id": "<once@example.com>",
    }
    answers = arrive(service, [body] * 10)
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]
    assert sorted(answer.pop("duplicate") for _, answer in answers) == [False] + [True] * 9
    assert all(answer == answers[0].data for _, answer in answers)
    path = f"/conversations/{answers[0].data['conversation']['uuid']}/messages"
    assert service.call("GET", path).data["total"] == 1


def test_simultaneous_updates_are_all_kept(service: Service) -> None:
    _, contact = service.call("POST", "/contacts/quick", {"email": "busy@example.com"})

    def note(number: int) -> int:
        path = f"/contacts/{contact['id']}/notes"
        return service.call("POST", path, {"content": f"note {number}"}).status

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(note, range(60))) == [201] * 60
    assert service.call("GET", f"/contacts/{contact['id']}/notes").data["total"] == 60


def test_a_key_revoked_by_command_is_refused_by_every_worker(service: Service) -> None:
    key = service.flask("keys", "create", "--agent=2", "--name=B", "--all-scopes").strip()
    listed = service.flask("keys", "list").splitlines()[-1]
    service.flask("keys", "revoke", listed.split()[0])
    mine, service.key = service.key, key
    try:
        assert {service.call("GET", "/contacts").status for _ in range(20)} == {401}
    finally:
        service.key = mine


def test_a_taken_port_is_one_sentence(service: Service) -> None:
    result = subprocess.run(
        [FLASK, "serve"], cwd=PROJECT_FOLDER, env=service.environ, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert re.fullmatch(rf"Error: Port {service.port} .* is in use.*\.\n", result.stderr)


def test_it_stops_cleanly_when_told_to(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.call("GET", "/contacts")
    assert service.stop(20) == 0
    *messages, last = (json.loads(line)["message"] for line in service.log)
    listening = f"Listening on http://127.0.0.1:{service.port} with 2 workers: version {VERSION}, "
    assert "request" in messages
    [begun] = [message for message in messages if message != "request"]
    assert begun.startswith(f"{listening}database ")
    assert last == "Stopped."
    assert [file.name for file in tmp_path.glob("contacts.db*")] == ["contacts.db"]


def test_a_local_start_prints_a_line_that_works_when_pasted(tmp_path: Path) -> None:
    # In a copy, so that the key of whoever runs the tests stays as it is.
    for name in ("contacts_service", "schemas"):
        shutil.copytree(PROJECT_FOLDER / name, tmp_path / name)
    shutil.copy(PROJECT_FOLDER / "app.py", tmp_path)
    environ = {"PATH": os.environ["PATH"], "CONTACTS_PORT": str(free_port())}
    process = subprocess.Popen(
        [FLASK, "serve", "--local"], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        line = next(line for line in process.stdout or () if "curl" in line)
        answer = json.loads(subprocess.check_output(line, shell=True, stderr=subprocess.DEVNULL))
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert answer["data"]["total"] == 0
    mode = (tmp_path / "instance" / "local-key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
