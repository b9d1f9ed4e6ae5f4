"""The service in processes of its own, over HTTP: to be asked, stopped and killed."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contacts_service.config import PROJECT_FOLDER

FLASK = Path(sys.executable).parent / "flask"
ROUNDS = int(os.environ.get("TORTURE", "1"))  # how many times as long the slow tests are to last


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition has come to hold within so many seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Reply:
    """An answer in the envelope."""

    status: int
    data: Any
    headers: http.client.HTTPMessage

    def __iter__(self) -> Iterator[Any]:
        return iter((self.status, self.data))


class Service:
    """`flask serve` with two workers over a database of its own, in a process group of its own."""

    def __init__(
        self, folder: Path, command: Sequence[Any] = (FLASK, "serve"), **settings: str
    ) -> None:
        self.database = folder / "contacts.db"
        self.port = free_port()
        self.command = command
        self.environ = {
            "PATH": os.environ["PATH"],
            "CONTACTS_DATABASE_URL": f"sqlite:///{self.database}",
            "CONTACTS_PORT": str(self.port),
            "CONTACTS_WORKERS": "2",
            **settings,
        }
        self.key = self.flask("keys", "create", "--agent=1", "--name=A", "--all-scopes").strip()
        self.process = self.start()

    def flask(self, *words: str) -> str:
        return subprocess.check_output(
            [FLASK, *words], cwd=PROJECT_FOLDER, env=self.environ, text=True
        )

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            list(self.command),
            cwd=PROJECT_FOLDER,
            env=self.environ,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.log: list[str] = []
        self._reading = threading.Thread(target=self.log.extend, args=(process.stderr,))
        self._reading.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return process
            except OSError:
                time.sleep(0.05)
        raise TimeoutError

    def stop(self, seconds: float = 60) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._reading.join()
        return code

    def kill(self) -> None:
        """End every process at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        self._reading.join()

    def workers(self) -> list[int]:
        """The pids of the worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = [int(pid) for pid in children.read_text().split()]
        return [pid for pid in pids if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, sent: bytes) -> bytes:
        """Everything that is answered on one connection until it is closed."""
        with self.connect() as client:
            client.sendall(sent)
            return client.makefile("rb").read()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Raises OSError or HTTPException where there is no whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            return self.ask(connection, method, path, body, **headers)
        finally:
            connection.close()

    def ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Any = None,
        **headers: str,
    ) -> Reply:
        """What is answered on a connection that is kept; `_` in a header's name stands for `-`."""
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/api/v1{path}", body and json.dumps(body), sent)
        answer = connection.getresponse()
        return Reply(answer.status, json.loads(answer.read())["data"], answer.headers)

    def health(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()
        return status

    def recovers(self, method: str, path: str, body: Any = None, seconds: float = 10) -> Reply:
        """The first answer that is not 503, waited for without a restart."""
        end = time.monotonic() + seconds
        while (reply := self.call(method, path, body)).status == 503 and time.monotonic() < end:
            time.sleep(0.1)
        return reply


@contextmanager
def served(folder: Path, **options: Any) -> Iterator[Service]:
    """A service that is gone in the end, whatever has become of it."""
    service = Service(folder, **options)
    try:
        yield service
    finally:
        service.kill()


@contextmanager
def at_once(works: Sequence[Callable[[], None]]) -> Iterator[threading.Event]:
    """Threads that do this until the event tells them to return; what they raise is raised."""
    may_end, errors = threading.Event(), list[BaseException]()

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
            may_end.set()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield may_end
    finally:
        may_end.set()
        for thread in threads:
            thread.join(90)
    if errors:
        raise errors[0]
