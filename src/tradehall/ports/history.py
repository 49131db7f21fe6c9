"""Bars of the past, wherever they are kept.

A read may be long (a file, a month of minutes), and whoever asks may have better things to do meanwhile: so it
is a generator that stops wherever it may be left for a while, and returns its bars in the end.
"""

from collections.abc import Generator
from enum import Enum
from typing import Final, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from tradehall.domain.market import Bar, Timeframe

BARS_PER_READ_MAX: Final = 10_000

T = TypeVar("T")


class Ahead(Enum):
    """What comes next, said at each stop of a read."""

    SHORT = "short"  # Well under a millisecond of Python.
    FILE = "file"  # Some milliseconds of reading and summing outside of Python: a thread may do it.


Steps: TypeAlias = Generator[Ahead, None, T]


class BarWindow(Struct, frozen=True, gc=False):
    """Which bars are asked for: `start` and `end` [ns UTC] are bar starts, both inclusive.

    With `start` the first `limit` bars from there; without it the last `limit` up to `end` or to now.
    """

    symbol: str
    timeframe: Timeframe
    start: int | None = None
    end: int | None = None
    limit: int = 100

    def holds(self, at: int) -> bool:
        """Whether a bar that starts at `at` lies within start and end."""
        return (self.start is None or at >= self.start) and (self.end is None or at <= self.end)


class BarHistory(Protocol):
    """Bars that never change: two reads of the same window give the same bars, also at the same time."""

    @property
    def reaches_now(self) -> bool:
        """True: it knows every minute that is over. False: it ends where the live quotes begin."""
        ...

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        """Bars of `window`, oldest first, made of what happened strictly before `before` [ns UTC].

        The last may therefore be the first part of a bar. Empty for a symbol it does not know.
        """
        ...


class NoHistory:
    """The history of a market nobody recorded."""

    reaches_now = False

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        """No bars."""
        yield from ()
        return []


def at_once(steps: Steps[T]) -> T:
    """What `steps` return, without a stop."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
