"""Serving: gunicorn's arbiter keeps the worker processes, waitress serves in each of them.

waitress reads requests in its own I/O loop before a thread is taken, so that slow clients hold no
threads; the arbiter forks, watches and replaces workers. What is ours is the stop that loses no
request; `connections` has what happens to each of them.
"""

import errno
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.server import TcpWSGIServer

from contacts_service.config import SettingsError
from contacts_service.connections import Channel
from contacts_service.memory import keep_little
from contacts_service.shares import Share, Shares
from contacts_service.turns import Dispatcher

if TYPE_CHECKING:
    from contacts_service.counters import Counters

BACKLOG = 2048
CONNECTIONS = 1000  # of each worker, if the limit of open files allows it
SLOTS = 256  # workers, with those that stop, that share the connections evenly
FILES_EACH = 3  # a connection, and a temporary file for what it sends and for what it gets
FILES_BESIDE = 200  # the database, logs, modules
UNFINISHED_SECONDS = 2  # to finish sending a request once the stop has begun
STOP_SECONDS = 30  # to answer what has been received by then
KILLED_AFTER = 5  # seconds more a worker has to end

# Where two threads work all the same, each gives the interpreter's lock away at every step in the
# database and waits for the end of the other's turn to have it back: at Python's 5 ms, ten steps
# take 50 ms.
TURN_SECONDS = 0.0001


STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

WAITRESS: dict[str, Any] = {
    "asyncore_use_poll": True,  # select() ends at descriptor 1023
    "backlog": BACKLOG,
    "channel_timeout": 75,  # idle: longer than the 60 seconds of most proxies
    "cleanup_interval": 5,
    "clear_untrusted_proxy_headers": False,  # the application decides which proxy it trusts
    "expose_tracebacks": False,
    "ident": None,
    "inbuf_overflow": 64 * 1024,  # from here on a body is in a temporary file
    "max_request_body_size": 26 * 2**20,  # above what any route takes: their 413 names their limit
    "max_request_header_size": 32 * 1024,
    "outbuf_high_watermark": 64 * 2**20,  # no answer is as large: none holds its thread
    "recv_bytes": 16 * 1024,  # larger makes tiny chunks dear, smaller large bodies
}


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound and queues connections already; port 0 takes a free one.

    A name with several addresses gets its IPv4 one. Raises SettingsError.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise SettingsError(f"{host} cannot be resolved; set CONTACTS_HOST.") from None
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0])
    try:
        return _bound(socket.socket(family, kind, protocol), address)
    except OSError as error:
        raise SettingsError(_refusal(error, host, port)) from None


def _bound(listener: socket.socket, address: Any) -> socket.socket:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is in use; stop the other program or set CONTACTS_PORT."
        case errno.EACCES | errno.EPERM:
            return f"Port {port} is not allowed for this user; set CONTACTS_PORT to 1024 or above."
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return f"{host} is not an address of this machine; set CONTACTS_HOST."
    return f"Port {port} on {host} cannot be listened on: {error.strerror}."


def serve(
    app: WSGIApplication,
    listener: socket.socket,
    *,
    workers: int,
    threads: int,
    counters: "Counters | None" = None,
    stop_seconds: int = STOP_SECONDS,
    at_end: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Serve until SIGTERM or SIGINT, then answer what has been received and exit with 0.

    That may take `stop_seconds`; a second SIGINT hurries. `at_end` is called when no worker is
    left. The workers leave by SystemExit through the caller's frames as well; what was opened
    before, such as database connections, is shared with them.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a word for each queued request
    settings = {
        "workers": workers,
        "threads": threads,
        "graceful_timeout": stop_seconds + KILLED_AFTER,
        "on_exit": lambda _supervisor: at_end(),
    }
    with counters.shared() if counters else nullcontext():
        supervisor = Supervisor(_Configured(app, settings, counters))
        supervisor.LISTENERS = [listener]
        supervisor.run()
    raise AssertionError("The arbiter leaves by SystemExit.")


class _Configured(BaseApplication):
    """The application with gunicorn's settings; nothing of its files or environment is read."""

    def __init__(
        self, app: WSGIApplication, settings: dict[str, Any], counters: "Counters | None"
    ) -> None:
        self.settings = settings | {
            "bind": "",  # the arbiter is given the socket
            "control_socket_disable": True,
            "logger_class": _PropagatingLogger,
            "preload_app": True,
            "timeout": 30,
            "worker_class": WaitressWorker,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108
        }
        super().__init__()
        self.callable = app
        self.counters = counters
        self.shares = Shares(SLOTS)
        self.free_slot = 0  # of the next worker

    def load_config(self) -> None:
        for name, value in self.settings.items():
            self.cfg.set(name, value)


class _PropagatingLogger(Logger):
    """gunicorn's messages for the application's handlers; no access log."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class Supervisor(Arbiter):
    """The arbiter, for which SIGINT is as graceful as SIGTERM."""

    handle_int = Arbiter.handle_term

    def handle_usr2(self) -> None:
        """Do nothing: a second copy of the program could not bind the port."""

    def spawn_worker(self) -> Any:
        """Hold signals back until the worker has its own handlers, or it would miss a stop."""
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        taken = {worker.slot for worker in self.WORKERS.values()}
        self.app.free_slot = next(slot for slot in count() if slot not in taken) % SLOTS
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class WaitressWorker(Worker):
    """Runs waitress' loop, with the arbiter's heartbeat in it, until told to stop."""

    server: "Server | None" = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.slot: int = self.app.free_slot

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.server:
            self.server.pull_trigger()

    def run(self) -> None:
        keep_little()
        sys.setswitchinterval(TURN_SECONDS)
        share = Share(self.app.shares, self.slot)
        counters: Counters | None = self.app.counters
        if counters:
            counters.join(self.slot)
        self.server = server = Server(self.wsgi, self.sockets[0], self.cfg.threads, share, counters)
        while self.alive and os.getppid() == self.ppid:
            server.turn(1)
            self.notify()
        server.stop_accepting()
        begun = time.monotonic()
        stop_seconds = self.cfg.graceful_timeout - KILLED_AFTER
        while server.active_channels and time.monotonic() < begun + stop_seconds:
            server.close_waiting(unfinished=time.monotonic() > begun + UNFINISHED_SECONDS)
            server.turn(0.1)
            self.notify()
        if server.active_channels:
            self.log.warning("The stop cut off %d connections.", len(server.active_channels))


class Server(TcpWSGIServer):
    """waitress on a socket that is bound already, with an end to slow requests and a soft stop."""

    active_channels: "dict[int, Channel]"
    stopping = False

    def __init__(
        self,
        app: WSGIApplication,
        listener: socket.socket,
        threads: int,
        share: Share,
        counters: "Counters | None",
    ) -> None:
        super().__init__(
            app,
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            connection_limit=_connection_limit(),
            dispatcher=Dispatcher(),
            **WAITRESS,
        )
        self.task_dispatcher.set_thread_count(threads)
        self.channel_class = Channel
        self.share = share
        self.counters = counters

    def turn(self, timeout: float) -> None:
        """Wait for something to read or write, at most `timeout` seconds, and do it."""
        self.share.note(len(self.active_channels))
        self.task_dispatcher.wait_for_workers()
        wasyncore.poll2(min(timeout, self.share.pause() or timeout), self._map)

    def readable(self) -> bool:
        return bool(super().readable()) and not self.share.pause()

    def handle_accept(self) -> None:
        if self.stopping or self.share.is_mine():
            super().handle_accept()

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(now):
                channel.will_close = True

    def stop_accepting(self) -> None:
        """Take in who has connected already, then close the socket."""
        self.stopping = True
        self.share.end()
        for _ in range(BACKLOG):
            before = len(self.active_channels)
            self.handle_accept()
            if len(self.active_channels) == before:
                break
        wasyncore.dispatcher.close(self)

    def close_waiting(self, *, unfinished: bool) -> None:
        """Close idle connections; with `unfinished` all that are not owed an answer."""
        now = time.time()
        for channel in list(self.active_channels.values()):
            if not channel.is_owed() and (unfinished or channel.is_idle(now)):
                channel.will_close = True


def _connection_limit() -> int:
    """Raise the limit of open files to what the connections take; as many as it allows for."""
    wanted = CONNECTIONS * FILES_EACH + FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(CONNECTIONS, max(10, (soft - FILES_BESIDE) // FILES_EACH))
