"""Whole histories of bars as columns, and the indicators over them: TA-Lib, one call per indicator."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.domain.market import Bar
from tradehall.strategies.definition import PriceField
from tradehall.strategies.indicators import INDICATORS, lookback, talib, talib_arguments
from tradehall.strategies.plan import Call, Clock, PriceSeries, Series

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

NAN: Final = np.nan


class Columns(Struct, frozen=True):
    """Bars of one clock, oldest first, no two of one start; `at` [ns UTC] are their starts."""

    at: Instants
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def last(self, count: int) -> "Columns":
        """The newest `count` bars."""
        return Columns(*(column[-count:] for column in self._all()))

    def without_last(self, count: int) -> "Columns":
        """All bars but the newest `count`."""
        return Columns(*(column[: len(column) - count] for column in self._all()))

    def price(self, field: PriceField) -> Floats:
        """One price of every bar. The sums are those of `prices_of`, in the same order."""
        match field:
            case PriceField.HL2:
                return (self.high + self.low) / 2
            case PriceField.HLC3:
                return (self.high + self.low + self.close) / 3
            case PriceField.OHLC4:
                return (self.open + self.high + self.low + self.close) / 4
            case _:
                column: Floats = getattr(self, field.value)
                return column

    def _all(self) -> tuple[Any, ...]:
        return (self.at, self.open, self.high, self.low, self.close, self.volume)


def prices_of(bar: Bar) -> tuple[float, ...]:
    """All prices of a bar, in the order of `PriceField`."""
    opened, high, low = bar.open.__float__(), bar.high.__float__(), bar.low.__float__()
    close, volume = bar.close.__float__(), bar.volume.__float__()
    middle, typical = (high + low) / 2, (high + low + close) / 3
    return opened, high, low, close, volume, middle, typical, (opened + high + low + close) / 4


def columns_of(bars: Sequence[Bar]) -> Columns:
    """Columns of bars, oldest first."""
    at = np.array([bar.at for bar in bars], dtype=np.int64)
    prices = (
        [bar.open for bar in bars],
        [bar.high for bar in bars],
        [bar.low for bar in bars],
        [bar.close for bar in bars],
        [bar.volume for bar in bars],
    )
    return Columns(at, *(np.fromiter(map(float, column), np.float64, len(bars)) for column in prices))


class Computed:
    """The series over some histories, each computed once."""

    def __init__(self, columns: Mapping[Clock, Columns]) -> None:
        self.columns = columns
        self._calls: dict[Call, tuple[Floats, ...]] = {}

    def of(self, series: Series) -> Floats:
        """The values of a series at every bar of its clock, NaN where there is none (yet)."""
        if isinstance(series, PriceSeries):
            return self.columns[series.clock].price(series.field)
        return self.outputs(series.call)[series.output]

    def outputs(self, call: Call) -> tuple[Floats, ...]:
        """All outputs of an indicator."""
        found = self._calls.get(call)
        if found is None:
            found = self._calls[call] = compute(call, self.sources(call))
        return found

    def sources(self, call: Call) -> list[Floats]:
        """What an indicator is computed from."""
        return [self.of(source) for source in call.sources]

    def aligned(self, series: Series, clock: Clock) -> Floats:
        """A series as it is known at the close of every bar of `clock`: its latest bar that has closed by then."""
        values = self.of(series)
        if series.clock == clock:
            return values
        closes = self.columns[series.clock].at + series.clock.span
        places = np.searchsorted(closes, self.columns[clock].at + clock.span, side="right") - 1
        if not len(values):
            return np.full(len(places), NAN)
        return np.where(places >= 0, values[np.maximum(places, 0)], NAN)


def compute(call: Call, sources: list[Floats]) -> tuple[Floats, ...]:
    """An indicator over whole series. Bars at which a source has no value are passed over, as if there were none."""
    has_all: NDArray[np.bool_] = np.logical_and.reduce([np.isfinite(source) for source in sources])
    count, warming_up = int(has_all.sum()), lookback(call.indicator, call.parameters)
    assert warming_up is not None, f"{call} was refused by TA-Lib: it is read before it is computed"
    if count <= warming_up:
        return tuple(np.full(len(has_all), NAN) for _ in INDICATORS[call.indicator].outputs)
    whole = count == len(has_all)
    given = [source if whole else np.ascontiguousarray(source[has_all]) for source in sources]
    found = getattr(talib, call.indicator)(*given, **talib_arguments(call.parameters))
    outputs: list[Floats] = []
    for values in found if isinstance(found, tuple) else (found,):
        known = np.asarray(values, dtype=np.float64)
        known[:warming_up] = NAN  # Of patterns TA-Lib says 0 there.
        known[~np.isfinite(known)] = NAN
        if not whole:
            spread = np.full(len(has_all), NAN)
            spread[has_all] = known
            known = spread
        outputs.append(known)
    return tuple(outputs)
