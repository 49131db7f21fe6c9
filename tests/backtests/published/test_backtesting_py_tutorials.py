"""Runs of the tutorials of backtesting.py: published there, or said by version 0.6.5 of the tutorial's code."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.backtest.sma_turn import average
from tests.backtests.published.runs import account, equity, needs_data, peak, play
from tradehall.backtests import AllIn, BarColumns, BarPath, BarSeen, Broker, Costs, FillRule, Strategy
from tradehall.domain.account import PositionMode
from tradehall.domain.instrument import FeeSide
from tradehall.domain.time import NS_PER_DAY

pytestmark = needs_data

GOOG = ["bars/equity/GOOG.US.1d.parquet"]
RATE = Decimal("0.002")
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def rises_above(one: Floats, other: Floats) -> Flags:
    """Bars at which `one` has just crossed above `other`."""
    flags: Flags = np.append(False, (one[:-1] < other[:-1]) & (one[1:] > other[1:]))
    return flags


class FourAverages(Strategy):
    """Enters with the trend of two averages where the close crosses a third, leaves where it crosses a fourth."""

    def __init__(self, trend_fast: int, trend_slow: int, entry: int, exit: int) -> None:
        self.lengths = trend_fast, trend_slow, entry, exit
        self.is_up = self.enters = self.leaves_long = self.leaves_short = np.empty(0, np.bool_)

    def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, Flags]:
        (columns,) = bars.values()
        close = columns.close
        fast, slow, entry, exit = (average(close, length) for length in self.lengths)
        self.is_up = fast > slow
        self.enters = np.where(self.is_up, rises_above(close, entry), rises_above(entry, close))
        self.enters[: max(self.lengths)] = False
        self.leaves_long, self.leaves_short = rises_above(exit, close), rises_above(close, exit)
        looks = self.enters | self.leaves_long | self.leaves_short
        looks[-2] = True
        return {columns.symbol: looks}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        net, number = broker.net(), bar.number
        if number == self.is_up.size - 2:
            broker.close()  # Versions up to 0.5 closed at the last open what was still held.
        elif net:
            if (self.leaves_long if net > 0 else self.leaves_short)[number]:
                broker.close()
        elif self.enters[number]:
            if self.is_up[number]:
                broker.buy(lambda price: broker.cash // (price * (1 + RATE)))
            else:
                broker.sell(lambda price: broker.cash // (price * (1 - RATE)))


@pytest.mark.parametrize(("lengths", "final"), [
    ((20, 60, 15, 10),   "10102.867"),
    ((30, 40, 25, 15),   "16178.548"),
    ((100, 120, 15, 10), "18159.064"),
    ((100, 160, 20, 15), "19216.545"),
    ((50, 160, 20, 15),  "19565.692"),
    ((63, 90, 40, 30),   "37171.708"),
    ((57, 87, 40, 30),   "54980.767"),
])  # fmt: skip
def test_the_heat_map_of_four_averages(lengths, final):
    """Parameter Heatmap & Optimization: `Equity Final` by parameters, 0.2 % in the entry price."""
    result = play(
        FourAverages(*lengths),
        GOOG,
        accounts=account(10_000, leverage=Decimal(2), margin_call_level=Decimal(0), stop_out_level=Decimal(0)),
        costs=Costs(taker_rate=RATE, charged=FeeSide.OPENING),
    )
    assert float(result.accounts[0].equity) == pytest.approx(float(final), abs=0.0006)


class TrailedEntries(Strategy):
    """Buys with 95 % of what is free where an average crosses above another; each entry has a stop of its own, which
    follows the close at twice the average range of a hundred bars.
    """

    def __init__(self) -> None:
        self.reach: Floats = np.empty(0)
        self.crosses: Flags = np.empty(0, np.bool_)
        self.stops: dict[int, float] = {}

    def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, Flags]:
        (columns,) = bars.values()
        before = np.append(np.nan, columns.close[:-1])
        ranges = (columns.high - columns.low, abs(before - columns.high), abs(before - columns.low))
        self.reach = 2 * average(np.max(ranges, axis=0), 100)
        self.reach[:100] = self.reach[100]
        is_up = (average(columns.close, 10) > average(columns.close, 25)).astype(int)
        self.crosses = np.append(0, np.diff(is_up)) == 1
        return {columns.symbol: np.arange(columns.close.size) >= 24}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        if self.crosses[bar.number]:
            broker.buy(AllIn(fraction=Decimal("0.95")))
        stop = float(bar.close - self.reach[bar.number])
        for position in broker.positions():
            if stop > self.stops.get(position.position_id, 0.0):
                self.stops[position.position_id] = stop
                broker.set_exits(position, stop_loss=Decimal(repr(stop)))


def test_entries_with_trailing_stops_of_their_own():
    """Strategies Library, under 0.6.5: final 44583.92908559998, peak 54292.6708652, 39 trades.

    What the page prints (69390.94, 38 trades) is of a version with another trailing stop.
    """
    result = play(
        TrailedEntries(),
        GOOG,
        accounts=account(10_000, is_cash=True, position_mode=PositionMode.HEDGING),
        fills=FillRule(path=BarPath.ADVERSE_FIRST, improves_limits=True),
        costs=Costs(taker_rate=RATE),
    )
    assert (equity(result), peak(result), result.metrics.tally.ended) == ("44583.93", "54292.67", 39)


def strength(close: Floats, length: int) -> Floats:
    """Relative strength index of exponential means whose weights are those of so many values: theirs."""
    changes, kept = np.diff(close), 1 - 1 / (1 + length)
    gain = loss = 0.0
    found = [np.nan]
    for change in changes.tolist():
        gain, loss = gain * kept + max(change, 0.0), loss * kept + max(-change, 0.0)
        found.append(100 - 100 / (1 + gain / loss) if loss else 100.0)
    return np.array(found)


def weekly_strength(columns: BarColumns, length: int) -> Floats:
    """The same over weeks that end on Fridays, known from that day on."""
    days = columns.at // NS_PER_DAY
    fridays = days + (1 - days) % 7  # 1970-01-02 was a Friday, and the day of number 1.
    lasts = np.append(np.flatnonzero(np.diff(fridays)), days.size - 1)
    of_weeks = np.append(np.nan, strength(columns.close[lasts], length))
    return of_weeks[np.searchsorted(fridays[lasts], days, side="right")]


class TwoTimeframes(Strategy):
    """Buys strength by days and by weeks above rising averages, with a stop 8 % below the close."""

    def __init__(self, daily: int = 30, weekly: int = 30, level: float = 70) -> None:
        self.daily, self.weekly, self.level = daily, weekly, level
        self.enters = self.leaves = np.empty(0, np.bool_)

    def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, Flags]:
        (columns,) = bars.values()
        close = columns.close
        means = [close, *(average(close, length) for length in (10, 20, 50, 100))]
        is_ordered = np.all([fast > slow for fast, slow in pairwise(means)], axis=0)
        by_day, by_week = strength(close, self.daily), weekly_strength(columns, self.weekly)
        self.enters = is_ordered & (by_day > self.level) & (by_week > self.level) & (by_week > by_day)
        self.leaves = close < 0.98 * means[1]
        return {columns.symbol: self.enters | self.leaves}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        if self.leaves[bar.number]:
            broker.close()
        elif not broker.net():
            stop = Decimal(repr(0.92 * bar.close))
            broker.buy(lambda price: broker.cash // (price * (1 + RATE)), stop_loss=stop)


@pytest.mark.parametrize(("lengths", "final", "highest", "ended"), [
    ((30, 30, 70), "10017.44", "10978.38", 4),
    ((30, 10, 60), "22822.75", "23395.59", 22),  # What its optimisation finds.
])  # fmt: skip
def test_strength_by_days_and_weeks_with_a_stop(lengths, final, highest, ended):
    """Multiple Time Frames: final equity, peak and trades; 0.2 % in the entry price."""
    result = play(
        TwoTimeframes(*lengths),
        GOOG,
        accounts=account(10_000),
        fills=FillRule(path=BarPath.ADVERSE_FIRST, improves_limits=True),
        costs=Costs(taker_rate=RATE, charged=FeeSide.OPENING),
    )
    assert (equity(result), peak(result), result.metrics.tally.ended) == (final, highest, ended)
