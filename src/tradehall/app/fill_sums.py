"""Sums over fills by account, strategy, symbol and side: read on from the views, never read again.

Fills are numbered as they become durable and never change, so what was summed once only grows: all of them, and for
questions about a time, spans of some fills each, and blocks of some spans. Only spans that such a time cuts are read.
The first sum of a long history is made in the background, a little at a time.
"""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from sys import intern
from typing import Final

from msgspec import Struct

from tradehall.domain.ids import AccountId, FillId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side
from tradehall.ports.house_views import CountedFill, HouseFillQuery
from tradehall.ports.views import Views

FILLS_PER_STEP: Final = 250
PAUSE_S: Final = 0.001
SPAN_FILLS: Final = 1_000
BLOCK_SPANS: Final = 16
# Sums of all spans together. Beyond it the older half of the spans are merged, two and two.
SUMS_MAX: Final = 100_000
# Accounts, strategies, symbols and sides that traded. Beyond it nothing is kept here, and fills are read when asked.
KEYS_MAX: Final = 200_000

Key = tuple[AccountId, str | None, str, Side]


class FillSum(Struct, gc=False):
    """What fills came to. `quantity` [units]; `volume` [quote currency]; in `currency`, the account's:
    `realized_pnl`, gross, and `fees`. `order_count`: orders whose first fill is among them.
    """

    fill_count: int = 0
    order_count: int = 0
    quantity: Decimal = ZERO
    volume: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    currency: str = ""
    win_count: int = 0
    loss_count: int = 0
    first_at: int = 0
    last_at: int = 0

    def add(self, counted: CountedFill) -> None:
        """One more."""
        fill = counted.fill
        self.fill_count += 1
        self.order_count += counted.is_first
        self.quantity += fill.quantity
        self.volume += fill.quantity * fill.price
        self.realized_pnl += fill.realized_pnl
        self.fees += fill.commission
        self.currency = intern(fill.commission_currency)
        self.win_count += fill.realized_pnl > 0
        self.loss_count += fill.realized_pnl < 0
        self.first_at = min(self.first_at or fill.at, fill.at)
        self.last_at = max(self.last_at, fill.at)

    def merge(self, other: "FillSum") -> None:
        """What `other` came to, too."""
        self.fill_count += other.fill_count
        self.order_count += other.order_count
        self.quantity += other.quantity
        self.volume += other.volume
        self.realized_pnl += other.realized_pnl
        self.fees += other.fees
        self.currency = other.currency
        self.win_count += other.win_count
        self.loss_count += other.loss_count
        self.first_at = min(self.first_at or other.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


class Span:
    """Sums of the `count` fills that follow `after`, from `first_at` to `last_at` [ns UTC]."""

    __slots__ = ("after", "count", "first_at", "last_at", "sums")

    def __init__(self, after: FillId) -> None:
        self.after = after
        self.count = 0
        self.first_at = self.last_at = 0
        self.sums: dict[Key, FillSum] = {}

    def add(self, counted: CountedFill) -> bool:
        """One more; whether it is the first of its kind here."""
        at = counted.fill.at
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at, at)
        self.count += 1
        return _add(self.sums, counted)

    def is_within(self, query: HouseFillQuery) -> bool:
        """Whether no time of the query cuts it, and it is meant."""
        return _is_in(self.first_at, query) and _is_in(self.last_at, query)

    def is_touched(self, query: HouseFillQuery) -> bool:
        """Whether some of it may be meant."""
        return (query.since is None or self.last_at >= query.since) and (
            query.until is None or self.first_at < query.until
        )


def joined(spans: Sequence[Span]) -> Span:
    """Spans that follow each other, as one; they stay as they are, for somebody may be looking at them."""
    whole = Span(spans[0].after)
    whole.first_at = min(span.first_at for span in spans)
    whole.last_at = max(span.last_at for span in spans)
    whole.count = sum(span.count for span in spans)
    for span in spans:
        for key, each in span.sums.items():
            whole.sums.setdefault(key, FillSum()).merge(each)
    return whole


class FillSums:
    """All sums of a house, kept current by whoever asks."""

    def __init__(
        self, views: Views, *, span_fills: int = SPAN_FILLS, sums_max: int = SUMS_MAX, keys_max: int = KEYS_MAX
    ) -> None:
        self._views = views
        self._span_fills = span_fills
        self._sums_max = sums_max
        self._keys_max = keys_max
        self._whole: dict[Key, FillSum] = {}
        self._spans: list[Span] = []
        # Of the first spans, BLOCK_SPANS each; the last span still grows and is in none.
        self._blocks: list[Span] = []
        self._sum_count = 0
        self._last = 0
        self._is_over = False
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Sum what there is, in the background; ends when that is done."""
        await self._read_on(pause_s=PAUSE_S)

    async def of(self, query: HouseFillQuery) -> list[tuple[str, Side, FillSum]]:
        """Sums of all fills of `query`, whatever its page: by symbol, side and currency."""
        await self._read_on()
        found: dict[tuple[str, Side, str], FillSum] = {}
        if self._is_over:
            await self._read(Span(0), query, found)
        elif query.since is None and query.until is None:
            _gather(self._whole, query, found)
        else:
            await self._within(query, found)
        return [(symbol, side, each) for (symbol, side, _), each in found.items()]

    async def _within(self, query: HouseFillQuery, found: dict[tuple[str, Side, str], FillSum]) -> None:
        blocks, spans = list(self._blocks), list(self._spans)
        left = spans[len(blocks) * BLOCK_SPANS :]
        for number, block in enumerate(blocks):
            if block.is_within(query):
                _gather(block.sums, query, found)
            elif block.is_touched(query):
                left += spans[number * BLOCK_SPANS : (number + 1) * BLOCK_SPANS]
        for span in left:
            if span.is_within(query):
                _gather(span.sums, query, found)
            elif span.is_touched(query):
                await self._read(span, query, found)

    async def _read(self, span: Span, query: HouseFillQuery, found: dict[tuple[str, Side, str], FillSum]) -> None:
        """The fills of a span that are meant, one by one; of a span without a count all from there on."""
        sums: dict[Key, FillSum] = {}
        last, left = span.after, span.count
        while fills := await self._views.fills_after(last, limit=min(left or SPAN_FILLS, SPAN_FILLS)):
            for counted in fills:
                if _is_in(counted.fill.at, query):
                    _add(sums, counted)
            last, left = fills[-1].fill.fill_id, left - len(fills)
            if not left:
                break
        _gather(sums, query, found)

    async def _read_on(self, *, pause_s: float = 0) -> None:
        async with self._reading:
            while not self._is_over and (fills := await self._views.fills_after(self._last, limit=FILLS_PER_STEP)):
                for counted in fills:
                    self._take(counted)
                if len(fills) == FILLS_PER_STEP:
                    await asyncio.sleep(pause_s)

    def _take(self, counted: CountedFill) -> None:
        _add(self._whole, counted)
        if not self._spans or self._spans[-1].count >= self._span_fills:
            if self._spans and len(self._spans) % BLOCK_SPANS == 0:
                self._blocks.append(joined(self._spans[-BLOCK_SPANS:]))
            self._spans.append(Span(self._last))
        self._sum_count += self._spans[-1].add(counted)
        self._last = counted.fill.fill_id
        if len(self._whole) > self._keys_max:
            self._is_over = True
            self._whole.clear()
            self._spans.clear()
            self._blocks.clear()
        elif self._sum_count > self._sums_max and len(self._spans) > 1:
            self._coarsen()

    def _coarsen(self) -> None:
        half = max(2, len(self._spans) // 4 * 2)
        older, newer = self._spans[:half], self._spans[half:]
        self._spans = [*(joined(pair) for pair in zip(older[::2], older[1::2], strict=True)), *newer]
        full = (len(self._spans) - 1) // BLOCK_SPANS * BLOCK_SPANS
        self._blocks = [joined(self._spans[first : first + BLOCK_SPANS]) for first in range(0, full, BLOCK_SPANS)]
        self._sum_count = sum(len(span.sums) for span in self._spans)


def _add(sums: dict[Key, FillSum], counted: CountedFill) -> bool:
    fill = counted.fill
    key = (fill.account_id, fill.strategy_id, fill.symbol, fill.side)
    found = sums.get(key)
    is_new = found is None
    if found is None:
        # Kept for each span: words that are the same are one.
        strategy_id = None if fill.strategy_id is None else intern(fill.strategy_id)
        found = sums[fill.account_id, strategy_id, intern(fill.symbol), fill.side] = FillSum()
    found.add(counted)
    return is_new


def _gather(sums: dict[Key, FillSum], query: HouseFillQuery, found: dict[tuple[str, Side, str], FillSum]) -> None:
    for key, each in sums.items():
        if _of(key, query):
            found.setdefault((key[2], key[3], each.currency), FillSum()).merge(each)


def _is_in(at: int, query: HouseFillQuery) -> bool:
    return (query.since is None or at >= query.since) and (query.until is None or at < query.until)


def _of(key: Key, query: HouseFillQuery) -> bool:
    account_id, strategy_id, symbol, side = key
    return (
        query.account_id in {None, account_id}
        and (query.strategy_ids is None or strategy_id in query.strategy_ids)
        and query.symbol in {None, symbol}
        and query.side in {None, side}
    )
