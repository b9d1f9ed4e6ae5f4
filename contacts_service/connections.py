"""Connections: how requests are taken in, answered, and refused before the application sees them.

waitress' channels, parser and tasks, with answers in the envelope for what waitress trips over or
lets through, and an end to what never ends.
"""

import logging
import socket
import time
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest

from contacts_service.errors import GeneralError, InputError, PayloadTooLargeError, ServiceError
from contacts_service.strict_json import write_json
from contacts_service.web.request_log import request_id
from contacts_service.web.security_headers import DATA_HEADERS

REQUEST_SECONDS = 300  # to send a whole request, however slowly
REFUSED_SECONDS = 10  # to take an error in, while still sending
IDLE_SECONDS = 0.5  # to send the next request on a kept connection, once the stop has begun
CONTROL_LINE = 4096  # bytes of a chunk's size line or of the trailer
NEVER_WRITING = ("GET", "HEAD", "")  # the last: what is refused before it is a request


def _input_error(sentence: str) -> InputError:
    return InputError({"": [sentence]}, location="headers")


REFUSALS: dict[int, ServiceError] = {
    400: _input_error("The request is not well-formed HTTP."),
    413: PayloadTooLargeError("The body is larger than any route accepts."),
    431: _input_error("The headers are larger than 32 KiB."),
    500: GeneralError(),
    501: _input_error("Of transfer encodings only chunked is supported."),
}

logger = logging.getLogger(__name__)


class Parser(HTTPRequestParser):
    """waitress' parser, with answers for what it trips over or lets through."""

    completed: bool
    arrival = 0.0  # when it was there as a whole, by the monotonic clock

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.begun = time.time()

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.chunked and not self.completed and self._has_long_line():
            self.error = BadRequest("")
            self.completed = True
        if self.completed:
            self.arrival = time.monotonic()
            self.expect_continue = False  # or a refused request would be read on
        return consumed

    def _has_long_line(self) -> bool:
        # waitress searches these from their start with each packet
        return len(self.body_rcv.control_line) + len(self.body_rcv.trailer) > CONTROL_LINE

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # the host "[", a length of 5,000 digits
            raise ParsingError(str(error)) from error
        length = "CONTENT_LENGTH" in self.headers
        if self.version not in ("1.0", "1.1") or (self.chunked and length):
            raise ParsingError("The end of the request is ambiguous (RFC 9112, section 6.3).")
        if "TRANSFER_ENCODING" in self.headers:  # taken out by waitress, but for HTTP/1.0
            raise ParsingError("HTTP/1.0 has no transfer encodings (RFC 9112, section 6.1).")


class ApplicationTask(WSGITask):
    """An answer of the application, the last one of its connection while the server stops."""

    def build_response_header(self) -> bytes:
        channel = self.channel
        if channel.server.stopping:
            with channel.requests_lock:  # the loop may be about to add another one
                if len(channel.requests) == 1:
                    self.request.headers["CONNECTION"] = "close"
                    self.request.connection_close = True
        return bytes(super().build_response_header())

    def set_close_on_finish(self) -> None:
        """Keep the connection after 204 and 304, which end without a length as well."""
        if self.has_body or self.version == "1.0" or self.request.connection_close:
            super().set_close_on_finish()


class RefusalTask(ErrorTask):
    """The answer to what the application never saw, or failed to answer, in the envelope."""

    def execute(self) -> None:
        request = self.request
        error = REFUSALS[request.error.code]
        own_id = request_id(request.headers.get("X_REQUEST_ID", ""))
        level = logging.ERROR if error.status == 500 else logging.INFO
        told = "A request was answered with %d by the server itself."
        logger.log(level, told, error.status, extra={"fields": {"request_id": own_id}})
        body = write_json({"data": error.payload()})
        command = getattr(request, "command", "")
        if self.channel.server.counters:
            self.channel.server.counters.count_refusal(command, error.status)
        self.status = f"{error.status} {HTTPStatus(error.status).phrase}"
        self.response_headers = [
            ("Content-Type", "application/json"),
            ("X-Request-ID", own_id),
            *DATA_HEADERS,
        ]
        self.content_length = len(body)
        self.close_on_finish = True
        self.channel.refused = True
        request.headers["CONNECTION"] = "close"
        self.write(b"" if command == "HEAD" else body)


class Channel(HTTPChannel):
    """A connection. One that is refused is read on for a while, or the answer would be lost.

    Closing with bytes unread makes the kernel reset the connection, and the client may never see
    what was sent to it (RFC 9112, section 9.6).
    """

    task_class = ApplicationTask
    error_task_class = RefusalTask
    parser_class = Parser
    close_when_flushed: bool
    fresh = True  # nothing has come in yet
    refused = False
    closes_at: float | None = None  # when the reading on ends

    def received(self, data: bytes) -> bool:
        self.fresh = False
        return self.closes_at is None and bool(super().received(data))

    def handle_write(self) -> None:
        with self.requests_lock:  # the thread that answers sets close_when_flushed under it
            answered = self.refused and self.close_when_flushed
            if answered:
                self.close_when_flushed = False
            super().handle_write()
            if answered and self.connected:
                self._leave_slowly()

    def _leave_slowly(self) -> None:
        if self.total_outbufs_len:
            self.close_when_flushed = True
        else:
            self.closes_at = time.time() + REFUSED_SECONDS
            self.socket.shutdown(socket.SHUT_WR)

    @property
    def arrival(self) -> float:
        """When its next request was there, however long it stood behind others of its own."""
        return self.requests[0].arrival if self.requests else time.monotonic()

    @property
    def may_write(self) -> bool:
        """Whether its next request may have to wait for another writer."""
        command = getattr(self.requests[0], "command", "") if self.requests else ""
        return command not in NEVER_WRITING

    def is_overdue(self, now: float) -> bool:
        if self.closes_at is not None:
            return now >= self.closes_at
        return self.request is not None and now - self.request.begun > REQUEST_SECONDS

    def is_owed(self) -> bool:
        return bool(self.requests or self.total_outbufs_len)  # in this order: threads move it so

    def is_idle(self, now: float) -> bool:
        begun = self.fresh or self.request is not None or self.closes_at is not None
        return not begun and now - self.last_activity > IDLE_SECONDS
