"""Tracks: what one file of each kind says, as rows to be merged and as quotes, prints and books to be told.

Bars are played along their path (see backtests/bar_path.py), each price with a quarter of the volume as a print.
Where only one price is recorded it is the bid, the ask being a tick above; a print that a seller's order
met was at the bid, one that a buyer's met at the ask.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from itertools import repeat
from typing import Final

from tradehall.adapters.history.batches import Columns
from tradehall.adapters.history.schema import BAR_PRICES, NEEDED, QUOTE_BAR_PRICES, Kind, is_buy
from tradehall.adapters.history.sources import Source
from tradehall.adapters.history.values import Decimals, plain
from tradehall.backtests.bar_path import is_high_first, offsets, path
from tradehall.domain.market import Print, Quote
from tradehall.ports.feed import MarketSink
from tradehall.ports.recording import Row

# Rows that become Python's values at once: what a replay may keep others waiting for.
ROWS_PER_STEP: Final = 1_024
QUARTER: Final = Decimal("0.25")


class Track(ABC):
    """One file. `symbol` is that of the house; `quotes` says whether its rows make the symbol's quotes.

    `left_out` counts rows without a usable time, price or size.
    """

    positive: tuple[str, ...] = ()
    present: tuple[str, ...] = ()

    def __init__(self, source: Source, symbol: str, tick_size: Decimal, *, quotes: bool) -> None:
        self.source = source
        self.symbol = symbol
        self.quotes = quotes
        self.left_out = 0
        self.tick_size = tick_size
        exponent = tick_size.normalize().as_tuple().exponent
        self.prices = Decimals(max(0, -exponent) if isinstance(exponent, int) else 0)
        self.sizes = Decimals()

    def rows(self, number: int) -> Iterator[Row]:
        """(at, number, …) per thing to tell; `number` is this track's."""
        last = -(2**63)
        for batch in self.source.table.batches(ROWS_PER_STEP):
            columns = Columns(batch, self.positive, self.present, not_before=last)
            self.left_out += columns.left_out
            if columns.at:
                last = columns.at[-1]
                yield from self.decoded(columns, number)

    @abstractmethod
    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """Rows of one batch."""

    @abstractmethod
    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell what one row says."""

    def tell(self, sink: MarketSink, bid: Decimal, ask: Decimal, at: int, received_at: int) -> None:
        """Tell a quote without sizes; one that would be crossed or locked gets an ask a tick above the bid."""
        if ask <= bid:
            ask = bid + self.tick_size
        sink.on_quote(Quote(self.symbol, bid, ask, at, received_at))


class QuoteTrack(Track):
    """Quotes as recorded."""

    positive = NEEDED[Kind.QUOTES]

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, bid, ask, bid size, ask size)."""
        bids = map(self.prices.__getitem__, columns.values("bid"))
        asks = map(self.prices.__getitem__, columns.values("ask"))
        return zip(
            columns.at, repeat(number), bids, asks, self._sizes(columns, "bid_size"), self._sizes(columns, "ask_size")
        )

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell the quote."""
        at, _, bid, ask, bid_size, ask_size = row
        sink.on_quote(Quote(self.symbol, bid, ask, at + offset, received_at, bid_size, ask_size))

    def _sizes(self, columns: Columns, name: str) -> Iterator[Decimal | None]:
        if not columns.has(name):
            return repeat(None)
        sizes = self.sizes
        return (None if size is None or not 0 <= size < _INFINITE else sizes[size] for size in columns.values(name))


class PrintTrack(Track):
    """Prints as recorded; with nothing better to quote from, the quotes around them."""

    positive = NEEDED[Kind.PRINTS]

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, price, size, buyer took)."""
        sides = map(is_buy, columns.values("side")) if columns.has("side") else repeat(None)
        prices = map(self.prices.__getitem__, columns.values("price"))
        sizes = map(self.sizes.__getitem__, columns.values("size"))
        return zip(columns.at, repeat(number), prices, sizes, sides)

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell the print after the quote it was made at."""
        at, _, price, size, buyer_took = row
        if self.quotes:
            bid = price - self.tick_size if buyer_took else price
            self.tell(sink, bid, bid + self.tick_size, at + offset, received_at)
        sink.on_print(Print(self.symbol, price, size, at + offset, received_at, buyer_took))


class BarTrack(Track):
    """Bars of one price, played as four quotes and prints each."""

    positive = BAR_PRICES

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, price, volume of a quarter bar or None)."""
        times = _times(self.source)
        volumes = columns.values("volume") if columns.has("volume") else repeat(None)
        prices = zip(*(columns.values(name) for name in BAR_PRICES), strict=True)
        for at, bar, volume in zip(columns.at, prices, volumes, strict=False):
            size = plain(self.sizes[volume] * QUARTER) if volume is not None and 0 < volume < _INFINITE else None
            for when, price in zip(times, path(*bar), strict=True):
                yield at + when, number, self.prices[price], size

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell one of the four quotes, and its print."""
        at, _, price, size = row
        self.tell(sink, price, price + self.tick_size, at + offset, received_at)
        if size is not None:
            sink.on_print(Print(self.symbol, price, size, at + offset, received_at))


class QuoteBarTrack(Track):
    """Bars of bid and ask, played as four quotes each; the bid's path decides."""

    positive = QUOTE_BAR_PRICES

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, bid, ask)."""
        times, prices = _times(self.source), self.prices
        bars = zip(*(columns.values(name) for name in QUOTE_BAR_PRICES), strict=True)
        for at, bar in zip(columns.at, bars, strict=True):
            bids = path(*bar[:4])
            asks = path(*bar[4:], high_first=is_high_first(*bar[:3]))
            for when, bid, ask in zip(times, bids, asks, strict=True):
                yield at + when, number, prices[bid], prices[ask]

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell one of the four quotes."""
        at, _, bid, ask = row
        self.tell(sink, bid, ask, at + offset, received_at)


_INFINITE: Final = float("inf")


def _times(source: Source) -> tuple[int, int, int, int]:
    span = source.label.span_ns
    assert span is not None, f"{source.path} holds bars, so its span is known"
    return offsets(span)
