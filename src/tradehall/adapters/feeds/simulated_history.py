"""Bars of the simulated market: asked of its price paths, never recorded."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from tradehall.adapters.feeds.price_path import Minute, PricePath, Units
from tradehall.domain.calendar import MINUTES_PER_WEEK
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import TIMEFRAME_NS, Bar, Timeframe, bar_start
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_WEEK
from tradehall.ports.history import BarWindow

HISTORY_BEFORE_EPOCH_NS: Final = MINUTES_PER_WEEK * NS_PER_MINUTE
WEEKS_KEPT: Final = 4


class SimulatedHistory:
    """Every minute since a week before the epoch, and no more than the present and four whole weeks."""

    reaches_now = True

    def __init__(self, paths: Mapping[str, PricePath], instruments: Mapping[str, Instrument], epoch: int) -> None:
        self._paths = paths
        self._instruments = instruments
        self._epoch = epoch

    def bars(self, window: BarWindow, *, before: int) -> list[Bar]:
        """See BarHistory.bars."""
        path = self._paths.get(window.symbol)
        if path is None:
            return []
        start, end = self._span(window, before)
        if start >= end:
            return []
        minutes = path.minutes(start, end)
        unit = Units(self._instruments[window.symbol].tick_size, path.shape.size_digits)
        return [_bar(window, at, part, unit) for at, part in _parts(minutes, start, window.timeframe)][: window.limit]

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


def _parts(minutes: list[Minute], start: int, timeframe: Timeframe) -> list[tuple[int, list[Minute]]]:
    """Minutes by bar: (start of the bar, its minutes)."""
    length = TIMEFRAME_NS[timeframe] // NS_PER_MINUTE
    at = bar_start(start, timeframe)
    cut = length - (start - at) // NS_PER_MINUTE
    bounds = [0, *range(cut, len(minutes), length), len(minutes)]
    return [
        (at + index * TIMEFRAME_NS[timeframe], minutes[here:there])
        for index, (here, there) in enumerate(pairwise(bounds))
        if here < there
    ]


def _bar(window: BarWindow, at: int, minutes: list[Minute], unit: Units) -> Bar:
    return Bar(
        symbol=window.symbol,
        timeframe=window.timeframe,
        at=at,
        open=unit.price(minutes[0].open),
        high=unit.price(max(minute.high for minute in minutes)),
        low=unit.price(min(minute.low for minute in minutes)),
        close=unit.price(minutes[-1].close),
        volume=unit.size(sum(minute.volume for minute in minutes)),
    )
