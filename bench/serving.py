"""The service on a directory, in processes of its own, and callers that keep their connection."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.directories import opened
from contacts_service.auth.commands import local_key
from contacts_service.config import PREFIX, PROJECT_FOLDER

HOST = "127.0.0.1"
PORTS = range(9350, 9400)  # the first free one is taken
STARTING_SECONDS = 30


@dataclass
class Served:
    """A service that answers, and a key with every scope."""

    port: int
    key: str
    pid: int

    @contextmanager
    def caller(self) -> Iterator["Caller"]:
        """Somebody with a connection of their own."""
        connection = HTTPConnection(HOST, self.port, timeout=STARTING_SECONDS)
        try:
            yield Caller(connection, {"Authorization": f"Bearer {self.key}"})
        finally:
            connection.close()


@dataclass
class Caller:
    """Asks one thing after the other; another status than expected raises RuntimeError."""

    connection: HTTPConnection
    headers: dict[str, str]

    def get(self, path: str) -> float:
        """The seconds that the answer took."""
        return self._call("GET", path, None, {200})

    def post(self, path: str, body: dict[str, Any]) -> float:
        """The seconds that the answer took."""
        return self._call("POST", path, json.dumps(body), {200, 201})

    def _call(self, method: str, path: str, body: str | None, expected: set[int]) -> float:
        headers = self.headers | ({"Content-Type": "application/json"} if body else {})
        beginning = time.perf_counter()
        self.connection.request(method, f"/api/v1{path}", body, headers)
        response = self.connection.getresponse()
        answer = response.read()
        taken = time.perf_counter() - beginning
        if response.status not in expected:
            raise RuntimeError(f"{method} {path} was answered {response.status}: {answer!r}")
        return taken


@contextmanager
def served(database: Path, workers: int = 1) -> Iterator[Served]:
    """The service over this database."""
    with opened(database):
        key = local_key(database.parent)
    port = free_port()
    environ = served_environ(database, port, workers)
    command = [sys.executable, "-m", "flask", "serve"]
    with running(command, port, environ, database.with_name("server.log")) as process:
        yield Served(port, key, process.pid)


def served_environ(database: Path, port: int, workers: int = 1) -> dict[str, str]:
    """The settings of the service over this database, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {
        "CONTACTS_DATABASE_URL": f"sqlite:///{database}",
        "CONTACTS_HOST": HOST,
        "CONTACTS_PORT": str(port or PORTS[0]),
        "CONTACTS_WORKERS": str(workers),
    }


@contextmanager
def running(
    command: Sequence[str], port: int, environ: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server's process, from when it takes connections until it is told to stop."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=PROJECT_FOLDER, env=environ, stdout=output, stderr=output
        )
    try:
        _wait_for(server, port, log)
        yield server
    finally:
        server.terminate()
        server.wait(timeout=60)


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as listener, suppress(OSError):
            listener.bind((HOST, port))
            return port
    raise RuntimeError(f"No port from {PORTS[0]} to {PORTS[-1]} is free.")


def _wait_for(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + STARTING_SECONDS
    while server.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            socket.create_connection((HOST, port), timeout=1).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"The service did not start; see {log}.")
