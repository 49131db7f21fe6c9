"""Plays one reel: on its own clock, at the speed of all, once or over and over."""

import time
from collections.abc import Iterator
from math import ceil, inf
from typing import Final

from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.feed import MarketSink
from tradehall.ports.recording import SILENCE_NS_MAX, Reel, Row

# What "as fast as possible" is where a time must be divided by it.
SPEED_MAX: Final = 1_000_000.0
ROWS_PER_LOOK: Final = 16
GAP_BETWEEN_LOOPS_NS: Final = NS_PER_SECOND


class ReelPlayer:
    """One reel, opened. Its zero, the first quote, is due when it begins; what precedes it is due then too.

    `speed` None: as fast as possible. `loop` starts over at the end, times going on. Instants are those of the
    caller's clock, which never goes back.
    """

    def __init__(self, reel: Reel, *, speed: float | None, loop: bool) -> None:
        self.reel = reel
        self._speed = speed
        self._loop = loop
        # The recorded instant `_zero` was due at `_began`.
        self._zero = reel.begins_at
        self._began = 0
        self._offset = 0
        self._rows: Iterator[Row] = reel.rows()
        self._next = next(self._rows, None)
        self._first = self._next[0] if self._next else self._zero

    def begin(self, now: int, *, shift: bool) -> None:
        """Zero is due `now`. With `shift` recorded times are moved so that it is `now`."""
        self._began = now
        if shift:
            offset = now - self._zero
            self._offset = offset - offset % NS_PER_MINUTE if self.reel.keeps_minutes else offset

    def play(self, sink: MarketSink, now: int, *, received_at: int, slice_end: int) -> int | None:
        """Tell what is due `now`, until `slice_end` [ns, monotonic] at most; when the next is due, None at the end."""
        due_until = inf if self._speed is None else self._zero + round((now - self._began) * self._speed)
        send, offset, rows, row = self.reel.send, self._offset, self._rows, self._next
        told, is_silent = 0, self.reel.ends if self._loop else _never
        while row is not None and row[0] <= due_until:
            if not is_silent(row):
                send(row, sink, received_at=received_at, offset=offset)
            told += 1
            last, row = row, next(rows, None)
            if row is None:
                row = self._start_over(last[0]) if self._loop else None
                break
            if self._skips(row[0] - max(last[0], self._zero)):
                break
            if told % ROWS_PER_LOOK == 0 and time.monotonic_ns() > slice_end:
                break
        self._next = row
        return None if row is None else max(now, self._due_at(row))

    def _skips(self, silence: int) -> bool:
        """Of a long silence only a second is waited for."""
        if silence <= SILENCE_NS_MAX:
            return False
        self._began -= round((silence - NS_PER_SECOND) / (self._speed or SPEED_MAX))
        return True

    def _start_over(self, last: int) -> Row | None:
        """The first row again, its times and its due going on from the `last`."""
        length = last - self._first + GAP_BETWEEN_LOOPS_NS
        if self.reel.keeps_minutes:
            length += -length % NS_PER_MINUTE
        self._offset += length
        self._began += round(length / (self._speed or SPEED_MAX))
        self._rows = self.reel.rows()
        return next(self._rows, None)

    def _due_at(self, row: Row) -> int:
        return 0 if self._speed is None else self._began + ceil((row[0] - self._zero) / self._speed)


def _never(_: Row) -> bool:
    return False
