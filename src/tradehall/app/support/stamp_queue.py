"""Stamps of decisions that wait to be folded: some 30 bytes each, so that a long rush may be remembered."""

from array import array
from collections.abc import Sequence
from itertools import chain
from typing import Final

from tradehall.analytics.latency import NEVER
from tradehall.app.support.executions import Stamps

# Beyond it the oldest are forgotten: their orders have no stamps, which latency shows as unknown.
STAMPS_MAX: Final = 1_000_000


class StampQueue:
    """Noted in the order of the journal, taken in the same order. `durable`: the last record that is so already."""

    def __init__(self, durable: int = 0, most: int = STAMPS_MAX) -> None:
        self._asked = _Line(3, most)
        self._batches = _Line(2, most)
        self._durable = durable
        # What was asked since the last batch became durable.
        self._fresh: list[tuple[int, int, int]] = []

    def ask(self, seq: int, signal: int, received: int) -> None:
        """Decision `seq` is made: when it was thought of, and when its request was here [ns UTC]."""
        self._fresh.append((seq, signal, received))

    def journal(self, seq: int, at: int) -> None:
        """All decisions up to `seq` are durable, the latest of them since `at` [ns UTC]."""
        fresh, self._fresh = self._fresh, []
        self._asked.extend(fresh)
        self._batches.extend([(self._durable + 1, at)])
        self._durable = seq

    def take(self, seq: int) -> Stamps:
        """The stamps of decision `seq`, which is durable; those of the ones before it are forgotten."""
        asked, batch = self._asked.reach(seq), self._batches.reach(seq)
        _, signal, received = asked if asked and asked[0] == seq else _UNKNOWN
        return Stamps(signal, received, batch[1] if batch else NEVER)

    def hand_over(self, until: int) -> tuple[bytes, bytes]:
        """What is known of decisions up to `until`, which is durable, for another queue; it is forgotten here."""
        return self._asked.cut(until), self._batches.cut(until)

    def take_over(self, handed: tuple[bytes, bytes]) -> None:
        """Know what another queue handed over, behind what it handed over before."""
        for line, rows in zip((self._asked, self._batches), handed, strict=True):
            line.paste(rows)

    def __len__(self) -> int:
        return max(len(self._asked), len(self._batches))


_UNKNOWN: Final = (NEVER, NEVER, NEVER)


class _Line:
    """Rows of figures, the first of which ascends."""

    def __init__(self, width: int, most: int) -> None:
        self._figures = array("q")
        self._width = width
        self._most = most * width
        self._next = 0
        self._last = -1

    def __len__(self) -> int:
        return (len(self._figures) - self._next) // self._width

    def extend(self, rows: Sequence[tuple[int, ...]]) -> None:
        """Some more. A journal that refused a batch gives its numbers again: rows that had them are gone."""
        if not rows:
            return
        if rows[0][0] > self._last and rows == sorted(rows):
            self._figures.extend(chain.from_iterable(rows))
        else:
            for row in rows:
                self._take_back(row[0])
                self._figures.extend(row)
        self._last = rows[-1][0]
        self._forget_oldest()

    def _take_back(self, first: int) -> None:
        figures, width = self._figures, self._width
        while len(figures) > self._next and figures[-width] >= first:
            del figures[-width:]

    def reach(self, first: int) -> "array[int] | None":
        """The last row that does not begin beyond `first`; those before it are forgotten."""
        figures, width = self._figures, self._width
        while self._next + width < len(figures) and figures[self._next + width] <= first:
            self._pass()
        row = self._figures[self._next : self._next + width]
        return row if row and row[0] <= first else None

    def cut(self, last: int) -> bytes:
        """The rows that do not begin beyond `last`; they are gone from here."""
        figures, width, end = self._figures, self._width, len(self._figures)
        while end > self._next and figures[end - width] > last:
            end -= width
        rows = figures[self._next : end].tobytes()
        del figures[:end]
        self._next = 0
        return rows

    def paste(self, rows: bytes) -> None:
        """Rows that were cut elsewhere; they follow those that are here."""
        self._figures.frombytes(rows)
        self._last = self._figures[-self._width] if rows else self._last
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._figures) - self._next > self._most:
            self._pass()

    def _pass(self) -> None:
        self._next += self._width
        if 2 * self._next > len(self._figures):
            del self._figures[: self._next]
            self._next = 0
