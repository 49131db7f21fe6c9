"""Bars of a past that is told step by step: they close when their time is over, before anything later is told.

A symbol that was recorded as bars is told in those very bars, and in longer ones made of them; one that was
recorded as quotes in minutes and longer. Prices are bids, volumes are prints, as everywhere in the house.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Final

from msgspec import Struct

from tradehall.app.bars import BARS_KEPT_MAX, grown, joined
from tradehall.domain.market import TIMEFRAME_NS, Bar, Print, Quote, Timeframe, bar_start
from tradehall.domain.money import ZERO
from tradehall.ports.clock import Clock
from tradehall.ports.history import BarHistory, BarWindow, Steps

NEVER: Final = 2**62


class Grain(Struct, frozen=True):
    """How finely a symbol is told: in bars of `timeframe`. `is_recorded`: such bars were recorded, not quotes."""

    timeframe: Timeframe
    is_recorded: bool


def grain_of(span_ns: int | None) -> Grain:
    """The grain of a recording of bars of `span_ns`; None: of quotes.

    Bars of another span than those of the house are summed to the shortest that is a multiple of it.
    """
    if span_ns is None:
        return Grain(Timeframe.M1, is_recorded=False)
    shortest = next((each for each in Timeframe if TIMEFRAME_NS[each] % span_ns == 0), Timeframe.W1)
    return Grain(shortest, is_recorded=True)


@dataclass(slots=True)
class _Forming:
    """A bar that is being told, or what was told of a longer one."""

    at: int
    end: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_count: int = 1

    def add(self, bar: Bar) -> None:
        """Let a shorter bar that follows be a part of this one."""
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume

    def as_bar(self, symbol: str, timeframe: Timeframe) -> Bar:
        """What it is so far."""
        return Bar(symbol, timeframe, self.at, self.open, self.high, self.low, self.close, _plain(self.volume))


@dataclass(slots=True)
class _Line:
    """One symbol. `begins_itself`: its bars begin where recorded bars do, else on the grid of their timeframe.

    `fed_by`: each longer timeframe, shortest first, and the one whose bars it is made of; `feeds`: the same the
    other way.
    """

    symbol: str
    grain: Grain
    begins_itself: bool
    span: int
    fed_by: dict[Timeframe, Timeframe]
    feeds: dict[Timeframe, list[Timeframe]]
    forming: _Forming | None = None
    parts: dict[Timeframe, _Forming] = field(default_factory=dict)
    closed: dict[Timeframe, deque[Bar]] = field(default_factory=dict)
    since: int | None = None

    def next_end(self) -> int:
        """When the first of its bars is over; those that are made of one are not over before it."""
        if self.forming is not None:
            return self.forming.end
        return min([part.end for part in self.parts.values()], default=NEVER)


class PacedBars:
    """Bars of all symbols, closed by time. It is a BarBook to its readers, and the turnstile of the venue.

    `spans`: per symbol the length of its recorded bars [ns], None for quotes.
    """

    def __init__(self, spans: Mapping[str, int | None], history: BarHistory, clock: Clock) -> None:
        self.next_end = NEVER
        """When the first bar is over [ns UTC]; NEVER: none was begun."""
        self._history = history
        self._clock = clock
        self._lines = {symbol: _line(symbol, span) for symbol, span in spans.items()}

    def grain(self, symbol: str) -> Grain:
        """How finely a symbol is told."""
        return self._lines[symbol].grain

    # What is told.

    def on_quote(self, quote: Quote) -> Sequence[Bar]:
        """Take a quote; it closes nothing, since whoever tells it has closed what was over."""
        line, bid = self._lines[quote.symbol], quote.bid
        forming = line.forming
        if forming is None:
            self._begin(line, quote)
            return ()
        forming.quote_count += 1
        forming.close = bid
        if bid > forming.high:
            forming.high = bid
        elif bid < forming.low:
            forming.low = bid
        return ()

    def _begin(self, line: _Line, quote: Quote) -> None:
        start = quote.at if line.begins_itself else bar_start(quote.at, line.grain.timeframe)
        bid = quote.bid
        line.forming = _Forming(start, start + line.span, bid, bid, bid, bid)
        if line.since is None:
            line.since = start
        self.next_end = min(self.next_end, line.forming.end)

    def on_print(self, printed: Print) -> None:
        """Count a print as volume of the bar that is being told."""
        forming = self._lines[printed.symbol].forming
        if forming is not None:
            forming.volume += printed.size

    def close_until(self, at: int) -> list[Bar]:
        """The bars that are over `at` [ns UTC], by symbol, shortest first."""
        bars = [bar for line in self._lines.values() for bar in _closed_of(line, at)]
        self.next_end = min((line.next_end() for line in self._lines.values()), default=NEVER)
        return bars

    def close_by_time(self, now: int) -> Sequence[Bar]:
        """None: whoever moves the clock closes them."""
        return ()

    def over_until(self, symbol: str) -> int | None:
        """See Bars."""
        line = self._lines.get(symbol)
        if line is None or line.since is None:
            return None
        return self._clock.now() if line.forming is None else line.forming.at

    @property
    def last_end(self) -> int:
        """When the last of the bars that are being told is over [ns UTC]; longer ones made of them do not count."""
        ends = [line.forming.end for line in self._lines.values() if line.forming is not None]
        return max(ends, default=self._clock.now())

    # The turnstile.

    def is_between_bars(self, symbol: str) -> bool:
        """See Turnstile."""
        return self._lines[symbol].forming is None

    def is_inside_bar(self, symbol: str) -> bool:
        """See Turnstile."""
        line = self._lines[symbol]
        return line.grain.is_recorded and line.forming is not None

    def lets_in(self, symbol: str) -> bool:
        """See Turnstile: any quote does, of recorded bars the open."""
        line = self._lines[symbol]
        return not line.grain.is_recorded or (line.forming is not None and line.forming.quote_count == 1)

    # Reading.

    def read(self, window: BarWindow) -> Steps[list[Bar]]:
        """Bars of `window`, oldest first, the forming one last if it lies within; none finer than were recorded."""
        line = self._lines.get(window.symbol)
        if line is None or window.timeframe not in (line.grain.timeframe, *line.fed_by):
            return []
        closed = line.closed.get(window.timeframe)
        boundary = self._clock.now() if line.since is None else line.since
        if closed is not None and len(closed) == BARS_KEPT_MAX:
            boundary = closed[0].at  # What was forgotten is in the files.
        live = [bar for bar in _live(line, window) if window.holds(bar.at)]
        past: list[Bar] = []
        if window.start is not None or len(live) <= window.limit:
            past = yield from self._history.read(window, before=boundary)
        found = joined(past, live)
        return found[-window.limit :] if window.start is None else found[: window.limit]

    def prepared(self) -> Steps[None]:
        """Nothing has to be read ahead: time stands still meanwhile."""
        yield from ()


def _line(symbol: str, span_ns: int | None) -> _Line:
    grain = grain_of(span_ns)
    span = TIMEFRAME_NS[grain.timeframe]
    told = [grain.timeframe]
    fed_by: dict[Timeframe, Timeframe] = {}
    for timeframe in Timeframe:
        length = TIMEFRAME_NS[timeframe]
        if length > span and length % span == 0:
            fed_by[timeframe] = next(each for each in reversed(told) if length % TIMEFRAME_NS[each] == 0)
            told.append(timeframe)
    feeds: dict[Timeframe, list[Timeframe]] = {}
    for timeframe, feeder in fed_by.items():
        feeds.setdefault(feeder, []).append(timeframe)
    return _Line(symbol, grain, begins_itself=span_ns == span, span=span, fed_by=fed_by, feeds=feeds)


def _closed_of(line: _Line, at: int) -> list[Bar]:
    """Bars of one symbol that are over; each is added to those that are made of it before these are looked at."""
    forming = line.forming
    over: dict[Timeframe, Bar] = {}
    if forming is not None and forming.end <= at:
        line.forming = None
        timeframe = line.grain.timeframe
        bar = forming.as_bar(line.symbol, timeframe)
        if forming.end == at and bar_start(forming.at, timeframe) == forming.at:
            return _fed(line, bar, at)
        over[timeframe] = bar
    parts = line.parts
    for timeframe, feeder in line.fed_by.items():
        part = parts.get(timeframe)
        fed = over.get(feeder)
        if fed is not None:
            if part is None:
                part = parts[timeframe] = _part(fed, timeframe)
            else:
                part.add(fed)
        if part is not None and part.end <= at:
            del parts[timeframe]
            over[timeframe] = part.as_bar(line.symbol, timeframe)
    for bar in over.values():
        _keep(line, bar)
    return list(over.values())


def _fed(line: _Line, bar: Bar, at: int) -> list[Bar]:
    """`bar`, over `at`, and those that are over with it: on its grid no bar ends but with the last of its parts."""
    over = [bar]
    for ended in over:
        _keep(line, ended)
        for timeframe in line.feeds.get(ended.timeframe, ()):
            part = line.parts.get(timeframe)
            if part is None:
                part = line.parts[timeframe] = _part(ended, timeframe)
            else:
                part.add(ended)
            if part.end <= at:
                del line.parts[timeframe]
                over.append(part.as_bar(line.symbol, timeframe))
    return over


def _keep(line: _Line, bar: Bar) -> None:
    kept = line.closed.get(bar.timeframe)
    if kept is None:
        kept = line.closed[bar.timeframe] = deque(maxlen=BARS_KEPT_MAX)
    kept.append(bar)


def _part(bar: Bar, timeframe: Timeframe) -> _Forming:
    start = bar_start(bar.at, timeframe)
    end = start + TIMEFRAME_NS[timeframe]
    return _Forming(start, end, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _plain(volume: Decimal) -> Decimal:
    """A sum of quarters without the zeros that it leaves behind the point."""
    whole = volume.to_integral_value()
    return whole if whole == volume else volume.normalize()


def _live(line: _Line, window: BarWindow) -> list[Bar]:
    """Closed and forming bars of the window's timeframe."""
    closed = line.closed.get(window.timeframe, deque())
    only_last = window.start is None and window.end is None
    bars = list(islice(closed, max(0, len(closed) - window.limit), None) if only_last else closed)
    told = _so_far(line, window.timeframe)
    return bars if told is None else [*bars, told]


def _so_far(line: _Line, timeframe: Timeframe) -> Bar | None:
    """What was told of the bar that is not over, its shorter parts added; None: nothing."""
    if timeframe is line.grain.timeframe:
        return None if line.forming is None else line.forming.as_bar(line.symbol, timeframe)
    part, rest = line.parts.get(timeframe), _so_far(line, line.fed_by[timeframe])
    whole = None if part is None else part.as_bar(line.symbol, timeframe)
    if rest is None:
        return whole
    return grown(whole, rest, timeframe)
