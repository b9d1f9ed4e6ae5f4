"""What connections are made with: how a server is watched over a network, and an encoding."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from contacts_service import create_app, postgresql
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


def test_who_reads_leaves_room_for_who_writes(tmp_path: Path) -> None:
    owner = make_api(app := make_app(tmp_path))
    with databases.by_other_hands(app) as connection:
        connection.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 2")
        for things in ("TABLES", "SEQUENCES"):
            connection.execute(f"GRANT ALL ON ALL {things} IN SCHEMA public TO limited")
    url = databases.database_url(tmp_path).replace(f"//{databases.OWNER}@", "//limited@")
    limited = create_app({"CONTACTS_DATABASE_URL": url})
    database = limited.extensions["database"]
    for reading in [database.begin_reading(None) for _ in range(2)]:
        database.end_reading(reading)
    api = Api(limited.test_client(), owner.token)
    api.make_contact("linda@example.com")
    assert api.get("/contacts")["total"] == 1


def test_a_silent_server_stops_nobody_but_who_asks_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PROMPT_SECONDS", 0.3)
    database = app.extensions["database"]
    database.close_idle()
    silent = database.begin_reading(None)
    silent.executor.execute("SELECT 1", [])
    process = silent.server.info.backend_pid
    os.kill(process, signal.SIGSTOP)
    with subprocess.Popen(["/bin/sh", "-c", f"sleep 2; kill -CONT {process}"]):
        database.end_reading(silent)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(database.begin_reading, None)
            steps = 0
            while not asked.done():
                time.sleep(0.01)
                steps += 1
    assert steps > 5
    other = asked.result()
    assert other.executor.execute("SELECT 2", []).fetchone() == (2,)
    assert other.server is not silent.server
    database.end_reading(other)
