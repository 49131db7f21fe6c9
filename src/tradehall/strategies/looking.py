"""A program among the tracks: what it signals as the bars of its clock close, and what it did before."""

import math
from array import array
from collections.abc import Iterator, Mapping

from tradehall.domain.market import bar_start
from tradehall.strategies.columns import Computed
from tradehall.strategies.evaluating import Cursor, Evaluator
from tradehall.strategies.plan import Clock, Series
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.tracks import MASK, Track, fill, new_ring


class Looking:
    """A program that looks at its clock's bars as they close.

    Series of other clocks are taken over at each look, as they are known then, into rings of its own.
    `foreign`: clocks of other symbols, whose bars may come a little later than its own.
    """

    def __init__(self, program: Program, tracks: Mapping[Clock, Track], computed: Computed) -> None:
        self.program = program
        self.track = tracks[program.clock]
        self._tracks = tracks
        self._foreign: dict[Series, array[float]] = {}
        for series in program.series:
            if series.clock != program.clock:
                self._foreign[series] = self._seeded(series, computed)
        self.foreign = {series.clock for series in self._foreign if series.clock.symbol != program.symbol}
        self._looked_at = self.track.head
        self._evaluator = Evaluator(program, self._ring, self.track)

    @property
    def behind(self) -> int:
        """Bars that have closed and were not looked at yet: 1 while it waits for other symbols, else 0."""
        return self.track.head - self._looked_at

    def is_complete(self) -> bool:
        """Whether the bars of all other symbols that close by the close of its newest bar are there."""
        close = self.track.last_close
        return all(self._tracks[clock].last_close >= _last_close(clock, close) for clock in self.foreign)

    def look(self) -> Signals:
        """Look at the newest bar: once for each, before the next one comes."""
        close, slot = self.track.last_close, self.track.head & MASK
        self._looked_at = self.track.head
        for series, ring in self._foreign.items():
            track = self._tracks[series.clock]
            theirs = track.slot_at(close)
            ring[slot] = math.nan if theirs is None else track.ring(series)[theirs]
        return self._evaluator.signals(close)

    def beat(self, at: int) -> Signals:
        """What its rules with `every` signal at a beat [ns UTC]."""
        return self._evaluator.signals(at, at)

    def past(self, ago: int) -> Evaluator:
        """Its rules at the bar `ago` looks before the last one."""
        return Evaluator(self.program, self._ring, Cursor(self.track.head - self.behind - ago))

    def replay(self, count: int) -> Iterator[tuple[int, Signals]]:
        """What it signalled at its last `count` looks (at most `LOOKS_KEPT`), oldest first, with the bars' numbers."""
        last = self.track.head - self.behind
        cursor = Cursor(last - count)
        evaluator = Evaluator(self.program, self._ring, cursor)
        while cursor.head < last:
            cursor.head += 1
            yield cursor.head, evaluator.signals(self.track.close_of(self.track.head - cursor.head))

    def _ring(self, series: Series) -> "array[float]":
        return self.track.ring(series) if series.clock == self.track.clock else self._foreign[series]

    def _seeded(self, series: Series, computed: Computed) -> "array[float]":
        ring = new_ring()
        if self.track.head >= 0:
            fill(ring, computed.aligned(series, self.program.clock), self.track.head)
        return ring


def _last_close(clock: Clock, instant: int) -> int:
    """The last instant, not after the given one, at which a bar of the clock can be over."""
    return bar_start(instant, clock.timeframe)
