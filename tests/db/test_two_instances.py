"""Two instances of the service over one PostgreSQL database, written to by many at once."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from contacts_service.config import PROJECT_FOLDER
from contacts_service.db.session import read_connection
from contacts_service.search.index import find_differences
from tests.conftest import make_api, make_app

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

WRITERS, CALLS, ADDRESSES = 30, 40, 25


@contextmanager
def serving(app: Flask, folder: Path) -> Iterator[int]:
    """The port of an instance that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = app.extensions["database"].url.render_as_string(hide_password=False)
    environ = {name: value for name, value in os.environ.items() if "CONTACTS_" not in name}
    environ |= {
        "CONTACTS_DATABASE_URL": url, "CONTACTS_PORT": str(port), "CONTACTS_WORKERS": "2",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "serve"]
    with (folder / f"{port}.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=PROJECT_FOLDER, env=environ, stderr=log)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return make_app(tmp_path)


@pytest.fixture
def ports(app: Flask, tmp_path: Path) -> Iterator[list[int]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(app, tmp_path)) for _ in range(2)]


def post(port: int, token: str, path: str, body: Any) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.status, json.loads(response.read())["data"]
    connection.close()
    return answer


def test_fifty_at_once_make_one_contact(app: Flask, ports: list[int]) -> None:
    token = make_api(app).token
    body = {"email": "linda@example.com"}
    with ThreadPoolExecutor(50) as callers:
        answers = list(
            callers.map(lambda n: post(ports[n % 2], token, "/contacts/quick", body), range(50))
        )
    assert Counter(status for status, _ in answers) == {201: 1, 200: 49}
    assert len({contact["id"] for _, contact in answers}) == 1


def test_thirty_writers_make_no_address_twice_and_meet_no_defect(
    app: Flask, ports: list[int]
) -> None:
    api = make_api(app)

    def write(writer: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        for call in range(CALLS):
            address = f"person{(7 * writer + call) % ADDRESSES}@example.com"
            body: dict[str, Any] = {"email": address, "first_name": f"By {writer}"}
            path = "/contacts/quick"
            if call % 2:
                path = "/inbound/messages"
                body = {"channel": "email", "from": body, "content": f"{writer} {call}"}
            status, _ = post(ports[(writer + call) % 2], api.token, path, body)
            statuses[status] += 1
        return statuses

    with ThreadPoolExecutor(WRITERS) as writers:
        statuses = sum(writers.map(write, range(WRITERS)), Counter())
    assert set(statuses) <= {200, 201}
    assert statuses.total() == WRITERS * CALLS
    contacts = api.get("/contacts?page_size=100")
    addresses = [contact["email"] for contact in contacts["results"]]
    assert contacts["total"] == len(addresses) == len(set(addresses)) == ADDRESSES
    with app.app_context():
        assert list(find_differences(read_connection())) == []
