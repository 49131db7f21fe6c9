"""Where the values of a definition come from once it runs on a symbol: series of bars, and how many it needs."""

from collections.abc import Iterable
from typing import Final, TypeAlias

from msgspec import Struct

from tradehall.domain.market import TIMEFRAME_NS, Timeframe
from tradehall.strategies.definition import (
    Comparison,
    Condition,
    DefinitionError,
    Input,
    InputValue,
    Move,
    Not,
    Number,
    Operand,
    Parameter,
    PriceField,
    Problem,
    Relation,
    Within,
)
from tradehall.strategies.indicators import INDICATORS, settling_bars

_FIELDS: Final = frozenset(field.value for field in PriceField)


class Clock(Struct, frozen=True):
    """The bars of one symbol and timeframe: what ticks when one of them closes."""

    symbol: str
    timeframe: Timeframe

    @property
    def span(self) -> int:
        """Length of a bar [ns]."""
        return TIMEFRAME_NS[self.timeframe]


class PriceSeries(Struct, frozen=True, tag=True):
    """A price of every bar."""

    clock: Clock
    field: PriceField


class Call(Struct, frozen=True):
    """An indicator over series of one clock; equal calls are computed once, whoever asks."""

    clock: Clock
    indicator: str
    parameters: tuple[Parameter, ...]
    sources: "tuple[Series, ...]"


class IndicatorSeries(Struct, frozen=True, tag=True):
    """One output of an indicator."""

    call: Call
    output: int

    @property
    def clock(self) -> Clock:
        """The bars it has a value for."""
        return self.call.clock


Series: TypeAlias = PriceSeries | IndicatorSeries


class Bindings:
    """The inputs of a definition bound to the symbol and timeframe it runs on (its own clock)."""

    def __init__(self, inputs: tuple[Input, ...], clock: Clock) -> None:
        self.clock = clock
        self.inputs = {each.name: each for each in inputs}
        self._series: dict[tuple[str, str], Series] = {}
        for each in inputs:
            self._bind(each)

    def series(self, operand: Operand) -> Series | None:
        """Where an operand's values come from; None: it is a number."""
        if isinstance(operand, Number):
            return None
        if isinstance(operand, InputValue):
            return self._series[operand.name, operand.output]
        return PriceSeries(self.clock, operand.field)

    def of_input(self, name: str, output: str) -> Series:
        """Where an input's values come from."""
        return self._series[name, output]

    def atr(self, symbol: str, input_name: str) -> Series:
        """What a distance on `symbol` is counted in: the ATR that is named, the first of the symbol, or ATR(14)."""
        meant = atr_input(self.inputs.values(), None if symbol == self.clock.symbol else symbol, input_name)
        if meant is not None:
            return self._series[meant.name, ""]
        return _call(Clock(symbol, self.clock.timeframe), "ATR", INDICATORS["ATR"].defaults(), ())[0]

    def _bind(self, each: Input) -> None:
        clock = Clock(each.symbol or self.clock.symbol, each.timeframe or self.clock.timeframe)
        if clock.span < self.clock.span:
            timeframes = f"{clock.timeframe} is shorter than the strategy's {self.clock.timeframe}"
            raise DefinitionError((Problem(f"inputs.{each.name}.timeframe", timeframes),))
        sources = tuple(self._source(text, clock) for text in each.of)
        if not each.indicator:
            self._series[each.name, ""] = sources[0]
            return
        outputs = _call(clock, each.indicator, each.parameters, sources)
        for output, name in enumerate(INDICATORS[each.indicator].outputs):
            self._series[each.name, name] = outputs[output]

    def _source(self, text: str, clock: Clock) -> Series:
        if text in _FIELDS:
            return PriceSeries(clock, PriceField(text))
        name, _, output = text.partition(".")
        return self._series[name, output]


def atr_input(inputs: Iterable[Input], symbol: str | None, name: str) -> Input | None:
    """The input that a distance in ATR means on `symbol` (None: the strategy's own)."""
    for each in inputs:
        if each.name == name or (not name and each.indicator == "ATR" and each.symbol == symbol):
            return each
    return None


def scale_of(left: Series | None, right: Series | None) -> Series | None:
    """The close that the last digits of a comparison are measured by; None: the compared values themselves."""
    indicators = [each for each in (left, right) if isinstance(each, IndicatorSeries)]
    return PriceSeries(indicators[0].clock, PriceField.CLOSE) if indicators else None


def reaches(condition: Condition) -> list[tuple[Operand, int]]:
    """Every operand of a condition, and how many bars back it is looked at."""
    if isinstance(condition, Comparison):
        looks_back = 1 if condition.relation in (Relation.CROSSES_ABOVE, Relation.CROSSES_BELOW) else 0
        return [(each, bars_ago(each) + looks_back) for each in (condition.left, condition.right)]
    if isinstance(condition, Move):
        return [(condition.operand, bars_ago(condition.operand) + condition.bars)]
    if isinstance(condition, Not):
        return reaches(condition.condition)
    if isinstance(condition, Within):
        return [(operand, bars + condition.bars - 1) for operand, bars in reaches(condition.condition)]
    return [reach for part in condition.conditions for reach in reaches(part)]


def bars_ago(operand: Operand) -> int:
    """How many bars before the one that is looked at."""
    return 0 if isinstance(operand, Number) else operand.bars_ago


def bars_needed(series: Series) -> int:
    """Bars of its clock until a series has settled: until what came before no longer matters."""
    if isinstance(series, PriceSeries):
        return 1
    call = series.call
    below = max((bars_needed(source) for source in call.sources), default=1)
    return below + settling_bars(call.indicator, call.parameters) - 1


def _call(
    clock: Clock, name: str, parameters: tuple[Parameter, ...], of: tuple[Series, ...]
) -> tuple[IndicatorSeries, ...]:
    """All outputs of an indicator: of the given series and, after them, the prices it always takes."""
    indicator = INDICATORS[name]
    call = Call(clock, name, parameters, (*of, *(PriceSeries(clock, field) for field in indicator.fields)))
    return tuple(IndicatorSeries(call, output) for output in range(len(indicator.outputs)))
