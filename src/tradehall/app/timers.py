"""One alarm for the next deadline of a shard: nothing runs while nothing is due."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import Final

from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.clock import Clock

# The wall clock may be set while we wait: a distant deadline is looked at again this often.
SLEEP_S_MAX: Final = 60.0
SLEEP_S_MIN: Final = 0.001


class Alarm:
    """Calls `ring` when the clock has reached the deadline it was set to."""

    def __init__(self, loop: AbstractEventLoop, clock: Clock, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._clock = clock
        self._ring = ring
        self._handle: TimerHandle | None = None
        self._deadline: int | None = None

    def set(self, deadline: int | None) -> None:
        """Ring at `deadline` [ns UTC] instead of earlier settings; None: never."""
        if deadline == self._deadline:
            return
        self.cancel()
        if deadline is not None:
            self._deadline = deadline
            self._wait(deadline)

    def cancel(self) -> None:
        """Do not ring."""
        self._deadline = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wait(self, deadline: int) -> None:
        # Never at once: a deadline that nobody meets must not spin the loop.
        rest_s = max(SLEEP_S_MIN, (deadline - self._clock.now()) / NS_PER_SECOND)
        self._handle = self._loop.call_later(min(rest_s, SLEEP_S_MAX), self._wake)

    def _wake(self) -> None:
        deadline = self._deadline
        assert deadline is not None, "a cancelled alarm rang"
        if self._clock.now() < deadline:
            self._wait(deadline)
            return
        self.cancel()
        self._ring()
