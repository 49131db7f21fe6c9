"""The script of a backtest: which rows of a recording are told, and what was known before the first of them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.time import to_rfc3339
from tradehall.ports.feed import FeedError, MarketSink
from tradehall.ports.recording import Recording, Row

ROWS_AHEAD: Final = 8

_LONG_AGO: Final = -(2**62)
_NEVER: Final = 2**62


class Period(Struct, frozen=True):
    """From `begins_at`, before `ends_at` [ns UTC]; None: as far as the recording reaches. Bars lie in it wholly."""

    begins_at: int | None = None
    ends_at: int | None = None

    def __str__(self) -> str:
        since = "its beginning" if self.begins_at is None else to_rfc3339(self.begins_at)
        return f"from {since} to {'its end' if self.ends_at is None else to_rfc3339(self.ends_at)}"


class Script:
    """What happens in the period, read once, in the order of time.

    FeedError where nothing does, or the files cannot be read. `spans`: per symbol the length of its recorded
    bars [ns], None for quotes. `begins_at`: the instant at which the run begins. What is read before it makes
    the quotes and prints that are known by then.
    """

    def __init__(self, recording: Recording, spans: Mapping[str, int | None], period: Period) -> None:
        [self._reel] = recording.reels(align=False, strict=True)
        self._spans = spans
        self._since = _LONG_AGO if period.begins_at is None else period.begins_at
        self._until = _NEVER if period.ends_at is None else period.ends_at
        # When the latest bar of each symbol that is recorded as bars is over.
        self._bar_ends = {symbol: _LONG_AGO for symbol, span in spans.items() if span is not None}
        self._left_out: set[str] = set()
        self._before: dict[tuple[str, bool], Row] = {}
        rows = self._in_period(self._reel.rows())
        first = next(rows, None)
        if first is None:
            raise FeedError(f"the recording holds nothing {period}: expected a period in which something is recorded")
        self.begins_at: int = first[0] if period.begins_at is None else period.begins_at
        self._rows = rows
        # What was read and is not told yet.
        self._ahead = deque((first,))
        for row in rows:
            self._ahead.append(row)
            if row[0] > self.begins_at:
                break

    def next_row(self) -> Row | None:
        """The next row of the period; None: there is none."""
        return self._ahead.popleft() if self._ahead else next(self._rows, None)

    def read_ahead(self) -> None:
        """Read some rows, so that they are there when their time has come."""
        while len(self._ahead) < ROWS_AHEAD and (row := next(self._rows, None)) is not None:
            self._ahead.append(row)

    def symbol_of(self, row: Row) -> str:
        """The symbol that a row is about."""
        return self._reel.symbol_of(row)

    def send(self, row: Row, sink: MarketSink, received_at: int) -> None:
        """Tell what a row says."""
        self._reel.send(row, sink, received_at=received_at)

    def send_known(self, quotes: dict[str, Quote], prints: dict[str, Print]) -> None:
        """Fill in the last quotes and prints before the beginning, and the quotes of that very instant."""
        known = _Known(quotes, prints)
        for row in self._before.values():
            self._reel.send(row, known, received_at=row[0])
        for row in self._ahead:
            if row[0] == self.begins_at and self._reel.symbol_of(row) not in quotes:
                self._reel.send(row, known, received_at=row[0])

    def _in_period(self, rows: Iterator[Row]) -> Iterator[Row]:
        reel, since, until, bar_ends = self._reel, self._since, self._until, self._bar_ends
        left_out = self._left_out
        for row in rows:
            if reel.ends(row):
                continue
            at: int = row[0]
            if at >= until:
                return
            symbol = reel.symbol_of(row)
            if at < since:
                self._before[symbol, reel.is_quote(row)] = row
            end = bar_ends.get(symbol)
            if end is not None and at >= end and reel.is_quote(row):
                self._look_at_bar(symbol, at)
            if at >= since and symbol not in left_out:
                yield row

    def _look_at_bar(self, symbol: str, at: int) -> None:
        """A bar that is not wholly in the period is left out, each of its prices."""
        span = self._spans[symbol]
        assert span is not None, f"{symbol} is recorded as bars"
        self._bar_ends[symbol] = at + span
        if at < self._since or at + span > self._until:
            self._left_out.add(symbol)
        else:
            self._left_out.discard(symbol)


class Held:
    """Takes what a row says, to be passed on a little later."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self._prints: list[Print] = []
        self._depths: list[Depth] = []

    def pass_on(self, sink: MarketSink) -> None:
        """Tell it, in the order in which the kinds follow each other at one instant."""
        for depth in self._depths:
            sink.on_depth(depth)
        for quote in self.quotes:
            sink.on_quote(quote)
        for printed in self._prints:
            sink.on_print(printed)

    def on_quote(self, quote: Quote) -> None:
        """See MarketSink."""
        self.quotes.append(quote)

    def on_print(self, printed: Print) -> None:
        """See MarketSink."""
        self._prints.append(printed)

    def on_depth(self, depth: Depth) -> None:
        """See MarketSink."""
        self._depths.append(depth)

    def on_end(self, symbols: Iterable[str]) -> None:
        """The script leaves ends out."""


class _Known:
    """Takes the present as it is, without telling anybody."""

    def __init__(self, quotes: dict[str, Quote], prints: dict[str, Print]) -> None:
        self._quotes = quotes
        self._prints = prints

    def on_quote(self, quote: Quote) -> None:
        self._quotes[quote.symbol] = quote

    def on_print(self, printed: Print) -> None:
        self._prints[printed.symbol] = printed

    def on_depth(self, depth: Depth) -> None:
        """Depth is known when it is told again."""

    def on_end(self, symbols: Iterable[str]) -> None:
        """Nothing ends before it began."""
