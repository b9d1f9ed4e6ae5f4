"""Shares: the worker with the fewest connections takes a new one, if it is there."""

from dataclasses import dataclass

import pytest

from contacts_service.shares import MOMENT, Share, Shares


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_shares(clock: Clock, *connections: int, slots: int = 4) -> list[Share]:
    """Workers that have so many connections each."""
    shares = Shares(slots)
    made = [Share(shares, slot, clock) for slot in range(len(connections))]
    for share, number in zip(made, connections, strict=True):
        share.note(number)
    return made


@pytest.mark.parametrize("connections", [(0,), (7,), (0, 0), (3, 3), (2, 5), (0, 1), (2, 9, 2)])
def test_who_has_no_more_than_another_takes_a_connection(
    clock: Clock, connections: tuple[int, ...]
) -> None:
    share, *_ = make_shares(clock, *connections)
    assert share.is_mine()
    assert share.pause() == 0


@pytest.mark.parametrize("connections", [(1, 0), (5, 4), (3, 9, 2)])
def test_who_has_more_leaves_a_connection_for_a_moment(
    clock: Clock, connections: tuple[int, ...]
) -> None:
    share, *_ = make_shares(clock, *connections)
    assert not share.is_mine()
    assert share.pause() == pytest.approx(MOMENT)
    clock.now += MOMENT / 4
    assert share.pause() == pytest.approx(MOMENT * 3 / 4)


def test_connection_that_nobody_took_is_taken_after_the_moment(clock: Clock) -> None:
    share, _ = make_shares(clock, 5, 0)
    assert not share.is_mine()
    clock.now += MOMENT * 1.01
    assert share.pause() == 0
    assert share.is_mine()


def test_another_connection_is_left_later(clock: Clock) -> None:
    share, _ = make_shares(clock, 5, 0)
    for _ in range(3):
        assert not share.is_mine()
        clock.now += MOMENT * 1.01
        assert share.is_mine()
        clock.now += MOMENT * 1.01
        assert share.pause() == 0


def test_numbers_are_the_latest(clock: Clock) -> None:
    first, second = make_shares(clock, 5, 0)
    second.note(5)
    assert first.is_mine()
    first.note(6)
    assert not first.is_mine()
    assert second.is_mine()


def test_worker_that_has_ended_does_not_count(clock: Clock) -> None:
    first, second = make_shares(clock, 5, 0)
    second.end()
    assert first.is_mine()


def test_worker_in_the_place_of_another_counts(clock: Clock) -> None:
    shares = Shares(2)
    first, second = Share(shares, 0, clock), Share(shares, 1, clock)
    first.note(5)
    second.note(9)
    second.end()
    Share(shares, 1, clock).note(0)
    assert not first.is_mine()


def test_as_many_connections_as_there_may_be_are_counted(clock: Clock) -> None:
    first, second = make_shares(clock, 100_000, 99_999)
    assert not first.is_mine()
    assert second.is_mine()
