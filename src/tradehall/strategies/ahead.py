"""Signals of a whole history at once, for backtests: every series one array, every condition one array operation."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.strategies.columns import NAN, Columns, Computed, Floats, Instants
from tradehall.strategies.comparing import CROSSINGS, Verdicts, compare_all, has_moved_all
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
from tradehall.strategies.plan import Bindings, Clock, bars_ago, scale_of
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.verdicts import NEVER, Verdict


class SignalsAhead(Struct, frozen=True):
    """What a program signals at every bar of its clock.

    `closes` [ns UTC]: when each bar was over. `verdicts`: rules × bars. `levels`: levels × bars.
    """

    program: Program
    closes: Instants
    verdicts: Verdicts
    levels: Floats

    def at_bar(self, number: int) -> Signals:
        """What it signals at the close of a bar."""
        return self._signals(number, int(self.closes[number]), None)

    def at_beat(self, number: int, beat: int) -> Signals:
        """What its rules with `every` signal at a beat [ns UTC], bar `number` being the last that had closed."""
        return self._signals(number, beat, beat)

    def mask(self) -> NDArray[np.bool_]:
        """At which bars a rule that looks at bars is met."""
        looks = [number for number, rule in enumerate(self.program.definition.rules) if rule.every_s is None]
        met: NDArray[np.bool_] = (self.verdicts[looks] == Verdict.MET).any(axis=0)
        return met

    def _signals(self, number: int, at: int, beat: int | None) -> Signals:
        verdicts = tuple(
            Verdict(int(row[number])) if self.program.looks_at(rule, beat) else None
            for rule, row in enumerate(self.verdicts)
        )
        return Signals(at, verdicts, tuple(self.levels[:, number].tolist()))


def signals_ahead(program: Program, columns: Mapping[Clock, Columns]) -> SignalsAhead:
    """All signals of a program; `columns` of every clock that `program.bars_needed()` names."""
    arrays = Arrays(program.bindings, Computed(columns))
    count = len(columns[program.clock].at)
    verdicts = [
        np.full(count, Verdict.MET, dtype=np.uint8) if rule.when is None else arrays.verdicts(rule.when)
        for rule in program.definition.rules
    ]
    levels = [shifted(arrays.computed.aligned(each.series, program.clock), each.bars_ago) for each in program.levels]
    return SignalsAhead(
        program=program,
        closes=columns[program.clock].at + program.clock.span,
        verdicts=np.vstack(verdicts),
        levels=np.vstack(levels) if levels else np.empty((0, count)),
    )


class Arrays:
    """Conditions over the whole history of a clock."""

    def __init__(self, bindings: Bindings, computed: Computed) -> None:
        self.bindings = bindings
        self.computed = computed
        self.count = len(computed.columns[bindings.clock].at)

    def values(self, operand: Operand, ago: int = 0) -> Floats:
        """An operand at every bar, as it was `ago` bars before."""
        series = self.bindings.series(operand)
        if series is None:
            assert isinstance(operand, Number)
            return np.full(self.count, operand.value.__float__())
        return shifted(self.computed.aligned(series, self.bindings.clock), bars_ago(operand) + ago)

    def verdicts(self, condition: Condition) -> Verdicts:
        """A condition at every bar."""
        match condition:
            case Comparison(relation) if relation in CROSSINGS:
                now = self._compared(CROSSINGS[relation], condition, 0)
                before = self._compared(CROSSINGS[relation], condition, 1)
                return least([now, opposite(before)])
            case Comparison(relation):
                return self._compared(relation, condition, 0)
            case Move(operand=operand, bars=bars):
                return has_moved_all(condition, self.values(operand, bars), self.values(operand))
            case Not(part):
                return opposite(self.verdicts(part))
            case All(parts):
                return least([self.verdicts(part) for part in parts])
            case Any(parts):
                return opposite(least([opposite(self.verdicts(part)) for part in parts]))
            case Within(part, bars):
                return met_within(self.verdicts(part), bars)

    def _compared(self, relation: Relation, condition: Comparison, ago: int) -> Verdicts:
        left, right = condition.left, condition.right
        scaling = scale_of(self.bindings.series(left), self.bindings.series(right))
        scale = np.zeros(self.count) if scaling is None else self.computed.aligned(scaling, self.bindings.clock)
        return compare_all(relation, self.values(left, ago), self.values(right, ago), np.abs(shifted(scale, ago)))


def least(verdicts: list[Verdicts]) -> Verdicts:
    """The least true of several verdicts at every bar."""
    found: Verdicts = np.minimum.reduce(verdicts)
    return found


def opposite(verdicts: Verdicts) -> Verdicts:
    """Met where it was not, and the reverse; what is unknown stays so."""
    return (Verdict.MET - verdicts).astype(np.uint8)


def shifted(values: Floats, bars: int) -> Floats:
    """Values as they were `bars` bars before; NaN where there was no bar."""
    if not bars:
        return values
    earlier = np.full(len(values), NAN)
    if bars < len(values):
        earlier[bars:] = values[:-bars]
    return earlier


def met_within(verdicts: Verdicts, bars: int) -> Verdicts:
    """Whether one of the last `bars` verdicts is MET, at every bar; before the first bar nothing is known."""
    numbers = np.arange(len(verdicts))
    before = numbers - bars
    met, unknown = (_last_time(verdicts, verdict, numbers) for verdict in (Verdict.MET, Verdict.UNKNOWN))
    is_unknown = (before < -1) | (unknown > before)
    found = np.where(met > before, Verdict.MET, np.where(is_unknown, Verdict.UNKNOWN, Verdict.UNMET))
    return found.astype(np.uint8)


def _last_time(verdicts: Verdicts, verdict: Verdict, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """At every bar the number of the last one that had such a verdict; NEVER: none had."""
    return np.maximum.accumulate(np.where(verdicts == verdict, numbers, NEVER))
