"""Turns: of the threads that answer one works at a time, and none waits for a slow one for long."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

import pytest

from contacts_service import turns
from contacts_service.turns import LOOP_SECONDS, PATIENCE_SECONDS, Dispatcher, given_away

THREADS = 4
LONG = 5.0  # seconds in which everything happens that is to happen
BRIEFLY = 3 * PATIENCE_SECONDS  # for what is not to happen


@dataclass
class Task:
    """A request of waitress', as far as the dispatcher knows it."""

    work: Callable[[], object]
    may_write: bool = False
    arrival: float = field(default_factory=time.monotonic)

    def service(self) -> None:
        self.work()


@dataclass
class Slow:
    """Work that lasts until it is told to end."""

    has_begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    gives_away: bool = False

    def __call__(self) -> None:
        self.has_begun.set()
        with given_away() if self.gives_away else nullcontext():
            assert self.may_end.wait(LONG)


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    dispatcher = Dispatcher()
    dispatcher.set_thread_count(THREADS)
    yield dispatcher
    dispatcher.set_thread_count(0)
    assert wait_for(lambda: not dispatcher.threads)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes long."""
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 10 * LONG)


def wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONG
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def add(dispatcher: Dispatcher, work: Callable[[], object]) -> threading.Event:
    """Queue a task; what it returns is set when the task is done."""
    is_done = threading.Event()

    def all_of_it() -> None:
        try:
            work()
        finally:
            is_done.set()

    dispatcher.add_task(Task(all_of_it))
    return is_done


def begin(dispatcher: Dispatcher, slow: Slow) -> Slow:
    add(dispatcher, slow)
    assert slow.has_begun.wait(LONG)
    return slow


@pytest.mark.usefixtures("patient")
def test_short_tasks_never_overlap(dispatcher: Dispatcher) -> None:
    working, overlapped = [0], []

    def work() -> None:
        working[0] += 1
        time.sleep(0)  # lets go of the interpreter's lock, not of the turn
        overlapped.append(working[0] > 1)
        working[0] -= 1

    done = [add(dispatcher, work) for _ in range(500)]
    assert all(each.wait(LONG) for each in done)
    assert overlapped == [False] * 500


@pytest.mark.usefixtures("patient")
def test_turn_that_is_given_away_lets_others_begin(dispatcher: Dispatcher) -> None:
    slow = begin(dispatcher, Slow(gives_away=True))
    assert add(dispatcher, int).wait(LONG)
    slow.may_end.set()


@pytest.mark.usefixtures("patient")
def test_turn_goes_to_a_task_that_was_waiting_for_it(dispatcher: Dispatcher) -> None:
    may_give, may_end = threading.Event(), threading.Event()

    def work() -> None:
        assert may_give.wait(LONG)
        with given_away():
            assert may_end.wait(LONG)

    add(dispatcher, work)
    done = add(dispatcher, int)
    assert not done.wait(BRIEFLY)
    may_give.set()
    assert done.wait(LONG)
    may_end.set()


@pytest.mark.usefixtures("patient")
def test_who_has_the_turn_back_holds_others_up_again(dispatcher: Dispatcher) -> None:
    is_back, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with given_away():
            pass
        is_back.set()
        assert may_end.wait(LONG)

    add(dispatcher, work)
    assert is_back.wait(LONG)
    done = add(dispatcher, int)
    assert not done.wait(BRIEFLY)
    may_end.set()
    assert done.wait(LONG)


def test_long_task_holds_another_up_no_longer_than_patience(dispatcher: Dispatcher) -> None:
    slow = begin(dispatcher, Slow())
    begun = time.monotonic()
    assert add(dispatcher, int).wait(LONG)
    assert time.monotonic() - begun < 10 * PATIENCE_SECONDS
    slow.may_end.set()


def test_long_task_holds_many_up_no_longer_than_one(dispatcher: Dispatcher) -> None:
    slow = begin(dispatcher, Slow())
    begun = time.monotonic()
    done = [add(dispatcher, int) for _ in range(25)]
    assert all(each.wait(LONG) for each in done)
    waited = time.monotonic() - begun
    slow.may_end.set()
    assert waited < 10 * PATIENCE_SECONDS


def test_long_tasks_leave_a_thread_to_others(dispatcher: Dispatcher) -> None:
    slow = [Slow() for _ in range(THREADS - 1)]
    for each in slow:
        add(dispatcher, each)
    assert add(dispatcher, int).wait(LONG)
    for each in slow:
        each.may_end.set()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
@pytest.mark.parametrize("gives_away", [False, True])
def test_task_that_raises_ends_its_turn(
    dispatcher: Dispatcher, error: type[BaseException], gives_away: bool
) -> None:
    def fail() -> None:
        with given_away() if gives_away else nullcontext():
            raise error

    done = [add(dispatcher, work) for _ in range(2 * THREADS) for work in (fail, int)]
    assert all(each.wait(LONG) for each in done)


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_every_task_is_run_once(threads: int) -> None:
    dispatcher, ran = Dispatcher(), Counter[int]()
    dispatcher.logger = logging.getLogger("silent")
    dispatcher.logger.disabled = True
    dispatcher.set_thread_count(threads)

    def work(number: int) -> None:
        ran[number] += 1
        with given_away() if number % 3 == 0 else nullcontext():
            if number % 7 == 0:
                raise ValueError(number)

    def add_some(first: int) -> None:
        for number in range(first, 4000, 4):
            dispatcher.add_task(Task(partial(work, number)))
            if number % 100 < 4:  # now and then nothing is left to do
                wait_for(lambda: number in ran)  # noqa: B023

    adders = [threading.Thread(target=add_some, args=(first,)) for first in range(4)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join(LONG)
    assert wait_for(lambda: len(ran) == 4000 and not dispatcher._began)
    assert set(ran.values()) == {1}
    dispatcher.set_thread_count(0)
    assert wait_for(lambda: not dispatcher.threads)


def test_loop_does_not_wait_where_nothing_is_left(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LOOP_SECONDS", 2 * LONG)
    begun = time.monotonic()
    dispatcher.wait_for_workers()
    slow = begin(dispatcher, Slow(gives_away=True))
    assert wait_for(lambda: not dispatcher._began)
    dispatcher.wait_for_workers()
    slow.may_end.set()
    assert time.monotonic() - begun < LONG


def test_loop_goes_on_when_the_last_task_is_done(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LOOP_SECONDS", 2 * LONG)
    slow = begin(dispatcher, Slow())
    done = add(dispatcher, int)
    end = threading.Timer(PATIENCE_SECONDS, slow.may_end.set)
    end.start()
    begun = time.monotonic()
    dispatcher.wait_for_workers()
    assert done.is_set()
    assert time.monotonic() - begun < LONG


def test_loop_goes_on_beside_a_long_task(dispatcher: Dispatcher) -> None:
    slow = begin(dispatcher, Slow())
    begun = time.monotonic()
    dispatcher.wait_for_workers()
    waited = time.monotonic() - begun
    slow.may_end.set()
    assert LOOP_SECONDS / 2 < waited < 100 * LOOP_SECONDS


def test_nothing_is_given_away_outside_of_a_dispatcher(dispatcher: Dispatcher) -> None:
    with given_away(), given_away():
        assert not dispatcher._began
    with pytest.raises(ZeroDivisionError), given_away():
        _ = 1 / 0


def test_threads_end_after_what_they_do(dispatcher: Dispatcher) -> None:
    slow = begin(dispatcher, Slow())
    dispatcher.set_thread_count(0)
    assert wait_for(lambda: len(dispatcher.threads) == 1)
    slow.may_end.set()
    assert wait_for(lambda: not dispatcher.threads)
    assert (dispatcher.active_count, dispatcher.stop_count) == (0, 0)


def test_half_of_the_threads_are_left_to_those_that_read(dispatcher: Dispatcher) -> None:
    writers = [Slow(gives_away=True) for _ in range(3 * THREADS)]
    for each in writers:
        dispatcher.add_task(Task(each, may_write=True))
    readers = [Slow(gives_away=True) for _ in range(THREADS // 2)]
    for each in readers:
        begin(dispatcher, each)
    assert sum(each.has_begun.is_set() for each in writers) <= THREADS // 2
    for each in (*writers, *readers):
        each.may_end.set()
    assert wait_for(lambda: all(each.has_begun.is_set() for each in writers))


def test_arrival_is_when_a_request_was_there(dispatcher: Dispatcher) -> None:
    arrivals: list[float] = []
    writers = [Slow(gives_away=True) for _ in range(THREADS // 2)]
    for each in writers:
        dispatcher.add_task(Task(each, may_write=True))
    task = Task(lambda: arrivals.append(turns.arrival()), may_write=True)
    dispatcher.add_task(task)
    time.sleep(BRIEFLY)
    assert not arrivals
    for each in writers:
        each.may_end.set()
    assert wait_for(lambda: bool(arrivals))
    assert arrivals == [task.arrival]
