"""Shares: which worker takes a new connection.

All of them wait at one socket. The first one to wake would take everything that comes at once, and
a gateway keeps its connections for hours. So who has more than another leaves a new connection to
that one for a moment.
"""

import mmap
import time
from collections.abc import Callable

MOMENT = 0.002  # seconds
KEPT_IN_MIND = 1.0  # seconds after it, in which a connection that still waits is taken
NOT_SERVING = 0


class Shares:
    """How many connections each worker has; made before the workers are, and shared by them.

    A slot holds a worker's number of connections and one more, so that 0 is nobody.
    """

    def __init__(self, slots: int) -> None:
        self.slots = memoryview(mmap.mmap(-1, 4 * slots)).cast("I")


class Share:
    """One worker's share."""

    def __init__(
        self, shares: Shares, slot: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._slots = shares.slots
        self._slot = slot
        self._clock = clock
        self._left_until = -KEPT_IN_MIND

    def note(self, connections: int) -> None:
        """Let the others know how many connections there are."""
        self._slots[self._slot] = connections + 1

    def end(self) -> None:
        """Take no part any more."""
        self._slots[self._slot] = NOT_SERVING

    def pause(self) -> float:
        """The seconds for which a new connection is still left to others; 0 for none."""
        return max(0.0, self._left_until - self._clock())

    def is_mine(self) -> bool:
        """Whether to take the connection that waits; False begins a pause."""
        now = self._clock()
        was_left = now - self._left_until < KEPT_IN_MIND
        if was_left or not self._has_more_than_another():
            self._left_until = -KEPT_IN_MIND
            return True
        self._left_until = now + MOMENT
        return False

    def _has_more_than_another(self) -> bool:
        serving = [number for number in self._slots if number != NOT_SERVING]
        return min(serving, default=NOT_SERVING) < self._slots[self._slot]
