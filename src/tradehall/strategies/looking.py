"""A program among the tracks: its conditions at the newest bar, and at those before it."""

import math
from array import array
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from tradehall.domain.market import bar_start
from tradehall.strategies.columns import Computed
from tradehall.strategies.comparing import CROSSINGS, compare, has_moved
from tradehall.strategies.definition import (
    All,
    Any,
    Comparison,
    Condition,
    Move,
    Not,
    Number,
    Operand,
    Relation,
    Within,
)
from tradehall.strategies.plan import Clock, Series, bars_ago, scale_of
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.tracks import MASK, Track, fill, new_ring
from tradehall.strategies.verdicts import NEVER, Verdict

# A value, or a verdict, as it was at the bar so many bars before the newest one.
Value: TypeAlias = Callable[[int], float]
Test: TypeAlias = Callable[[int], Verdict]

_VERDICTS: Final = tuple(Verdict)


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
        self._levels = [self._value_of(level.series, level.bars_ago) for level in program.levels]
        self._tests = [None if rule.when is None else self._test(rule.when) for rule in program.definition.rules]

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
        return self.signals(0)

    def signals(self, ago: int) -> Signals:
        """What it signalled at the bar `ago` bars before the newest, at most `LOOKS_KEPT`."""
        return Signals(self.track.close_of(ago), self._verdicts(ago, None), self._level_values(ago))

    def beat(self, at: int) -> Signals:
        """What its rules with `every` signal at a beat [ns UTC]."""
        return Signals(at, self._verdicts(0, at), self._level_values(0))

    def value(self, operand: Operand, ago: int) -> float:
        """An operand as it was at a bar."""
        return self._value(operand)(ago)

    def verdict(self, condition: Condition, ago: int) -> Verdict:
        """A condition at a bar; for explanations."""
        return self._test(condition)(ago)

    def _verdicts(self, ago: int, beat: int | None) -> tuple[Verdict | None, ...]:
        looks_at = self.program.looks_at
        return tuple([
            (Verdict.MET if test is None else test(ago)) if looks_at(number, beat) else None
            for number, test in enumerate(self._tests)
        ])  # fmt: skip

    def _level_values(self, ago: int) -> tuple[float, ...]:
        return tuple([level(ago) for level in self._levels])

    def _seeded(self, series: Series, computed: Computed) -> "array[float]":
        ring = new_ring()
        if self.track.head >= 0:
            fill(ring, computed.aligned(series, self.program.clock), self.track.head)
        return ring

    def _value(self, operand: Operand) -> Value:
        series = self.program.bindings.series(operand)
        if series is None:
            assert isinstance(operand, Number)
            number = operand.value.__float__()
            return lambda _: number
        return self._value_of(series, bars_ago(operand))

    def _value_of(self, series: Series, lag: int) -> Value:
        track = self.track
        ring = self._foreign[series] if series.clock != track.clock else track.ring(series)
        return lambda ago: ring[(track.head - lag - ago) & MASK]

    def _test(self, condition: Condition) -> Test:
        match condition:
            case Comparison(relation) if relation in CROSSINGS:
                return self._crossing(CROSSINGS[relation], condition)
            case Comparison(relation):
                return self._comparison(relation, condition)
            case Move(operand=operand, bars=bars):
                value, move = self._value(operand), condition
                return lambda ago: has_moved(move, value(ago + bars), value(ago))
            case Not(part):
                test = self._test(part)
                return lambda ago: _VERDICTS[2 - test(ago)]
            case All(parts):
                return _least([self._test(part) for part in parts])
            case Any(parts):
                return _greatest([self._test(part) for part in parts])
            case Within(part, bars):
                return _Within(self._test(part), bars, self.track)

    def _comparison(self, relation: Relation, condition: Comparison) -> Test:
        left, right = self._value(condition.left), self._value(condition.right)
        series = self.program.bindings.series
        scaling = scale_of(series(condition.left), series(condition.right))
        if scaling is None:
            return lambda ago: compare(relation, left(ago), right(ago), 0)
        scale = self._value_of(scaling, 0)
        return lambda ago: compare(relation, left(ago), right(ago), abs(scale(ago)))

    def _crossing(self, relation: Relation, condition: Comparison) -> Test:
        test = self._comparison(relation, condition)

        def crosses(ago: int) -> Verdict:
            now = test(ago)
            return now if now is Verdict.UNMET else _VERDICTS[min(now, 2 - test(ago + 1))]

        return crosses


class _Within:
    """Whether a test was met at one of the last bars: it remembers the last bar at which it was, and was not known."""

    __slots__ = ("_bars", "_met", "_test", "_track", "_unknown", "_upto")

    def __init__(self, test: Test, bars: int, track: Track) -> None:
        self._test, self._bars, self._track = test, bars, track
        # Numbers of bars: the last one it has tested, the last at which it was met, and was unknown.
        self._upto, self._met, self._unknown = -1, NEVER, NEVER

    def __call__(self, ago: int) -> Verdict:
        """The verdict at a bar: what is asked again and again is the newest."""
        head = self._track.head
        if ago or head < 0:
            return self._looked_up(ago)
        for number in range(max(self._upto + 1, head - self._bars + 1), head + 1):
            verdict = self._test(head - number)
            if verdict is Verdict.MET:
                self._met = number
            elif verdict is Verdict.UNKNOWN:
                self._unknown = number
        self._upto, before = head, head - self._bars
        if self._met > before:
            return Verdict.MET
        # Of what came before the first bar nothing is known.
        return Verdict.UNKNOWN if before < -1 or self._unknown > before else Verdict.UNMET

    def _looked_up(self, ago: int) -> Verdict:
        found = Verdict.UNMET
        for each in range(ago, ago + self._bars):
            verdict = self._test(each) if each <= self._track.head else Verdict.UNKNOWN
            if verdict is Verdict.MET:
                return verdict
            found = max(found, verdict)
        return found


def _last_close(clock: Clock, instant: int) -> int:
    """The last instant, not after the given one, at which a bar of the clock can be over."""
    return bar_start(instant, clock.timeframe)


def _least(tests: list[Test]) -> Test:
    def least(ago: int) -> Verdict:
        found = Verdict.MET
        for test in tests:
            verdict = test(ago)
            if verdict is Verdict.UNMET:
                return verdict
            if verdict is Verdict.UNKNOWN:
                found = verdict
        return found

    return least


def _greatest(tests: list[Test]) -> Test:
    def greatest(ago: int) -> Verdict:
        found = Verdict.UNMET
        for test in tests:
            verdict = test(ago)
            if verdict is Verdict.MET:
                return verdict
            if verdict is Verdict.UNKNOWN:
                found = verdict
        return found

    return greatest
