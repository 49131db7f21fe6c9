"""A definition bound to the symbol and timeframe it runs on, and what it signals at one moment."""

from collections.abc import Iterator

from msgspec import Struct

from tradehall.domain.market import Timeframe
from tradehall.domain.time import NS_PER_SECOND
from tradehall.strategies.definition import (
    Action,
    Definition,
    Distance,
    DistanceUnit,
    Open,
    PriceField,
    SetStopLoss,
    SetTakeProfit,
)
from tradehall.strategies.plan import Bindings, Clock, PriceSeries, Series, bars_ago, bars_needed, reaches
from tradehall.strategies.text import inputs_of
from tradehall.strategies.verdicts import Verdict


class Level(Struct, frozen=True):
    """A value that a distance needs: an ATR, or the operand a price is read from."""

    series: Series
    bars_ago: int = 0


class Signals(Struct, frozen=True):
    """What the bars say at one moment.

    `at` [ns UTC]: the close of the bar (start + timeframe), or the beat. `verdicts`: one of each rule, in
    order; of a rule that is not looked at now: None. `levels`: what the actions' distances need, in the order
    of `Program.levels`; NaN while warming up.
    """

    at: int
    verdicts: tuple[Verdict | None, ...]
    levels: tuple[float, ...] = ()


class Program:
    """A definition that runs on a symbol. DefinitionError if an input's bars are shorter than its own."""

    def __init__(self, definition: Definition, symbol: str, timeframe: Timeframe) -> None:
        self.definition = definition
        self.clock = Clock(symbol, timeframe)
        self.bindings = Bindings(definition.inputs, self.clock)
        self.inputs = inputs_of(definition.inputs)
        self._beat_spans = {rule.every_s * NS_PER_SECOND for rule in definition.rules if rule.every_s is not None}
        self.levels: tuple[Level, ...] = tuple(dict.fromkeys(self._levels()))
        # Every series it looks at, and the clocks of them: its own, longer ones, those of other symbols.
        self.series: tuple[Series, ...] = tuple(dict.fromkeys(series for series, _ in self._reaches()))
        self.clocks: tuple[Clock, ...] = tuple(dict.fromkeys((self.clock, *(each.clock for each in self.series))))

    @property
    def symbol(self) -> str:
        """The symbol it runs on."""
        return self.clock.symbol

    @property
    def traded(self) -> tuple[str, ...]:
        """Symbols its actions touch, its own first: those whose books `decide` needs."""
        named = [action.symbol for rule in self.definition.rules for action in rule.do if action.symbol]
        return tuple(dict.fromkeys((self.symbol, *named)))

    def bars_needed(self) -> dict[Clock, int]:
        """Closed bars of each clock to begin with, for values that a longer past would not change (within 1e-12).

        With fewer it warms up, or begins with values that still settle.
        """
        needed = {self.clock: 1}
        for series, ago in self._reaches():
            needed[series.clock] = max(needed.get(series.clock, 1), bars_needed(series) + ago + 1)
        return needed

    def next_beat(self, after: int) -> int | None:
        """When a rule with `every` looks next [ns UTC], strictly after an instant; None: there is no such rule."""
        return min((after - after % span + span for span in self._beat_spans), default=None)

    def last_beat(self, now: int) -> int:
        """The last instant [ns UTC] up to now at which such a rule looked. Asserts that there is one."""
        assert self._beat_spans, "no rule looks by the clock"
        return max(now - now % span for span in self._beat_spans)

    def looks_at(self, number: int, beat: int | None) -> bool:
        """Whether a rule is looked at: at a bar's close (beat None), or at a beat [ns UTC]."""
        every_s = self.definition.rules[number].every_s
        if every_s is None or beat is None:
            return every_s is None and beat is None
        return beat % (every_s * NS_PER_SECOND) == 0

    def level_of(self, distance: Distance, symbol: str) -> Level | None:
        """The level a distance needs; None: it needs none."""
        if distance.unit is DistanceUnit.ATR:
            return Level(self.bindings.atr(symbol, distance.input))
        series = self.bindings.series(distance.amount)
        return None if series is None else Level(series, bars_ago(distance.amount))

    def _levels(self) -> Iterator[Level]:
        for rule in self.definition.rules:
            for action in rule.do:
                for distance in distances_of(action):
                    level = self.level_of(distance, action.symbol or self.symbol)
                    if level is not None:
                        yield level

    def _reaches(self) -> Iterator[tuple[Series, int]]:
        for rule in self.definition.rules:
            for operand, ago in reaches(rule.when) if rule.when is not None else ():
                series = self.bindings.series(operand)
                if series is not None:
                    yield series, ago
                    yield PriceSeries(series.clock, PriceField.CLOSE), ago
        for level in self.levels:
            yield level.series, level.bars_ago


def distances_of(action: Action) -> tuple[Distance, ...]:
    """The distances an action names."""
    if isinstance(action, Open):
        return tuple(each for each in (action.stop_loss, action.take_profit) if each is not None)
    return (action.distance,) if isinstance(action, SetStopLoss | SetTakeProfit) else ()
