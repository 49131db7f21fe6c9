"""Bars of the simulated market: asked of its price paths, never recorded."""

from collections.abc import Mapping
from typing import Final

from tradehall.adapters.feeds.price_path import Minute, PricePath, Units
from tradehall.domain.calendar import MINUTES_PER_WEEK
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import TIMEFRAME_NS, Bar, Timeframe, bar_start
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_WEEK
from tradehall.ports.history import Ahead, BarWindow, Steps

HISTORY_BEFORE_EPOCH_NS: Final = MINUTES_PER_WEEK * NS_PER_MINUTE
WEEKS_KEPT: Final = 4


class SimulatedHistory:
    """Every minute since a week before the epoch, and no more than the present and four whole weeks."""

    reaches_now = True

    def __init__(self, paths: Mapping[str, PricePath], instruments: Mapping[str, Instrument], epoch: int) -> None:
        self._paths = paths
        self._instruments = instruments
        self._epoch = epoch

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        """See BarHistory.read."""
        path = self._paths.get(window.symbol)
        start, end = self._span(window, before)
        if path is None or start >= end:
            return []
        unit = Units(self._instruments[window.symbol].tick_size, path.shape.size_digits)
        length, bars = TIMEFRAME_NS[window.timeframe], list[Bar]()
        for at in range(bar_start(start, window.timeframe), end, length):
            here, there = max(at, start), min(at + length, end)
            yield from path.prepared(here, there)
            if (part := path.span(here, there)) is not None:
                bars.append(_bar(window, at, part, unit))
            yield Ahead.SHORT
        return bars[: window.limit]

    def first_minute(self, now: int) -> int:
        """Where history begins at the instant `now`: it moves in whole weeks, so no bar is ever cut."""
        oldest_week = bar_start(now, Timeframe.W1) - WEEKS_KEPT * NS_PER_WEEK
        return max(self._epoch - HISTORY_BEFORE_EPOCH_NS, oldest_week)

    def _span(self, window: BarWindow, before: int) -> tuple[int, int]:
        """First and end of the minutes that the window needs: without gaps, bars can be counted."""
        length = TIMEFRAME_NS[window.timeframe]
        first, end = self.first_minute(before), before
        if window.end is not None:
            end = min(end, bar_start(window.end, window.timeframe) + length)
        if window.start is None:
            last = bar_start(end - 1, window.timeframe)
            return max(first, last - (window.limit - 1) * length), end
        # The first bar of all may be a part of its timeframe; it starts where its timeframe starts.
        start = -(-(window.start - bar_start(0, window.timeframe)) // length) * length + bar_start(0, window.timeframe)
        start = max(start, bar_start(first, window.timeframe))
        return max(first, start), min(end, start + window.limit * length)


def _bar(window: BarWindow, at: int, part: Minute, unit: Units) -> Bar:
    return Bar(
        symbol=window.symbol,
        timeframe=window.timeframe,
        at=at,
        open=unit.price(part.open),
        high=unit.price(part.high),
        low=unit.price(part.low),
        close=unit.price(part.close),
        volume=unit.size(part.volume),
    )
