"""Serving, seen from a raw socket: what comes back, what slow clients cost, what a stop loses."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from contacts_service.config import SettingsError
from contacts_service.server import listen
from contacts_service.web.security_headers import DATA_HEADERS

PROJECT = Path(__file__).parent.parent

PROGRAM = """
import logging, os, sys, time
from flask import Flask, Response, request
from contacts_service.server import listen, serve

logging.basicConfig(format="[app] %(name)s: %(message)s")
app = Flask("trial")

@app.get("/")
def index():
    return {"pid": os.getpid()}

@app.get("/sleep")
def sleep():
    time.sleep(float(request.args["seconds"]))
    return {}

@app.get("/unchanged")
def unchanged():
    return Response(status=304)

@app.post("/length")
def length():
    return {"length": len(request.get_data())}

def application(environ, start_response):
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("not for the client")
    return app(environ, start_response)

listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
serve(application, listener, workers=int(sys.argv[1]), threads=int(sys.argv[2]))
"""


@dataclass
class Answer:
    status: int
    headers: Headers
    body: bytes


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def is_listening(self) -> bool:
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def ask(self, request: bytes) -> Answer:
        with self.connect() as client:
            client.sendall(request)
            return read_answer(client)

    def pids(self, wanted: int, *, other_than: int = 0, seconds: float = 5) -> set[int]:
        """The workers that answer, waited for until there are `wanted` besides `other_than`."""
        found: set[int] = set()
        end = time.monotonic() + seconds
        while len(found) < wanted and time.monotonic() < end:
            found.add(json.loads(self.ask(get("/")).body)["pid"])
            found.discard(other_than)
        return found

    def stop(self, signum: int = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(10)


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: trial", *headers, "", ""]).encode()


def read_answer(client: socket.socket) -> Answer:
    """One answer, by its Content-Length; the connection may stay open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += receive(client)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = Headers(
        [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    )
    while len(body) < int(headers.get("Content-Length", "0")):
        body += receive(client)
    return Answer(int(first.split()[1]), headers, body)


def receive(client: socket.socket) -> bytes:
    data = client.recv(65536)
    assert data, "The connection was closed before the answer was complete."
    return data


def assert_refused(answer: Answer, status: int, kind: str) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Connection"] == "close"
    assert 1 <= len(answer.headers["X-Request-ID"]) <= 128
    assert set(DATA_HEADERS) <= set(answer.headers)
    error = json.loads(answer.body)["data"]
    assert error["type"] == kind
    told = {"headers": {"": [error["message"]]}} if kind == "InputError" else None
    assert error.get("errors") == told
    assert error["message"].endswith(".")
    assert b"MARK" not in answer.body


Start = Callable[[int, int], Running]


@pytest.fixture(scope="module")
def start_shared() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda workers, threads: launch(stack, workers, threads)


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda workers, threads: launch(stack, workers, threads)


@pytest.fixture(scope="module")
def server(start_shared: Start) -> Running:
    return start_shared(2, 2)


def launch(stack: ExitStack, workers: int, threads: int) -> Running:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(workers), str(threads)],
            cwd=PROJECT,
            env={**os.environ, "GUNICORN_CMD_ARGS": "--bind 127.0.0.1:1", "PORT": "nonsense"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    stack.callback(end, process)
    assert process.stdout is not None
    return Running(process, int(process.stdout.readline()))


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait(10)


def test_two_workers_answer(server: Running) -> None:
    pids = server.pids(2)
    assert len(pids) == 2
    assert server.process.pid not in pids


def test_answer_names_no_server(server: Running) -> None:
    answer = server.ask(get("/"))
    assert answer.status == 200
    assert "Server" not in answer.headers
    assert "Via" not in answer.headers


@pytest.mark.parametrize(
    ("request_bytes", "status", "kind"),
    [
        (b"MARK\r\n\r\n", 400, "InputError"),
        (b"get /MARK HTTP/1.1\r\n\r\n", 400, "InputError"),
        (b"GET /MARK HTTP/2.0\r\n\r\n", 400, "InputError"),
        (b"GET http://[MARK HTTP/1.1\r\n\r\n", 400, "InputError"),
        (get("/", "MARK"), 400, "InputError"),
        (get("/", "MARK : 1"), 400, "InputError"),
        (get("/", "A: MARK\nB: c"), 400, "InputError"),
        (get("/", "A: " + "MARK" * 10_000), 400, "InputError"),
        (get("/length", "Content-Length: MARK", method="POST"), 400, "InputError"),
        (get("/length", "Content-Length: -1", method="POST"), 400, "InputError"),
        (get("/length", "Content-Length: " + "9" * 5000, method="POST"), 400, "InputError"),
        (
            get("/length", "Content-Length: 1", "Content-Length: 2", method="POST"),
            400,
            "InputError",
        ),
        (
            get("/length", "Content-Length: 4", "Transfer-Encoding: chunked", method="POST"),
            400,
            "InputError",
        ),
        (get("/length", "Transfer-Encoding: MARK", method="POST"), 400, "InputError"),
        (b"POST /length HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "InputError"),
        (
            get("/length", "Transfer-Encoding: chunked", method="POST") + b"MARK\r\n",
            400,
            "InputError",
        ),
        (
            get("/length", "Transfer-Encoding: chunked", method="POST") + b"1\r\nMARK\r\n",
            400,
            "InputError",
        ),
        (
            get("/length", "Transfer-Encoding: chunked", method="POST") + b"1" * 5000,
            400,
            "InputError",
        ),
        (
            get("/length", "Transfer-Encoding: chunked", method="POST")
            + b"0\r\nMARK: "
            + b"a" * 5000,
            400,
            "InputError",
        ),
        (
            get("/length", "Content-Length: 999999999999", method="POST"),
            413,
            "PayloadTooLargeError",
        ),
        (
            get("/length", "Content-Length: 999999999", "Expect: 100-continue", method="POST"),
            413,
            "PayloadTooLargeError",
        ),
        (get("/broken"), 500, "GeneralError"),
    ],
)
def test_refused_request_gets_the_envelope(
    server: Running, request_bytes: bytes, status: int, kind: str
) -> None:
    with server.connect() as client:
        client.sendall(request_bytes)
        assert_refused(read_answer(client), status, kind)
        assert client.recv(1) == b""


def test_refusal_of_head_has_no_body(server: Running) -> None:
    with server.connect() as client:
        client.sendall(get("/", "Content-Length: 999999999", method="HEAD"))
        received = client.makefile("rb").read()
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b"\r\n\r\n")


def test_refusal_carries_the_request_id_that_was_sent(server: Running) -> None:
    answer = server.ask(get("/", "Content-Length: 999999999", "X-Request-ID: mine-7"))
    assert answer.headers["X-Request-ID"] == "mine-7"


@pytest.mark.parametrize("header", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_client_that_sends_on_still_reads_the_413(server: Running, header: str) -> None:
    size = 28 * 2**20
    with server.connect() as client:
        client.sendall(get("/length", header.format(size), method="POST"))
        client.sendall(f"{size:x}\r\n".encode() if "chunked" in header else b"")
        client.sendall(bytes(size))
        assert_refused(read_answer(client), 413, "PayloadTooLargeError")


def test_largest_bodies_reach_the_application(server: Running) -> None:
    size = 25 * 2**20 + 1
    answer = server.ask(
        get("/length", f"Content-Length: {size}", method="POST") + bytes(size),
    )
    assert json.loads(answer.body) == {"length": size}


def test_expectation_is_answered_where_a_body_follows(server: Running) -> None:
    with server.connect() as client:
        client.sendall(get("/length", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert json.loads(read_answer(client).body) == {"length": 3}
        client.sendall(get("/", "Expect: 100-continue"))
        assert read_answer(client).status == 200


def test_connection_is_kept_after_304(server: Running) -> None:
    with server.connect() as client:
        for _ in range(2):
            client.sendall(get("/unchanged"))
            assert read_answer(client).status == 304


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    with server.connect() as client:
        client.sendall(
            get("/sleep?seconds=0.1") + get("/unchanged") + get("/", "Connection: close")
        )
        received = client.makefile("rb").read()
    assert [line.split()[1] for line in received.splitlines() if line.startswith(b"HTTP/")] == [
        b"200",
        b"304",
        b"200",
    ]


def test_slow_clients_hold_no_threads(server: Running) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(200)]
        for client in slow[:100]:
            client.sendall(b"GET / HTTP/1.1\r\nHost: ")
        for client in slow[100:]:
            client.sendall(get("/length", "Content-Length: 1000", method="POST"))
        worst = 0.0
        for _ in range(8):
            for client in slow:
                client.sendall(b"a")
            begun = time.monotonic()
            assert server.ask(get("/")).status == 200
            worst = max(worst, time.monotonic() - begun)
            time.sleep(0.1)
    assert worst < 1


def test_killed_worker_is_replaced_and_logged(start: Start) -> None:
    server = start(1, 2)
    (before,) = server.pids(1)
    os.kill(before, signal.SIGKILL)
    (after,) = server.pids(1, other_than=before)
    assert after != before
    assert server.stop() == 0
    assert server.process.stderr is not None
    assert f"[app] gunicorn.error: Worker (pid:{before})" in server.process.stderr.read()


def test_workers_leave_when_their_parent_is_gone(start: Start) -> None:
    server = start(1, 1)
    server.pids(1)
    server.process.kill()
    end = time.monotonic() + 3
    while server.is_listening() and time.monotonic() < end:
        time.sleep(0.05)
    assert not server.is_listening()


@pytest.mark.parametrize(("signum", "wait"), [(signal.SIGTERM, 0.0), (signal.SIGINT, 0.2)])
def test_stop_answers_what_was_sent(start: Start, signum: int, wait: float) -> None:
    server = start(2, 8)
    server.pids(2)
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(20)]
        for client in clients:
            client.sendall(get("/sleep?seconds=0.5"))
        time.sleep(wait)
        server.process.send_signal(signum)
        answers = [read_answer(client) for client in clients]
        assert server.process.wait(5) == 0
    assert [answer.status for answer in answers] == [200] * 20
    assert answers[-1].headers["Connection"] == "close"


def test_stop_answers_connections_not_yet_accepted(start: Start) -> None:
    server = start(1, 2)
    (worker,) = server.pids(1)
    os.kill(worker, signal.SIGSTOP)
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(5)]
        for client in clients:
            client.sendall(get("/"))
        server.process.terminate()
        time.sleep(0.1)
        os.kill(worker, signal.SIGCONT)
        assert [read_answer(client).status for client in clients] == [200] * 5


def test_stop_answers_pipelined_requests(start: Start) -> None:
    server = start(1, 1)
    with server.connect() as client:
        client.sendall(get("/sleep?seconds=0.2") * 3)
        time.sleep(0.1)
        server.process.terminate()
        received = client.makefile("rb").read()
    assert received.count(b"HTTP/1.1 200 OK") == 3


def test_stop_at_once_is_not_missed(start: Start) -> None:
    server = start(2, 1)
    server.ask(get("/"))  # the other worker may still be at its first steps
    assert server.stop() == 0


def test_stop_waits_a_little_for_the_rest_of_a_request(start: Start) -> None:
    server = start(1, 1)
    with server.connect() as idle, server.connect() as half, server.connect() as endless:
        idle.sendall(get("/"))
        read_answer(idle)
        half.sendall(b"GET / HTTP/1.1\r\n")
        endless.sendall(b"GET / HTTP/1.1\r\n")
        with server.connect() as silent:
            server.process.terminate()
            begun = time.monotonic()
            assert idle.recv(1) == b""
            assert time.monotonic() - begun < 1
            half.sendall(b"Host: trial\r\n\r\n")
            silent.sendall(get("/"))
            assert [read_answer(half).status, read_answer(silent).status] == [200, 200]
        assert endless.recv(1) == b""
        assert server.process.wait(5) == 0
        assert time.monotonic() - begun < 4


@pytest.mark.slow
def test_request_longer_than_the_heartbeat_is_answered(start: Start) -> None:
    server = start(1, 1)
    with server.connect() as client:
        client.settimeout(60)
        client.sendall(get("/sleep?seconds=35"))
        assert read_answer(client).status == 200


@pytest.mark.slow
def test_stop_ends_after_half_a_minute(start: Start) -> None:
    server = start(1, 1)
    with server.connect() as client:
        client.sendall(get("/sleep?seconds=60"))
        time.sleep(0.5)
        server.process.terminate()
        begun = time.monotonic()
        assert server.process.wait(60) == 0
        assert 29 < time.monotonic() - begun < 35


def test_port_in_use_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 is in use; stop the other program or set CONTACTS_PORT."
    )


@pytest.mark.parametrize(
    ("host", "advice"),
    [("192.0.2.1", "CONTACTS_HOST"), ("a..b", "CONTACTS_HOST"), ("2001:db8::1", "CONTACTS_HOST")],
)
def test_foreign_host_is_one_sentence(host: str, advice: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{host} .*{advice}\.$"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EACCES, "1024 or above"), (errno.ENOBUFS, "cannot be listened on")],
)
def test_refused_port_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(listener: socket.socket, address: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SettingsError, match=advice):
        listen("127.0.0.1", 80)


def test_name_of_this_machine_gets_its_ipv4_address() -> None:
    with listen("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
