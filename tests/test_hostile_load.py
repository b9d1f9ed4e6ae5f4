"""Memory under hostile load: what strangers and careless callers send leaves nothing behind."""

import http.client
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.files import fill_directory
from tests.service import ROUNDS, Service, served

WARM_SECONDS, SECONDS, LONG_SECONDS = 20, 20, 600
CALLERS = 6
ALLOWED_MIB = 50

Sent = tuple[str, str, Any, dict[str, str]]  # method, path, body, headers
Attack = Callable[[random.Random], tuple[Sent, set[int]]]


def word(chance: random.Random, length: int = 12) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789'\"%_$.[]é王", k=length))


def get(path: str, **headers: str) -> Sent:
    return "GET", path, None, headers


def as_json(method: str, path: str, body: str | bytes) -> Sent:
    return method, path, body, {"Content-Type": "application/json"}


def dear_filter(chance: random.Random) -> tuple[Sent, set[int]]:
    rules = [
        {
            "field": f"custom_attributes.{word(chance)}",
            "operator": "contains",
            "value": word(chance),
        }
        for _ in range(chance.randint(1, 21))
    ]
    filters = quote(json.dumps([{"logic": "OR", "rules": rules}]))
    return get(f"/contacts?filters={filters}"), {200 if len(rules) <= 20 else 400}


def many_values(chance: random.Random) -> tuple[Sent, set[int]]:
    rules = [
        {"field": "email", "operator": "in", "value": [word(chance, 4) for _ in range(50)]}
        for _ in range(3)
    ]
    return get(f"/contacts?filters={quote(json.dumps(rules))}"), {200, 400}  # the header's limit


def search(chance: random.Random) -> tuple[Sent, set[int]]:
    q = quote(word(chance, chance.randint(1, 210)))
    return get(f"/contacts/search?q={q}"), {200, 400}


def deep_json(chance: random.Random) -> tuple[Sent, set[int]]:
    depth = chance.choice([10, 70, 5000, 500_000])
    body = '{"custom_attributes": {"a": ' + "[" * depth + "]" * depth + "}}"
    return as_json("PUT", "/contacts/1", body), {200, 400, 404}


def wide_json(chance: random.Random) -> tuple[Sent, set[int]]:
    body = json.dumps({"custom_attributes": {str(n): [] for n in range(60_000)}})
    return as_json("PUT", "/contacts/1", body), {400}


def too_large(chance: random.Random) -> tuple[Sent, set[int]]:
    return as_json("PUT", "/contacts/1", b" " * chance.randint(2**20 + 1, 2**23)), {413}


def chunked(chance: random.Random) -> tuple[Sent, set[int]]:
    parts: Iterator[bytes] = (b"[" * 65_536 for _ in range(chance.randint(1, 200)))
    return as_json("POST", "/contacts/quick", parts), {400, 413}  # type: ignore[arg-type]


def large_message(chance: random.Random) -> tuple[Sent, set[int]]:
    content = "x" * chance.choice([999_999, 1_000_001, 7_000_000])
    sender = {"identifier": word(chance)}
    body = json.dumps({"channel": "chat", "from": sender, "content": content})
    return as_json("POST", "/inbound/messages", body), {201, 400}


def odd_mail(chance: random.Random) -> tuple[Sent, set[int]]:
    depth = chance.choice([3, 300])
    parts = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth)
    )
    head = f"From: {chance.randint(1, 50)}@example.com\r\nX: {word(chance, 5000)}\r\n"
    mail = (head + parts + "\r\n" + "<b>" * chance.choice([10, 300_000])).encode()
    return ("POST", "/inbound/messages", mail, {"Content-Type": "message/rfc822"}), {201}


def token(chance: random.Random) -> tuple[Sent, set[int]]:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_."
    made = chance.choice(["lk_", "eyJ", ""]) + "".join(
        chance.choices(alphabet, k=chance.randint(1, 9000))
    )
    return get("/contacts", Authorization=f"Bearer {made}"), {401}


def headers(chance: random.Random) -> tuple[Sent, set[int]]:
    return get("/contacts/1", X=word(chance, 1).encode().hex() * 200_000), {431}


def nowhere(chance: random.Random) -> tuple[Sent, set[int]]:
    return get(f"/{quote(word(chance, 300))}", **{"X-Request-ID": "x" * 500}), {404}


def create(chance: random.Random) -> tuple[Sent, set[int]]:
    body = json.dumps({"email": f"{chance.getrandbits(40)}@example.com"})
    return as_json("POST", "/contacts/quick", body), {201}


ATTACKS: list[Attack] = [
    dear_filter, many_values, search, deep_json, wide_json, too_large, chunked, large_message,
    odd_mail, token, headers, nowhere, create,
]  # fmt: skip

POST = b"POST /api/v1/contacts/quick HTTP/1.1\r\nHost: x\r\n"
RAW = (
    POST + b"Content-Length: 100\r\n\r\nshort",
    POST + b"Content-Length: 1\r\n\r\n{}{}{}",
    POST + b"Content-Length: 26000000\r\n\r\n" + b"x" * 2**20,
    POST + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\nxx",
    b"\x16\x03\x01\x02\x00" + bytes(range(256)) * 40,
    b"GET / HTTP/1.1\r\nHost: ",
)


class Load:
    """Callers that attack until told to stop; `unexpected` has what was not answered as it must."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.counts: Counter[str] = Counter()
        self.unexpected: list[tuple[str, int]] = []

    def run(self, seconds: float, seed: int) -> None:
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(CALLERS + 1) as pool:
            callers = [pool.submit(self._call, end, seed + n) for n in range(CALLERS)]
            callers.append(pool.submit(self._send_rubbish, end))
        for caller in callers:
            caller.result()

    def _call(self, end: float, seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            attack = chance.choice(ATTACKS)
            (method, path, body, given), expected = attack(chance)
            status = self._status(method, path, body, given)
            self.counts[attack.__name__] += 1
            if status not in expected:
                self.unexpected.append((attack.__name__, status))

    def _status(self, method: str, path: str, body: Any, given: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        sent = {"Authorization": f"Bearer {self.service.key}"} | given
        with suppress(BrokenPipeError, ConnectionResetError):  # the answer is there all the same
            connection.request(method, f"/api/v1{path}", body, sent)
        try:
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def _send_rubbish(self, end: float) -> None:
        """Connections that lie, and some that are left open."""
        kept: list[socket.socket] = []
        while time.monotonic() < end:
            for rubbish in RAW:
                client = socket.create_connection(("127.0.0.1", self.service.port), 10)
                with suppress(OSError):
                    client.sendall(rubbish)
                kept.append(client)
            for client in kept[:-100]:
                client.close()
            kept = kept[-100:]
            time.sleep(0.1)
        for client in kept:
            client.close()


def memory_of_workers(service: Service) -> int:
    """The MiB that the workers hold together."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in service.workers()]
    assert len(statuses) == 2
    return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in statuses) // 1024


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with served(tmp_path) as service:
        fill_directory(f"sqlite:///{service.database}", 2000)
        yield service


@pytest.mark.slow
def test_hostile_load_leaves_no_memory_behind(service: Service) -> None:
    load = Load(service)
    load.run(WARM_SECONDS, seed=0)
    before = memory_of_workers(service)
    load.run(LONG_SECONDS if ROUNDS > 1 else SECONDS, seed=100)
    time.sleep(2)
    after = memory_of_workers(service)
    assert load.unexpected == []
    assert set(load.counts) == {attack.__name__ for attack in ATTACKS}
    assert after <= before + ALLOWED_MIB, f"{before} MiB before, {after} after {load.counts}"
    assert service.call("GET", "/contacts/1").status == 200
