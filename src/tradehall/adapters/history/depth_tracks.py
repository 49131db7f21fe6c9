"""Tracks of order books: rebuilt from changes, or recorded as they stood."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Final

from tradehall.adapters.history.batches import Columns
from tradehall.adapters.history.level2 import Level2Book, Levels
from tradehall.adapters.history.schema import NEEDED, Kind
from tradehall.adapters.history.sources import Source
from tradehall.adapters.history.tracks import Track
from tradehall.domain.market import Depth, Quote
from tradehall.ports.feed import MarketSink
from tradehall.ports.recording import Row

DEPTH_LEVELS: Final = 20


class BookTrack(Track):
    """Tells a book when its best levels changed, and a quote when the touch did; never a crossed one."""

    def __init__(self, source: Source, symbol: str, tick_size: Decimal, *, quotes: bool) -> None:
        super().__init__(source, symbol, tick_size, quotes=quotes)
        self._told: tuple[Levels, Levels] | None = None

    def tell_book(self, top: tuple[Levels, Levels] | None, sink: MarketSink, at: int, received_at: int) -> None:
        """Tell what is new in `top`, bids and asks best first."""
        if top is None or top == self._told:
            return
        told, self._told = self._told, top
        bids, asks = self._exact(top[0]), self._exact(top[1])
        sink.on_depth(Depth(self.symbol, bids, asks, at, received_at))
        if self.quotes and (told is None or (told[0][0], told[1][0]) != (top[0][0], top[1][0])):
            bid, ask = bids[0], asks[0]
            sink.on_quote(Quote(self.symbol, bid[0], ask[0], at, received_at, bid[1], ask[1]))

    def _exact(self, levels: Levels) -> tuple[tuple[Decimal, Decimal], ...]:
        prices, sizes = self.prices, self.sizes
        return tuple([(prices[price], sizes[size]) for price, size in levels])


class Level2Track(BookTrack):
    """Snapshots and updates. Rows of one instant and update are one change of the book."""

    positive = ("price",)
    present = ("event", "side", "size")

    def __init__(self, source: Source, symbol: str, tick_size: Decimal, *, quotes: bool) -> None:
        super().__init__(source, symbol, tick_size, quotes=quotes)
        self._book = Level2Book()

    def rows(self, number: int) -> Iterator[Row]:
        """(at, number, is snapshot, changes); a change may go on in the next batch."""
        self._book, self._told = Level2Book(), None
        held: Row | None = None
        for at, _, update, is_snapshot, changes in super().rows(number):
            if held is not None and held[:3] == (at, number, update) and held[3] == is_snapshot:
                held[4].extend(changes)
                continue
            if held is not None:
                yield held
            held = (at, number, update, is_snapshot, changes)
        if held is not None:
            yield held

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, update id, is snapshot, changes)."""
        updates = columns.values("last_update_id") if columns.has("last_update_id") else [None] * len(columns)
        is_snapshot = [event.startswith("s") for event in columns.values("event")]
        is_bid = [side.startswith("b") for side in columns.values("side")]
        changes = zip(is_bid, columns.values("price"), columns.values("size"), strict=True)
        keyed = zip(columns.at, updates, is_snapshot, changes, strict=True)
        for (at, update, snapshot), rows in groupby(keyed, key=lambda row: row[:3]):
            yield at, number, update, snapshot, [row[3] for row in rows]

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Change the book and tell what is new."""
        at, _, _, is_snapshot, changes = row
        self._book.apply(changes, is_snapshot=is_snapshot)
        self.tell_book(self._book.top(DEPTH_LEVELS), sink, at + offset, received_at)


class DepthTrack(BookTrack):
    """Books as they stood: bid0, bid0_size, … ask0, ask0_size, …"""

    positive = NEEDED[Kind.DEPTH]

    def rows(self, number: int) -> Iterator[Row]:
        """(at, number, bids, asks)."""
        self._told = None
        return super().rows(number)

    def decoded(self, columns: Columns, number: int) -> Iterator[Row]:
        """(at, number, bids, asks) as (price, size) each, best first."""
        bids, asks = _levels(columns, "bid"), _levels(columns, "ask")
        return zip(columns.at, [number] * len(columns), bids, asks, strict=True)

    def send(self, row: Row, sink: MarketSink, received_at: int, offset: int) -> None:
        """Tell the book if it changed."""
        at, _, bids, asks = row
        top = (bids, asks) if bids and asks and bids[0][0] < asks[0][0] else None
        self.tell_book(top, sink, at + offset, received_at)


def _levels(columns: Columns, side: str) -> list[Levels]:
    count = next(level for level in range(DEPTH_LEVELS + 1) if not columns.has(f"{side}{level}"))
    per_level = [
        zip(columns.values(f"{side}{level}"), columns.values(f"{side}{level}_size"), strict=True)
        for level in range(count)
        if columns.has(f"{side}{level}_size")
    ]
    return [tuple(level for level in levels if _is_there(level)) for levels in zip(*per_level, strict=True)]


def _is_there(level: tuple[float | None, float | None]) -> bool:
    price, size = level
    return (price or 0) > 0 and (size or 0) > 0
