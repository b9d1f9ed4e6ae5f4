"""Turns: of the threads of a process, one works at a time.

Python lets one thread run anyway, and threads that compete for that spend more time changing places
than working: a request gives the interpreter's lock away at each of its steps in the database. So
the thread that answers goes on with the next request, and the loop that reads and sends waits for
it. Another begins only where it waits for something (`given_away`), or takes long.

However many requests wait to write, some threads are left to those that read.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from waitress.task import ThreadedTaskDispatcher

PATIENCE_SECONDS = 0.02  # with one request, until another thread begins as well
LOOP_SECONDS = 0.001  # with all of them, until the loop goes on all the same

_mine = threading.local()  # .dispatcher: whose turn this thread has; .arrival: of its request


@contextmanager
def given_away() -> Iterator[None]:
    """Let another thread work while this one waits; nothing where there are no turns."""
    dispatcher: Dispatcher | None = getattr(_mine, "dispatcher", None)
    if dispatcher is None:
        yield
        return
    dispatcher.end_turn()
    try:
        yield
    finally:
        dispatcher.begin_turn()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A connection whose next request is to be answered."""

    task: Any
    may_write: bool
    arrival: float

    def cancel(self) -> None:
        self.task.cancel()


def arrival() -> float:
    """When the request at work came in whole, by the monotonic clock; now, where there is none."""
    moment: float | None = getattr(_mine, "arrival", None)
    return time.monotonic() if moment is None else moment


class Dispatcher(ThreadedTaskDispatcher):
    """waitress' queue of requests, and the threads that answer them in turn."""

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[int, float] = {}  # by thread that has a turn: when it began its request
        self._writers = 0  # requests in the queue or at work that may write
        self._held: deque[_Waiting] = deque()  # more of them, which come into the queue later
        self._is_watched = False  # whether a thread waits for the end of patience
        self._done = threading.Condition(self.lock)

    def handler_thread(self, thread_no: int) -> None:
        _mine.dispatcher = self
        while True:
            with self.lock:
                if not self._wait_for_turn():
                    self._leave(thread_no)
                    return
                waiting: _Waiting = self.queue.popleft()
                _mine.arrival = waiting.arrival
                self._began[threading.get_ident()] = time.monotonic()
                self._call_another()
            try:
                waiting.task.service()
            except BaseException:
                self.logger.exception("Exception when servicing %r", waiting.task)
            finally:
                self._let_another_write(waiting)
                self.end_turn(is_over=True)

    def add_task(self, task: Any) -> None:
        waiting = _Waiting(task, task.may_write, task.arrival)
        with self.lock:
            if waiting.may_write and self._writers >= max(1, len(self.threads) // 2):
                self._held.append(waiting)
            else:
                self._admit(waiting)
                self._call_another()

    def _admit(self, waiting: _Waiting) -> None:
        self._writers += waiting.may_write
        self.queue.append(waiting)

    def _let_another_write(self, done: _Waiting) -> None:
        with self.lock:
            self._writers -= done.may_write
            if done.may_write and self._held:
                self._admit(self._held.popleft())

    def wait_for_workers(self) -> None:
        """Let the requests that were received be answered, before the loop reads more of them."""
        with self.lock:
            if self._began or self.queue:
                self._done.wait(LOOP_SECONDS)

    def begin_turn(self) -> None:
        with self.lock:
            self._began[threading.get_ident()] = time.monotonic()

    def end_turn(self, *, is_over: bool = False) -> None:
        """`is_over`: the thread looks for the next request by itself."""
        with self.lock:
            self._began.pop(threading.get_ident(), None)
            if not is_over:
                self._call_another()
            if not self._began and not self.queue:
                self._done.notify()

    def _call_another(self) -> None:
        if self.queue and not (self._began and self._is_watched):
            self.queue_cv.notify()

    def _wait_for_turn(self) -> bool:
        """Whether there is a request to answer now; False: the thread is to end."""
        self.active_count -= 1
        while not self.stop_count and not self._may_begin():
            if self.queue and not self._is_watched:
                self._is_watched = True
                self.queue_cv.wait(PATIENCE_SECONDS)
                self._is_watched = False
            else:
                self.queue_cv.wait()
        self.active_count += 1
        return not self.stop_count

    def _may_begin(self) -> bool:
        """Who has taken long works on, but not in a turn: others begin as if it were not there."""
        if not self.queue:
            return False
        oldest = time.monotonic() - PATIENCE_SECONDS
        self._began = {thread: began for thread, began in self._began.items() if began > oldest}
        return not self._began

    def _leave(self, thread_no: int) -> None:
        self.active_count -= 1
        self.stop_count -= 1
        self.threads.discard(thread_no)
        self.thread_exit_cv.notify()
