"""Bars of the past, wherever they are kept."""

from typing import Final, Protocol

from msgspec import Struct

from tradehall.domain.market import Bar, Timeframe

BARS_PER_READ_MAX: Final = 10_000


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
    """Bars that never change: two reads of the same window give the same bars."""

    @property
    def reaches_now(self) -> bool:
        """True: it knows every minute that is over. False: it ends where the live quotes begin."""
        ...

    def bars(self, window: BarWindow, *, before: int) -> list[Bar]:
        """Bars of `window`, oldest first, made of what happened strictly before `before` [ns UTC].

        The last may therefore be the first part of a bar. Empty for a symbol it does not know.
        """
        ...


class NoHistory:
    """The history of a market nobody recorded."""

    reaches_now = False

    def bars(self, window: BarWindow, *, before: int) -> list[Bar]:
        """No bars."""
        return []
