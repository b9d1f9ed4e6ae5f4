"""What was answered is there, once, however the service ends."""

import http.client
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contacts_service.config import PROJECT_FOLDER
from tests.service import ROUNDS, Reply, Service, at_once, served

pytestmark = pytest.mark.slow

WRITERS = 8
LOST = (OSError, http.client.HTTPException)  # what a caller sees whose answer does not come

# A program whose workers are killed between a write and its answer, if the caller asks for it.
KILLED_BEFORE_THE_ANSWER = """
import os, signal
from contacts_service import server

load_application = server.load_application

def load_dying(target):
    application = load_application(target)

    def dying(environ, start_response):
        answer = b"".join(application(environ, start_response))
        if "HTTP_X_DIE" in environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return [answer]

    return dying

server.load_application = load_dying

if __name__ == "__main__":
    from contacts_service.commands import serve_command
    from contacts_service.factory import create_app

    with create_app().app_context():
        serve_command.main([], standalone_mode=False)
"""


class Writer:
    """Somebody who writes one thing after the other, and remembers what was answered."""

    def __init__(self, service: Service, number: int) -> None:
        self.service = service
        self.number = number
        self.made: dict[str, int] = {}  # contacts by address
        self.notes: dict[str, int] = {}  # the contact of each
        self.messages: set[str] = set()
        self.last: dict[int, dict[str, Any]] = {}  # what a contact was when it was last answered
        self.repeated: tuple[str, str, Any] | None = None  # key, path, body without an answer

    def work(self, may_end: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        with suppress(*LOST):
            while not may_end.is_set():
                for step in (self._create, self._change, self._note, self._message, self._block):
                    step(connection)
        connection.close()

    def _ask(self, connection: Any, method: str, path: str, body: Any, **headers: str) -> Reply:
        reply = self.service.ask(connection, method, path, body, **headers)
        assert reply.status in {200, 201}, reply
        return reply

    def _create(self, connection: Any) -> None:
        address = f"{uuid4().hex}@example.com"
        contact = self._ask(connection, "POST", "/contacts/quick", {"email": address}).data
        self.made[address] = contact["id"]
        self.last[contact["id"]] = contact

    def _change(self, connection: Any) -> None:
        contact = random.choice(list(self.made.values()))
        body = {"first_name": uuid4().hex}
        self.last.pop(contact, None)  # between the question and the answer it is either
        self.last[contact] = self._ask(connection, "PUT", f"/contacts/{contact}", body).data

    def _block(self, connection: Any) -> None:
        contact = random.choice(list(self.made.values()))
        body = {"blocked": random.random() < 0.5}
        self.last.pop(contact, None)
        self.last[contact] = self._ask(connection, "PUT", f"/contacts/{contact}/block", body).data

    def _note(self, connection: Any) -> None:
        """A note without a message id or a unique address: only its key keeps it from doubling."""
        contact = random.choice(list(self.made.values()))
        content = uuid4().hex
        path = f"/contacts/{contact}/notes"
        self.repeated = content, path, {"content": content}
        self._ask(connection, "POST", path, {"content": content}, Idempotency_Key=content)
        self.repeated = None
        self.notes[content] = contact

    def _message(self, connection: Any) -> None:
        content = uuid4().hex
        body = {"channel": "chat", "from": {"identifier": f"u-{self.number}"}, "content": content}
        self.repeated = content, "/inbound/messages", body
        self._ask(connection, "POST", "/inbound/messages", body, Idempotency_Key=content)
        self.repeated = None
        self.messages.add(content)

    def repeat(self) -> None:
        """Ask again what was not answered; it may have been done or not."""
        if self.repeated:
            key, path, body = self.repeated
            reply = self.service.call("POST", path, body, Idempotency_Key=key)
            assert reply.status == 201
            if path == "/inbound/messages":
                self.messages.add(key)
            else:
                self.notes[key] = int(path.split("/")[2])
            self.repeated = None


def walk(service: Service, path: str) -> list[Any]:
    found, cursor = [], ""
    while cursor is not None:
        page = service.call("GET", f"{path}?cursor={cursor}&page_size=100").data
        found += page["results"]
        cursor = page["next_cursor"]
    return found


def assert_all_is_there_once(service: Service, writers: list[Writer]) -> None:
    contacts = walk(service, "/contacts")
    addresses = [each["email"] for each in contacts if each["email"]]
    assert len(addresses) == len(set(addresses))
    by_id = {each["id"]: each for each in contacts}
    for writer in writers:
        for address, contact in writer.made.items():
            assert by_id[contact]["email"] == address
        for contact, last in writer.last.items():
            assert service.call("GET", f"/contacts/{contact}").data == last
        for contact in set(writer.notes.values()):
            found = [each["content"] for each in walk(service, f"/contacts/{contact}/notes")]
            assert len(found) == len(set(found))
            assert {note for note, whose in writer.notes.items() if whose == contact} <= set(found)
        assert messages_of(service, f"u-{writer.number}") >= writer.messages


def messages_of(service: Service, identifier: str) -> set[str]:
    found = service.call("GET", f"/contacts/search?q={identifier}").data
    owner = next((each for each in found if is_known_as(service, each, identifier)), None)
    if owner is None:
        return set()
    conversations = walk(service, f"/contacts/{owner['id']}/conversations")
    contents = [each["last_message"] for each in conversations]
    assert len(contents) == len(set(contents))
    return set(contents)


def is_known_as(service: Service, contact: Any, identifier: str) -> bool:
    channels = service.call("GET", f"/contacts/{contact['id']}").data["contact_channels"]
    return identifier in [each["identifier"] for each in channels]


def test_what_was_answered_is_there_once_after_every_kill(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        writers = [Writer(service, number) for number in range(WRITERS)]
        for _ in range(4 * ROUNDS):
            run_and_kill(service, writers, random.uniform(0.05, 1.5))
            assert "are sound" in service.flask("check")  # before anything repairs what it could
            begun = time.monotonic()
            service.process = service.start()
            assert service.call("GET", "/contacts").status == 200
            assert time.monotonic() - begun < 30
            for writer in writers:
                writer.repeat()
            assert_all_is_there_once(service, writers)
        assert sum(len(writer.made) for writer in writers) > WRITERS


def run_and_kill(service: Service, writers: list[Writer], seconds: float) -> None:
    may_end = threading.Event()
    works: list[Callable[[], None]] = [lambda w=writer: w.work(may_end) for writer in writers]
    with at_once(works):
        time.sleep(seconds)
        service.kill()
        may_end.set()


def test_repeat_after_a_kill_between_write_and_answer_gets_the_first_answer(tmp_path: Path) -> None:
    program = tmp_path / "dying.py"
    program.write_text(KILLED_BEFORE_THE_ANSWER)
    command = (sys.executable, program)
    with served(tmp_path, command=command, PYTHONPATH=str(PROJECT_FOLDER)) as service:
        _, contact = service.call("POST", "/contacts/quick", {"email": "linda@example.com"})
        path, body = f"/contacts/{contact['id']}/notes", {"content": "Once."}
        with pytest.raises(LOST):
            service.call("POST", path, body, Idempotency_Key="k-1", X_Die="yes")
        again = repeat(lambda: service.call("POST", path, body, Idempotency_Key="k-1"))
        assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
        assert service.call("GET", path).data["results"] == [again.data]


def repeat(call: Callable[[], Reply], times: int = 50) -> Reply:
    """The answer of a call that is repeated while its connection falls to a worker that is gone."""
    for _ in range(times):
        with suppress(*LOST):
            return call()
        time.sleep(0.1)
    return call()


def test_simultaneous_repeats_write_once(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        _, contact = service.call("POST", "/contacts/quick", {"email": "linda@example.com"})
        path, body = f"/contacts/{contact['id']}/notes", {"content": "Once."}

        def post(_: int) -> Reply:
            return service.call("POST", path, body, Idempotency_Key="k-1")

        with ThreadPoolExecutor(30) as pool:
            replies = list(pool.map(post, range(30)))
        assert {reply.status for reply in replies} == {201}
        assert sum("Idempotency-Replayed" in reply.headers for reply in replies) == 29
        assert {reply.data["id"] for reply in replies} == {replies[0].data["id"]}
        assert service.call("GET", path).data["total"] == 1
