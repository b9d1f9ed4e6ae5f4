"""The web server, seen from outside: what is refused, who waits for whom, what a stop loses."""

import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from contacts_service.config import SettingsError
from contacts_service.server import free_address
from tests.service import Service, at_once, served, wait_for

CONTACTS = "/api/v1/contacts"
QUICK = f"{CONTACTS}/quick"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with served(tmp_path_factory.mktemp("served")) as service:
        wait_for_workers(service)
        yield service
        assert service.stop(30) == 0


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """A service of one test; a request of it is done, or cut off by a stop, after six seconds."""
    settings = {"CONTACTS_BUSY_TIMEOUT": "5", "CONTACTS_QUERY_TIMEOUT": "1"}
    with served(tmp_path, **settings) as service:
        wait_for_workers(service)
        yield service


def wait_for_workers(service: Service) -> None:
    """Wait until both workers have answered."""
    assert wait_for(lambda: len(service.workers()) == 2, 10)
    listening = f"0100007F:{service.port:04X} 00000000:0000 0A"
    sockets = Path("/proc/net/tcp")
    assert wait_for(lambda: sockets.read_text().count(listening) == 2, 10)


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: trial", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def post(service: Service, *headers: str, body: bytes = b"") -> bytes:
    """A quick-create of somebody who may write."""
    token = f"Authorization: Bearer {service.key}"
    return request("POST", QUICK, token, "Content-Type: application/json", *headers, body=body)


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


def read_answer(client: socket.socket) -> tuple[int, Any]:
    """The status and the body of one answer, by its Content-Length."""
    file = client.makefile("rb")
    status = int(file.readline().split()[1])
    length = 0
    while (line := file.readline()).strip():
        name, _, value = line.decode().partition(":")
        length = int(value) if name.lower() == "content-length" else length
    return status, json.loads(file.read(length) or b"null")


MARK = b"MARK"


@pytest.mark.parametrize(
    "sent",
    [
        b"MARK\r\n\r\n",
        b"GET /MARK HTTP/2.0\r\nConnection: close\r\n\r\n",
        request("GET", "http://[MARK"),
        request("GET", "/", "MARK"),
        request("GET", "/", "MARK : 1"),
        request("GET", "/", "A: " + "MARK" * 60_000),
        request("GET", "/?" + "MARK" * 60_000),
        request("POST", QUICK, "Content-Length: MARK"),
        request("POST", QUICK, "Content-Length: -1"),
        request("POST", QUICK, "Content-Length: " + "9" * 5000),
        request("POST", QUICK, "Transfer-Encoding: MARK"),
        b"\x16\x03\x01\x02\x00" + bytes(range(256)),
    ],
)
def test_what_is_no_http_is_refused(service: Service, sent: bytes) -> None:
    answer = service.exchange(sent)
    assert statuses(answer) in ([400], [414], [431])
    assert MARK not in answer


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: 2, 3",),
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 2"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ],
)
@pytest.mark.parametrize("body", [b"{}", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"])
def test_request_of_unclear_length_lets_no_second_one_through(
    service: Service, headers: tuple[str, ...], body: bytes
) -> None:
    answers = service.exchange(post(service, *headers, body=body) + request("GET", "/health"))
    assert statuses(answers) == [400]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [2**20 + 1, 28 * 2**20])
def test_client_that_sends_on_still_reads_the_413(
    service: Service, chunked: bool, size: int
) -> None:
    header = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    with service.connect() as client:
        client.sendall(post(service, header) + (b"%x\r\n" % size if chunked else b""))
        with suppress(ConnectionError):  # it is not read to its end, but the answer is there
            client.sendall(bytes(size))
        status, answer = read_answer(client)
    assert (status, answer["data"]["type"]) == (413, "PayloadTooLargeError")


def test_body_is_asked_for_only_where_it_is_wanted(service: Service) -> None:
    body = b'{"email": "expected@example.com"}'
    expectation = "Expect: 100-continue"
    with service.connect() as client:
        client.sendall(post(service, f"Content-Length: {2**21}", expectation))
        assert read_answer(client)[0] == 413
    with service.connect() as client:
        client.sendall(post(service, f"Content-Length: {len(body)}", expectation))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert read_answer(client)[0] == 201


def test_chunked_body_is_read(service: Service) -> None:
    body = b'16\r\n{"email": "chunked@exa\r\nA\r\nmple.com"}\r\n0\r\n\r\n'
    headers = ("Transfer-Encoding: chunked", "Connection: close")
    assert statuses(service.exchange(post(service, *headers, body=body))) == [201]


def test_body_that_ends_too_early_is_not_taken_in(service: Service) -> None:
    mail = b"From: cut@example.com\r\n\r\nHello"
    token = f"Authorization: Bearer {service.key}"
    headers = (token, "Content-Type: message/rfc822", f"Content-Length: {len(mail) + 1}")
    with service.connect() as client:
        client.sendall(request("POST", "/api/v1/inbound/messages", *headers, body=mail))
        client.shutdown(socket.SHUT_WR)
        assert read_answer(client)[0] == 400
    assert service.call("GET", "/contacts/search?q=cut").data == []


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"", b"zz\r\n"], ids=["whole", "cut", "broken"])
def test_mail_in_chunks_is_refused_whether_or_not_it_is_whole(service: Service, end: bytes) -> None:
    mail = b"From: chunks@example.com\r\n\r\nHello"
    token = f"Authorization: Bearer {service.key}"
    headers = (token, "Content-Type: message/rfc822", "Transfer-Encoding: chunked")
    body = b"%x\r\n%b\r\n%b" % (len(mail), mail, end)
    with service.connect() as client:
        client.sendall(request("POST", "/api/v1/inbound/messages", *headers, body=body))
        if not end:
            client.shutdown(socket.SHUT_WR)
        assert read_answer(client)[0] == 400
    assert service.call("GET", "/contacts/search?q=chunks").data == []


def test_requests_on_one_connection_are_answered_in_order(service: Service) -> None:
    paths = ("/health", "/api/v1/nowhere", "/health", CONTACTS)
    sent = b"".join(request("GET", path) for path in paths[:-1])
    answers = service.exchange(sent + request("GET", CONTACTS, "Connection: close"))
    assert statuses(answers) == [200, 404, 200, 401]


def test_slow_clients_keep_nobody_waiting(service: Service) -> None:
    calm = time_reads(service)[-1]
    bodies = ("Content-Length: 1000",)
    slow = [b"GET / HTTP/1.1\r\nHost: "] * 100
    slow += [request("POST", QUICK, *bodies)] * 100
    slow += [post(service, *bodies)] * 32
    with ExitStack() as stack:
        clients = [stack.enter_context(service.connect()) for _ in slow]
        for client, sent in zip(clients, slow, strict=True):
            client.sendall(sent)
        taken = []
        for _ in range(8):
            for client in clients:
                with suppress(ConnectionError):  # has been told that it needs a token
                    client.sendall(b"a")
            for method, path, body in (
                ("GET", "/contacts", None),
                ("POST", "/contacts/quick", {"email": "normal@example.com"}),
            ):
                begun = time.monotonic()
                assert service.call(method, path, body).status in (200, 201)
                taken.append(time.monotonic() - begun)
            time.sleep(0.1)
    assert max(taken) < 0.5 + 5 * calm


def writes(service: Service, pool: ThreadPoolExecutor, many: int) -> list[Any]:
    """Quick-creates that are under way."""
    return [
        pool.submit(service.call, "POST", "/contacts/quick", {"email": f"{n}@blocked.example.com"})
        for n in range(many)
    ]


def test_readers_go_on_beside_writers_that_wait(service: Service) -> None:
    calm = time_reads(service)
    with ThreadPoolExecutor(15) as pool, closing(sqlite3.connect(service.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        blocked = writes(service, pool, 15)
        time.sleep(0.3)
        taken = time_reads(service)
        assert not any(write.done() for write in blocked)
        other.rollback()
        assert [write.result().status for write in blocked] == [201] * 15
    assert taken[197] < 0.3 + 5 * calm[197]


def time_reads(service: Service) -> list[float]:
    """What 200 readings took, in seconds, the fastest first."""
    taken = []
    for _ in range(200):
        begun = time.monotonic()
        assert service.call("GET", "/contacts?page_size=1").status == 200
        taken.append(time.monotonic() - begun)
    return sorted(taken)


def test_stop_answers_what_was_accepted(own_service: Service) -> None:
    service = own_service
    with ThreadPoolExecutor(20) as pool, closing(sqlite3.connect(service.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        blocked = writes(service, pool, 20)
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        other.rollback()
        assert [write.result().status for write in blocked] == [201] * 20
    assert service.process.wait(5) == 0
    assert list(service.database.parent.glob("contacts.db-*")) == []


class Writers:
    """Callers who create one contact after the other; `acknowledged` has whom they were told of."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.acknowledged: set[str] = set()
        self.may_end = threading.Event()
        self._numbers = count()

    def write(self) -> None:
        while not self.may_end.is_set():
            email = f"{next(self._numbers)}@example.com"
            with suppress(OSError, HTTPException):  # not answered
                reply = self.service.call("POST", "/contacts/quick", {"email": email})
                assert reply.status == 201
                self.acknowledged.add(email)

    def lost(self) -> set[str]:
        with closing(sqlite3.connect(self.service.database)) as connection:
            kept = {email for (email,) in connection.execute("SELECT email FROM contacts")}
        return self.acknowledged - kept


def test_stop_under_load_loses_nothing(own_service: Service) -> None:
    writers = Writers(own_service)
    with at_once([writers.write] * 8):
        time.sleep(1)
        begun = time.monotonic()
        assert own_service.stop(20) == 0
        taken = time.monotonic() - begun
        writers.may_end.set()
    assert taken < 15
    assert len(writers.acknowledged) > 20
    assert writers.lost() == set()


def test_worker_that_is_killed_is_replaced_and_loses_nothing(own_service: Service) -> None:
    before = own_service.workers()
    writers = Writers(own_service)
    with at_once([writers.write] * 8):
        time.sleep(0.5)
        os.kill(before[0], signal.SIGKILL)
        time.sleep(0.5)
        wait_for_workers(own_service)
        after = own_service.workers()
        own_service.call("GET", "/contacts")
        writers.may_end.set()
    assert before[0] not in after
    assert before[1] in after
    assert writers.lost() == set()
    assert own_service.stop(20) == 0
    assert any("Unexpected exit from worker" in line for line in own_service.log)


def test_half_sent_request_delays_a_stop_only_so_long(tmp_path: Path) -> None:
    settings = {"CONTACTS_BUSY_TIMEOUT": "0", "CONTACTS_QUERY_TIMEOUT": "1"}
    with served(tmp_path, **settings) as service, service.connect() as half:
        half.sendall(post(service, "Content-Length: 1000"))
        time.sleep(0.2)
        begun = time.monotonic()
        assert service.stop(30) == 0
        assert time.monotonic() - begun < 25


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stop_at_once_is_not_missed(tmp_path: Path, signum: int) -> None:
    with served(tmp_path) as service:
        service.process.send_signal(signum)  # the other worker may still be at its first steps
        assert service.process.wait(10) == 0


def test_workers_leave_when_their_parent_is_gone(own_service: Service) -> None:
    def is_listening() -> bool:
        with suppress(ConnectionRefusedError), own_service.connect():
            return True
        return False

    own_service.process.kill()
    assert wait_for(lambda: not is_listening(), 5)


def test_port_in_use_is_one_sentence(service: Service) -> None:
    with pytest.raises(SettingsError) as caught:
        free_address("127.0.0.1", service.port)
    assert str(caught.value) == (
        f"Port {service.port} on 127.0.0.1 is in use; stop the other program or set CONTACTS_PORT."
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "2001:db8::1"])
def test_foreign_host_is_one_sentence(host: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{host} .*CONTACTS_HOST\.$"):
        free_address(host, 0)


@pytest.mark.parametrize(
    ("number", "advice"),
    [(13, "1024 or above"), (105, "cannot be listened on")],
)
def test_refused_port_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(_listener: socket.socket, _address: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SettingsError, match=advice):
        free_address("127.0.0.1", 80)


def test_name_of_this_machine_gets_its_ipv4_address() -> None:
    assert free_address("localhost", 0) == "127.0.0.1"
