"""Callers that send one request after the other on connections of their own, as fast as they can.

One loop serves them all and does as little as it can for each answer, because it runs on the cores
of the server that it measures.
"""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 1 << 18
PATIENCE_SECONDS = 10


@dataclass
class Outcome:
    """The seconds that each answer took, by what was asked; `seconds` for all of them."""

    taken: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(map(len, self.taken.values())) / self.seconds


@dataclass(slots=True)
class Request:
    """What is sent; `kind` is by what its times are kept."""

    kind: str
    content: bytes
    expected: tuple[bytes, ...] = (b"200",)


class _Connection:
    """A connection that waits for the answer to its request."""

    request: Request
    received: bytes  # until its length is known
    missing: int | None
    began: float

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: Request) -> None:
        self.request, self.received, self.missing = request, b"", None
        self.began = time.perf_counter()
        self.socket.sendall(request.content)

    def is_answered(self) -> bool:
        """Take in what has arrived. Raises RuntimeError for another status than is expected."""
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise RuntimeError(f"The server hung up on {self.request.content!r}.")
        if self.missing is not None:
            self.missing -= len(chunk)
            return self.missing <= 0
        self.received += chunk
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return False
        if head[9:12] not in self.request.expected:
            raise RuntimeError(f"{self.request.content!r} was answered {self.received!r}.")
        _, _, length = head.lower().partition(b"content-length:")
        if not length:  # sent in chunks
            return body.endswith(b"0\r\n\r\n")
        self.missing = int(length.split(b"\r\n", 1)[0]) - len(body)
        return self.missing <= 0


def get(path: str, key: str, kind: str = "") -> Request:
    return Request(kind, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{_bearer(key)}\r\n".encode())


def post(path: str, key: str, body: bytes, kind: str = "") -> Request:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{_bearer(key)}"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return Request(kind, head.encode() + body, (b"200", b"201"))


def _bearer(key: str) -> str:
    return f"Authorization: Bearer {key}\r\n" if key else ""


def run(
    port: int, requests: Iterator[Request], *, connections: int, seconds: float, most: int = 10**9
) -> Outcome:
    """Send requests for so long, or as many; each connection sends the next one that there is."""
    outcome = Outcome()
    beginning = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = _Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(requests))
        left = most - connections
        while selector.get_map():
            answers = selector.select(PATIENCE_SECONDS)
            if not answers:
                raise TimeoutError("The server answers nobody any more.")
            for ready, _ in answers:
                connection = ready.data
                if not connection.is_answered():
                    continue
                now = time.perf_counter()
                times = outcome.taken.setdefault(connection.request.kind, [])
                times.append(now - connection.began)
                if now - beginning < seconds and left > 0:
                    left -= 1
                    connection.send(next(requests))
                else:
                    selector.unregister(connection.socket)
                    connection.socket.close()
    outcome.seconds = time.perf_counter() - beginning
    return outcome
