"""Conditions over the rings of tracks: verdicts at the newest bar, or at one before it."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

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
from tradehall.strategies.plan import Series, bars_ago, scale_of
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.tracks import MASK
from tradehall.strategies.verdicts import NEVER, Verdict

# A value, or a verdict, as it was at the bar so many bars before the one that is looked at.
Value: TypeAlias = Callable[[int], float]
Test: TypeAlias = Callable[[int], Verdict]

_VERDICTS: Final = tuple(Verdict)


class Place(Protocol):
    """Where it is looked: `head` is the number of the bar, which only grows."""

    @property
    def head(self) -> int:
        """Number of the bar that is looked at."""
        ...


@dataclass(slots=True)
class Cursor:
    """A place of one's own, to look at bars of the past."""

    head: int


class Evaluator:
    """A program's rules at one place. `ring_of`: the ring of each of its series, by numbers of its own bars."""

    def __init__(self, program: Program, ring_of: "Callable[[Series], array[float]]", place: Place) -> None:
        self.program = program
        self._ring_of = ring_of
        self._place = place
        self._levels = [self._value_of(level.series, level.bars_ago) for level in program.levels]
        self._tests = [None if rule.when is None else self.test(rule.when) for rule in program.definition.rules]

    def signals(self, at: int, beat: int | None = None) -> Signals:
        """What the program signals at its place: at a bar that closed at an instant, or at a beat [ns UTC]."""
        looks_at = self.program.looks_at
        verdicts = [
            (Verdict.MET if test is None else test(0)) if looks_at(number, beat) else None
            for number, test in enumerate(self._tests)
        ]
        return Signals(at, tuple(verdicts), tuple([level(0) for level in self._levels]))

    def value(self, operand: Operand) -> Value:
        """An operand."""
        series = self.program.bindings.series(operand)
        if series is None:
            assert isinstance(operand, Number)
            number = operand.value.__float__()
            return lambda _: number
        return self._value_of(series, bars_ago(operand))

    def _value_of(self, series: Series, lag: int) -> Value:
        ring, place = self._ring_of(series), self._place
        return lambda ago: ring[(place.head - lag - ago) & MASK]

    def test(self, condition: Condition) -> Test:
        """A condition."""
        match condition:
            case Comparison(relation) if relation in CROSSINGS:
                return self._crossing(CROSSINGS[relation], condition)
            case Comparison(relation):
                return self._comparison(relation, condition)
            case Move(operand=operand, bars=bars):
                value, move = self.value(operand), condition
                return lambda ago: has_moved(move, value(ago + bars), value(ago))
            case Not(part):
                test = self.test(part)
                return lambda ago: _VERDICTS[2 - test(ago)]
            case All(parts):
                return _least([self.test(part) for part in parts])
            case Any(parts):
                return _greatest([self.test(part) for part in parts])
            case Within(part, bars):
                return _Within(self.test(part), bars, self._place)

    def _comparison(self, relation: Relation, condition: Comparison) -> Test:
        left, right = self.value(condition.left), self.value(condition.right)
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

    __slots__ = ("_bars", "_met", "_place", "_test", "_unknown", "_upto")

    def __init__(self, test: Test, bars: int, place: Place) -> None:
        self._test, self._bars, self._place = test, bars, place
        # Numbers of bars: the last one it has tested, the last at which it was met, and was unknown.
        self._upto, self._met, self._unknown = -1, NEVER, NEVER

    def __call__(self, ago: int) -> Verdict:
        """The verdict at a bar: what is asked again and again is the newest."""
        head = self._place.head
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
            verdict = self._test(each) if each <= self._place.head else Verdict.UNKNOWN
            if verdict is Verdict.MET:
                return verdict
            found = max(found, verdict)
        return found


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
