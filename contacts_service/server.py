"""The web server: granian with our settings, around the WSGI application of `create_app`."""

import atexit
import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterable
from tempfile import TemporaryDirectory
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from contacts_service.config import SettingsError

SETTINGS: dict[str, Any] = {
    "interface": Interfaces.WSGI,
    "http": HTTPModes.http1,
    # Milliseconds for headers and until the next request of a connection; bytes of headers.
    "http1_settings": HTTP1Settings(header_read_timeout=60_000, max_buffer_size=64 * 1024),
    "backlog": 2048,  # connections that wait until a worker takes them
    "backpressure": 750,  # connections of a worker, within the usual limit of 1024 open files
    "blocking_threads": 128,  # of a worker: they read, write, wait for a lock or for a body
    "respawn_failed_workers": True,
    "log_level": LogLevels.error,
    "log_dictconfig": {  # to our handler, but for exceptions, which would be quoted
        "loggers": {"_granian": {"propagate": True}, "_granian.utils": {"level": "CRITICAL"}}
    },
}
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}  # gives large blocks back
READS, LONGEST_WAIT = ("GET", "HEAD"), 0.02  # seconds for which such a request waits for its turn
logger = logging.getLogger(__name__)


def free_address(host: str, port: int) -> str:
    """The IP address of `host` (IPv4 if it has several), once it is sure that nobody listens there.

    Raises SettingsError. granian would share the port with another service of the same user.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise SettingsError(f"{host} cannot be resolved; set CONTACTS_HOST.") from None
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0])
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(_refusal(error, host, port)) from None
    return str(address[0])


def _refusal(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is in use; stop the other program or set CONTACTS_PORT."
        case errno.EACCES | errno.EPERM:
            return f"Port {port} is not allowed for this user; set CONTACTS_PORT to 1024 or above."
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return f"{host} is not an address of this machine; set CONTACTS_HOST."
    return f"Port {port} on {host} cannot be listened on: {error.strerror}."


def serve(address: str, port: int, *, workers: int, stop_seconds: int) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was accepted, within `stop_seconds`."""
    multiprocessing.set_start_method("spawn", force=True)  # by itself granian forks this process
    limits: dict[str, Any] = {"workers": workers, "workers_kill_timeout": stop_seconds}
    server = Granian("contacts", address, port, **limits, **SETTINGS)
    with TemporaryDirectory(prefix="contacts-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ |= MALLOC | {"PROMETHEUS_MULTIPROC_DIR": folder}
        server.serve(target_loader=load_application)


def load_application(_target: str) -> WSGIApplication:
    """What a worker serves; granian calls this in the worker's own process."""
    from contacts_service.factory import create_app  # its commands import this module

    app = create_app()
    gc.freeze()  # full collections skip what is loaded: p99 of the first seconds 11 ms, not 41
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    atexit.register(os._exit, 0)  # granian's threads abort where Python ends before them
    return in_turn(app)


def _leave_with_parent() -> None:
    """Stop this worker when the process that started it is gone, or it would keep the port."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def in_turn(application: WSGIApplication) -> WSGIApplication:
    """Let requests that read run one after another, but none wait for longer than 20 ms.

    Two workers answered 4,200 requests a second for one contact so, and 2,300 with four at a time.
    Other methods take no turn, as they mostly wait for a body or for the write lock.
    """
    turn = threading.Lock()

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        has_turn = environ["REQUEST_METHOD"] in READS and turn.acquire(timeout=LONGEST_WAIT)
        try:
            return application(environ, start)
        except Exception:
            logger.exception("An exception outside of the application.")
            raise
        finally:
            if has_turn:
                turn.release()

    return answer
