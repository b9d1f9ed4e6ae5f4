"""What connections are made with: how a server is watched over a network, and an encoding."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from flask import Flask

from contacts_service.db import postgresql
from contacts_service.db.session import db
from contacts_service.factory import create_app
from tests import databases
from tests.client import Api
from tests.conftest import make_api, make_app

pytestmark = pytest.mark.postgresql


@contextmanager
def listening(server: str) -> Iterator[int]:
    """A port at which the first caller is connected with a server's socket."""

    def forward(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def connect() -> None:
        here = listener.accept()[0]
        there = socket.socket(socket.AF_UNIX)
        there.connect(f"{server}/.s.PGSQL.5432")
        back = threading.Thread(target=forward, args=(there, here))
        back.start()
        forward(here, there)
        back.join()
        here.close()
        there.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=connect)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("option", "seconds"), [("", 10), ("&keepalives_idle=77", 77)], ids=["default", "by the URL"]
)
def test_a_machine_that_is_gone_is_noticed(tmp_path: Path, option: str, seconds: int) -> None:
    database = databases.database_url(tmp_path, is_migrated=True)
    server = os.environ[databases.SERVER]
    with listening(server) as port:
        at_port = database.replace(f"host={server}", f"host=127.0.0.1&port={port}{option}")
        made = create_app({"CONTACTS_DATABASE_URL": at_port}).extensions["database"]
        with (
            closing(made.connect()) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as line,
        ):
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            probes = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
            times = [line.getsockopt(socket.IPPROTO_TCP, probe) for probe in probes]
            assert times == [seconds, 5, 4]
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_the_database_s_own_encoding_for_clients_does_not_matter(tmp_path: Path) -> None:
    api = make_api(app := make_app(tmp_path))
    with databases.by_other_hands(app) as connection:
        name = app.extensions["database"].url.database
        connection.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    databases.end_connections(name)
    api.make_contact("wang@example.com", first_name="小明")
    assert api.get("/contacts/search?q=小")[0]["first_name"] == "小明"


@pytest.fixture
def limited(tmp_path: Path) -> Api:
    """A caller of a service that has two connections at most."""
    owner = make_api(app := make_app(tmp_path))
    role = f"limited_{os.getpid()}_{crc32(tmp_path.name.encode()):x}"
    with databases.by_other_hands(app) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")
        for things in ("TABLES", "SEQUENCES"):
            connection.execute(f"GRANT ALL ON ALL {things} IN SCHEMA public TO {role}")
    url = databases.database_url(tmp_path).replace(f"//{databases.OWNER}@", f"//{role}@")
    return Api(create_app({"CONTACTS_DATABASE_URL": url}).test_client(), owner.token)


def read_at_once(app: Flask) -> None:
    database = app.extensions["database"]
    for reading in [database.begin_reading(None) for _ in range(2)]:
        database.end_reading(reading)


def write_at_once(app: Flask) -> None:
    with app.app_context():
        for connection in [db.engine.raw_connection() for _ in range(2)]:
            connection.close()


@pytest.mark.parametrize("fill", [read_at_once, write_at_once])
def test_connections_at_rest_leave_room_for_others(
    limited: Api, fill: Callable[[Flask], None]
) -> None:
    fill(limited.client.application)
    assert limited.get("/contacts")["total"] == 0
    limited.make_contact("linda@example.com")
    assert limited.get("/contacts")["total"] == 1


def test_a_silent_server_stops_nobody_but_who_asks_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PROMPT_SECONDS", 0.3)
    database = app.extensions["database"]
    database.close_idle()
    silent = [database.begin_reading(None) for _ in range(5)]
    processes = [str(reading.server.info.backend_pid) for reading in silent]
    for reading, process in zip(silent, processes, strict=True):
        reading.executor.execute("SELECT 1", [])
        os.kill(int(process), signal.SIGSTOP)
    began = time.monotonic()
    with subprocess.Popen(["/bin/sh", "-c", f"sleep 2; kill -CONT {' '.join(processes)}"]):
        for reading in silent:
            database.end_reading(reading)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(database.begin_reading, None)
            steps = 0
            while not asked.done():
                time.sleep(0.01)
                steps += 1
        assert time.monotonic() - began < 1  # though five are silent
    assert steps > 5
    other = asked.result()
    assert other.executor.execute("SELECT 2", []).fetchone() == (2,)
    assert other.server not in [reading.server for reading in silent]
    database.end_reading(other)
