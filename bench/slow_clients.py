"""Clients that send a byte a second: half of them their headers, half a body."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEAD = b"POST /0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


@contextmanager
def slow_clients(port: int, number: int) -> Iterator[None]:
    """So many of them at a server, for as long as it is open to them."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    for client in clients[::2]:
        client.sendall(HEAD)
    is_over = threading.Event()
    thread = threading.Thread(target=_dribble, args=(clients, is_over))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        for client in clients:
            client.close()


def _dribble(clients: list[socket.socket], is_over: threading.Event) -> None:
    sent = 0
    while not is_over.wait(1):
        for number, client in enumerate(clients):
            with suppress(OSError):
                client.send(b"x" if number % 2 == 0 else HEAD[sent % 50 : sent % 50 + 1])
        sent += 1
