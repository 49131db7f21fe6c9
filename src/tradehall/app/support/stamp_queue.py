"""Stamps of decisions that wait to be folded: 32 bytes each, so that a long rush may be remembered."""

from array import array
from typing import Final

from tradehall.app.support.executions import NO_STAMPS, Stamps

# Beyond it the oldest are forgotten: their orders have no stamps, which latency shows as unknown.
STAMPS_MAX: Final = 1_000_000

_FIGURES: Final = 4  # seq, signal, received, journaled


class StampQueue:
    """Added in the order of the journal, taken in the same order."""

    def __init__(self, most: int = STAMPS_MAX) -> None:
        self._most = most
        self._figures = array("q")
        self._next = 0

    def __len__(self) -> int:
        return (len(self._figures) - self._next) // _FIGURES

    def add(self, seq: int, signal: int, received: int, journaled: int) -> None:
        """Note the stamps [ns UTC] of decision `seq`."""
        self._figures.extend((seq, signal, received, journaled))
        if len(self) > self._most:
            self._next += _FIGURES
        if self._next > _FIGURES * self._most:
            self._drop_taken()

    def take(self, seq: int) -> Stamps:
        """The stamps of decision `seq`, forgetting those of the decisions before it; none if nobody noted any."""
        figures = self._figures
        while self._next < len(figures) and figures[self._next] < seq:
            self._next += _FIGURES
        if self._next == len(figures):
            self._drop_taken()
            return NO_STAMPS
        if figures[self._next] != seq:
            return NO_STAMPS
        _, signal, received, journaled = figures[self._next : self._next + _FIGURES]
        self._next += _FIGURES
        return Stamps(signal, received, journaled)

    def _drop_taken(self) -> None:
        del self._figures[: self._next]
        self._next = 0
