"""Bars built from quotes. The rule everywhere in the house: prices of a bar are bids, its volume is prints.

A bar takes the quotes with start <= at < end. It closes when a quote of its symbol at or after its end
arrives, or by the clock: when it is over for `BAR_GRACE_NS`, and for as long as the last quote of its symbol
took to come. Then it never changes again: a quote that comes too late for its bar counts for none.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Final

from tradehall.domain.market import TIMEFRAME_NS, Bar, Print, Quote, Timeframe, bar_start
from tradehall.domain.money import ZERO
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.ports.feed import BAR_GRACE_NS
from tradehall.ports.history import BARS_PER_READ_MAX, BarHistory, BarWindow, Steps, at_once

# Closed bars kept per symbol and timeframe where no history reaches the present: what one read may ask for.
BARS_KEPT_MAX: Final = BARS_PER_READ_MAX

NEVER: Final = 2**62

LONGER_TIMEFRAMES: Final = tuple(timeframe for timeframe in Timeframe if timeframe is not Timeframe.M1)


@dataclass(slots=True)
class _Minute:
    """The forming minute; its fields are those of a Bar. One that ends as it begins takes no quote: none is forming."""

    at: int
    end: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(slots=True)
class _Series:
    """What was seen of one symbol since the first quote, `live_since` being the start of its minute.

    `patience` [ns]: by how much later than its end, by our clock, a bar is over. `minute.at`: until then all
    bars are closed.
    """

    minute: _Minute
    live_since: int
    patience: int
    # The first parts of longer bars: what their closed minutes amount to.
    forming: dict[Timeframe, Bar] = field(default_factory=dict)
    closed: dict[Timeframe, deque[Bar]] = field(
        default_factory=lambda: {timeframe: deque(maxlen=BARS_KEPT_MAX) for timeframe in Timeframe}
    )
    # What files hold of each bar in which we began to listen, as far as it was read already.
    heads: dict[Timeframe, list[Bar]] = field(default_factory=dict)

    @property
    def is_forming(self) -> bool:
        return self.minute.at < self.minute.end

    def next_end(self) -> int:
        """When the first of its bars ends, by the time of its quotes: none ends inside the minute."""
        if self.is_forming:
            return self.minute.end
        return min((_end(part) for part in self.forming.values()), default=NEVER)


class BarBook:
    """Bars of all symbols: what quotes make of them, joined to the history before.

    The oldest of more than `BARS_KEPT_MAX` closed bars of one timeframe are forgotten, unless the
    history reaches the present and keeps them. `grace_ns` None: quotes alone close bars.
    """

    def __init__(self, history: BarHistory, grace_ns: int | None = BAR_GRACE_NS) -> None:
        self.late_quotes = 0
        self.next_close_at = NEVER
        """When `close_by_time` may have something to do [ns UTC, our clock]."""
        self._grace_ns = NEVER if grace_ns is None else grace_ns
        self._history = history
        self._series: dict[str, _Series] = {}
        self._headless: list[str] = []

    def on_quote(self, quote: Quote) -> list[Bar]:
        """Take a quote; the bars it closed, shortest first, mostly none."""
        series = self._series.get(quote.symbol)
        if series is None:
            self._begin(quote)
            return []
        minute, bid = series.minute, quote.bid
        if minute.at <= quote.at < minute.end and quote.received_at - minute.end < series.patience:
            series.patience = quote.received_at - quote.at + self._grace_ns
            minute.close = bid
            if bid > minute.high:
                minute.high = bid
            elif bid < minute.low:
                minute.low = bid
            return []
        return self._turn(series, quote)

    def close_by_time(self, now: int) -> list[Bar]:
        """The bars that are over without a quote to say so, by symbol, shortest first; `now` [ns UTC] by our clock."""
        if now < self.next_close_at:
            return []
        closed: list[Bar] = []
        self.next_close_at = NEVER
        for symbol, series in self._series.items():
            closed += self._over(symbol, series, now - series.patience)
            self._await(series)
        return closed

    def over_until(self, symbol: str) -> int | None:
        """All bars of a symbol that end by then are closed [ns UTC, the time of its quotes]; None: there are none."""
        series = self._series.get(symbol)
        return None if series is None else series.minute.at

    def on_print(self, printed: Print) -> None:
        """Count a print as volume of the forming minute it belongs to."""
        series = self._series.get(printed.symbol)
        if series is not None and series.minute.at <= printed.at < series.minute.end:
            series.minute.volume += printed.size

    def bars(self, window: BarWindow) -> list[Bar]:
        """What `read` returns, without a stop; for short windows and for those who are alone."""
        return at_once(self.read(window))

    def read(self, window: BarWindow) -> Steps[list[Bar]]:
        """Bars of `window`, oldest first, the forming one last if it lies within: as it is at the first step."""
        assert 0 < window.limit <= BARS_PER_READ_MAX, f"limit was {window.limit}"
        series = self._series.get(window.symbol)
        if series is None:
            return []
        boundary = series.minute.at if self._history.reaches_now else series.live_since
        # Taken before the past is read: quotes may come in between, and close bars.
        live = [bar for bar in self._live(series, window, boundary) if window.holds(bar.at)]
        past = yield from self._past(window, boundary, live)
        found = joined(past, live)
        return found[-window.limit :] if window.start is None else found[: window.limit]

    def prepared(self) -> Steps[None]:
        """Read what closing bars will need of the past, so that no quote has to wait for a file.

        A bar that closes before it was read here is read then.
        """
        while self._headless and not self._history.reaches_now:
            symbol = self._headless.pop()
            for timeframe in LONGER_TIMEFRAMES:
                series = self._series[symbol]
                head = yield from self._history.read(_head(symbol, timeframe, series), before=series.live_since)
                series.heads[timeframe] = head

    def _past(self, window: BarWindow, boundary: int, live: list[Bar]) -> Steps[list[Bar]]:
        # The oldest live bar may lack its beginning, so it alone never makes the history unnecessary.
        if window.start is None and len(live) > window.limit:
            return []
        return (yield from self._history.read(window, before=boundary))

    def _live(self, series: _Series, window: BarWindow, boundary: int) -> Iterator[Bar]:
        """Bars of the window's timeframe made of minutes from `boundary` on."""
        timeframe = window.timeframe
        minute = _as_bar(window.symbol, series.minute)
        if self._history.reaches_now:
            if series.is_forming:
                yield _lengthened(minute, timeframe)
            return
        closed = series.closed[timeframe]
        if window.start is None and window.end is None:
            yield from islice(closed, max(0, len(closed) - window.limit), None)
        else:
            yield from closed
        part = series.forming.get(timeframe)
        if series.is_forming:
            yield grown(part, minute, timeframe)
        elif part is not None:
            yield part

    def _begin(self, quote: Quote) -> None:
        minute = self._new_minute(quote)
        patience = quote.received_at - quote.at + self._grace_ns
        series = self._series[quote.symbol] = _Series(minute, live_since=minute.at, patience=patience)
        self._headless.append(quote.symbol)
        self._await(series)

    def _await(self, series: _Series) -> None:
        self.next_close_at = min(self.next_close_at, series.next_end() + series.patience)

    def _turn(self, series: _Series, quote: Quote) -> list[Bar]:
        """Take a quote that is not of the forming minute, or came when that was over."""
        # What was over when it came is closed, whether anybody has looked at the clock meanwhile or not.
        closed = self._over(quote.symbol, series, quote.received_at - series.patience)
        if quote.at < series.minute.at:
            self.late_quotes += 1
            return closed
        series.patience = quote.received_at - quote.at + self._grace_ns
        closed += self._over(quote.symbol, series, quote.at)
        series.minute = self._new_minute(quote)
        self._await(series)
        return closed

    def _over(self, symbol: str, series: _Series, at: int) -> list[Bar]:
        """Close what ends at or before `at`, by the time of the symbol's quotes; none is forming then."""
        if series.next_end() > at:
            return []
        minute = series.minute
        over = _closed_by(series, _as_bar(symbol, minute), at) if series.is_forming else _parts_over(series, at)
        closed = [self._close(series, bar) for bar in over]
        end = max(map(_end, closed))
        series.minute = _Minute(end, end, minute.close, minute.close, minute.close, minute.close, ZERO)
        return closed

    def _new_minute(self, quote: Quote) -> _Minute:
        start, bid = quote.at - quote.at % NS_PER_MINUTE, quote.bid
        minute = _Minute(start, start + NS_PER_MINUTE, bid, bid, bid, bid, ZERO)
        if self._history.reaches_now:
            # We may have begun to listen in the middle of it.
            window = BarWindow(quote.symbol, Timeframe.M1, start=start, end=start, limit=1)
            for part in at_once(self._history.read(window, before=quote.at)):
                minute.open, minute.volume = part.open, part.volume
                minute.high, minute.low = max(part.high, bid), min(part.low, bid)
        return minute

    def _close(self, series: _Series, bar: Bar) -> Bar:
        """Keep a bar, and tell it whole: history adds what passed of it before the first quote."""
        if self._history.reaches_now:
            window = BarWindow(bar.symbol, bar.timeframe, start=bar.at, end=bar.at, limit=1)
            return at_once(self._history.read(window, before=bar.at + TIMEFRAME_NS[bar.timeframe]))[0]
        series.closed[bar.timeframe].append(bar)
        if bar.at >= series.live_since:
            return bar
        head = series.heads.get(bar.timeframe)
        if head is None:
            window = _head(bar.symbol, bar.timeframe, series)
            head = at_once(self._history.read(window, before=series.live_since))
        return joined(head, [bar])[0]


def _head(symbol: str, timeframe: Timeframe, series: _Series) -> BarWindow:
    """The bar in which we began to listen."""
    start = bar_start(series.live_since, timeframe)
    return BarWindow(symbol, timeframe, start=start, end=start, limit=1)


def aggregate(bars: Iterable[Bar], timeframe: Timeframe) -> Iterator[Bar]:
    """Bars of a longer timeframe from shorter ones, oldest first; periods without any are absent."""
    forming: Bar | None = None
    for bar in bars:
        if forming is not None and forming.at != bar_start(bar.at, timeframe):
            yield forming
            forming = None
        forming = grown(forming, bar, timeframe)
    if forming is not None:
        yield forming


def _end(bar: Bar) -> int:
    return bar.at + TIMEFRAME_NS[bar.timeframe]


def _parts_over(series: _Series, at: int) -> Iterator[Bar]:
    """Longer bars that end at or before `at`, where no minute is forming."""
    for timeframe in LONGER_TIMEFRAMES:
        part = series.forming.get(timeframe)
        if part is not None and _end(part) <= at:
            yield series.forming.pop(timeframe)


def _closed_by(series: _Series, minute: Bar, at: int) -> Iterator[Bar]:
    """The minute, then each longer bar that ends at or before `at`; the others grow by the minute."""
    yield minute
    for timeframe in LONGER_TIMEFRAMES:
        part = series.forming.pop(timeframe, None)
        longer = grown(part, minute, timeframe)
        if _end(longer) <= at:
            yield longer
        else:
            series.forming[timeframe] = longer


def joined(past: list[Bar], live: list[Bar]) -> list[Bar]:
    """Past and live bars in one list; the bar that both have a part of is made whole."""
    if past and live and past[-1].at == live[0].at:
        return [*past[:-1], grown(past[-1], live[0], live[0].timeframe), *live[1:]]
    return past + live


def grown(part: Bar | None, bar: Bar, timeframe: Timeframe) -> Bar:
    """`part` of a bar with a later, shorter `bar` added to it."""
    if part is None:
        return _lengthened(bar, timeframe)
    return Bar(
        symbol=part.symbol,
        timeframe=timeframe,
        at=part.at,
        open=part.open,
        high=max(part.high, bar.high),
        low=min(part.low, bar.low),
        close=bar.close,
        volume=part.volume + bar.volume,
    )


def _lengthened(bar: Bar, timeframe: Timeframe) -> Bar:
    at = bar_start(bar.at, timeframe)
    return Bar(bar.symbol, timeframe, at, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _as_bar(symbol: str, minute: _Minute) -> Bar:
    return Bar(
        symbol,
        Timeframe.M1,
        minute.at,
        minute.open,
        minute.high,
        minute.low,
        minute.close,
        minute.volume,
    )
