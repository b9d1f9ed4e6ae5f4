"""Requests that read take turns in a worker, and none waits for long."""

import threading
import time
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest

from contacts_service import server
from contacts_service.server import in_turn


def started(method: str, application: Any) -> threading.Thread:
    """A thread in which the server calls the application."""
    thread = threading.Thread(target=application, args=({"REQUEST_METHOD": method}, Mock()))
    thread.start()
    return thread


@pytest.mark.parametrize(("method", "most"), [("GET", 1), ("HEAD", 1), ("POST", 4)])
def test_requests_that_read_take_turns(
    monkeypatch: pytest.MonkeyPatch, method: str, most: int
) -> None:
    monkeypatch.setattr(server, "LONGEST_WAIT", 60)
    together = threading.Barrier(most)
    at_work: set[int] = set()
    seen: list[int] = []

    def application(_environ: Any, _start: Any) -> list[bytes]:
        at_work.add(threading.get_ident())
        together.wait(5)
        seen.append(len(at_work))
        together.wait(5)
        at_work.discard(threading.get_ident())
        return []

    threads = [started(method, served_in_turn) for served_in_turn in [in_turn(application)] * 4]
    for thread in threads:
        thread.join(20)
    assert max(seen) == most


def test_a_slow_request_keeps_others_waiting_for_a_moment_alone() -> None:
    """It is the turn of nobody else meanwhile."""
    is_done = threading.Event()

    def application(environ: Any, _start: Any) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            is_done.wait(60)
        return []

    turns = in_turn(application)
    slow = started("GET", turns)
    began = time.monotonic()
    turns({"REQUEST_METHOD": "HEAD"}, Mock())
    assert time.monotonic() - began < 30
    is_done.set()
    slow.join()


@pytest.mark.parametrize("outcome", [[[]] * 3, [ZeroDivisionError] * 3], ids=["answer", "failure"])
def test_a_request_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch, outcome: list[Any]) -> None:
    monkeypatch.setattr(server, "LONGEST_WAIT", 60)
    turns = in_turn(Mock(side_effect=outcome))
    began = time.monotonic()
    for _ in range(3):
        with suppress(ZeroDivisionError):
            turns({"REQUEST_METHOD": "GET"}, Mock())
    assert time.monotonic() - began < 30
