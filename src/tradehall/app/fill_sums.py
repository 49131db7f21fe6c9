"""Sums over fills by day, account, strategy, symbol and side: read on from the views, never read again.

Fills are numbered as they become durable and never change, so what was summed once only grows. The first sum of a
long history is made in the background, a little at a time.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side
from tradehall.domain.time import NS_PER_DAY
from tradehall.ports.house_views import CountedFill, HouseFillQuery
from tradehall.ports.views import PAGE_MAX, Views

FILLS_PER_STEP: Final = 250
PAUSE_S: Final = 0.001

Key = tuple[int, AccountId, str | None, str, Side]


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
        self.currency = fill.commission_currency
        self.win_count += fill.realized_pnl > 0
        self.loss_count += fill.realized_pnl < 0
        self.first_at = min(self.first_at or fill.at, fill.at)
        self.last_at = max(self.last_at, fill.at)


class FillSums:
    """All sums of a house, kept current by whoever asks."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._sums: dict[Key, FillSum] = {}
        self._last = 0
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Sum what there is, in the background; ends when that is done."""
        await self._read_on(pause_s=PAUSE_S)

    async def of(self, query: HouseFillQuery) -> list[tuple[str, Side, FillSum]]:
        """Sums of all fills of `query`, whatever its page: by symbol and side, one for each key that matches."""
        await self._read_on()
        since, until = query.since, query.until
        # Days that the span covers wholly are summed already; the others are read.
        first = -(1 << 62) if since is None else -(-since // NS_PER_DAY)
        end = 1 << 62 if until is None else until // NS_PER_DAY
        found = [
            (key[3], key[4], each) for key, each in self._sums.items() if first <= key[0] < end and _of(key, query)
        ]
        for span in _broken_days(since, until, first, end):
            found += await self._read(query, *span)
        return found

    async def _read_on(self, *, pause_s: float = 0) -> None:
        async with self._reading:
            while fills := await self._views.fills_after(self._last, limit=FILLS_PER_STEP):
                for counted in fills:
                    self._sum_of(counted.fill, counted.fill.at // NS_PER_DAY).add(counted)
                self._last = fills[-1].fill.fill_id
                if len(fills) == FILLS_PER_STEP:
                    await asyncio.sleep(pause_s)

    def _sum_of(self, fill: Fill, day: int) -> FillSum:
        key = (day, fill.account_id, fill.strategy_id, fill.symbol, fill.side)
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = FillSum()
        return found

    async def _read(self, query: HouseFillQuery, since: int, until: int) -> list[tuple[str, Side, FillSum]]:
        sums: dict[tuple[AccountId, str, Side], FillSum] = {}
        seen: set[int] = set()
        offset = 0
        while True:
            span = HouseFillQuery(
                account_id=query.account_id, strategy_ids=query.strategy_ids, symbol=query.symbol, side=query.side,
                since=since, until=until, limit=PAGE_MAX, offset=offset,
            )  # fmt: skip
            fills, _ = await self._views.house_fills(span)
            for fill in fills:
                each = sums.setdefault((fill.account_id, fill.symbol, fill.side), FillSum())
                each.add(CountedFill(fill, fill.order_id not in seen))
                seen.add(fill.order_id)
            if len(fills) < PAGE_MAX:
                return [(symbol, side, each) for (_, symbol, side), each in sums.items()]
            offset += PAGE_MAX


def _broken_days(since: int | None, until: int | None, first: int, end: int) -> Iterator[tuple[int, int]]:
    if since is not None and until is not None and first > end:
        yield since, until  # Within one day.
        return
    if since is not None and since < first * NS_PER_DAY:
        yield since, min(first * NS_PER_DAY, until or first * NS_PER_DAY)
    if until is not None and end * NS_PER_DAY < until and end >= first:
        yield max(end * NS_PER_DAY, since or 0), until


def _of(key: Key, query: HouseFillQuery) -> bool:
    _, account_id, strategy_id, symbol, side = key
    return (
        query.account_id in {None, account_id}
        and (query.strategy_ids is None or strategy_id in query.strategy_ids)
        and query.symbol in {None, symbol}
        and query.side in {None, side}
    )
