"""How many ended orders, fills and closed positions there are: counted once in the store, then as they become durable.

A list says how many rows are on all its pages; to count a million of them each time costs more than the page.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.domain.order import Side
from tradehall.engine.state import ENDED_KEPT
from tradehall.ports.house_views import (
    PLACE_BITS,
    ClosedQuery,
    HouseFillQuery,
    HouseOrderQuery,
    OrderEnd,
    Share,
    Shares,
    end_of,
)
from tradehall.ports.views import ViewRows

# Keys of accounts and strategies together. Beyond it only the house is counted here, and theirs by the store: where
# they are so many, each has few rows.
KEYS_MAX: Final = 200_000
# Pages beyond are begun in their midst, and keys of how many orders lie where; more keys, and they are not kept.
FAR: Final = 5_000
PLACES_MAX: Final = 100_000
# What becomes durable while the store counts; beyond it the count is begun again.
WAITING_MAX: Final = 500_000
AGAIN_AFTER_S: Final = 5.0
ORDERS: Final = 0

# Symbol, side and end, or as many of them as a view has; the others are "".
Words = tuple[str, str, str]


class Tally:
    """Counts of the rows of one view, by words: of the house, of each account, of each strategy and account."""

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        self._keys_max = keys_max
        self._house: dict[Words, int] = {}
        self._accounts: dict[int, dict[Words, int]] | None = {}
        self._strategies: dict[str, dict[tuple[int, Words], int]] = {}
        self._keys = 0

    def add(self, share: Share) -> None:
        """So many more; fewer where the count is negative."""
        words = (share.symbol, share.side, share.end)
        self._house[words] = self._house.get(words, 0) + share.rows
        if self._accounts is None:
            return
        of_account = self._accounts.setdefault(share.account_id, {})
        self._keys += words not in of_account
        of_account[words] = of_account.get(words, 0) + share.rows
        if share.strategy_id is not None:
            of_strategy = self._strategies.setdefault(share.strategy_id, {})
            key = (share.account_id, words)
            self._keys += key not in of_strategy
            of_strategy[key] = of_strategy.get(key, 0) + share.rows
        if self._keys > self._keys_max:
            self._accounts = None
            self._strategies.clear()

    def count(
        self,
        *,
        account_id: int | None,
        strategy_ids: tuple[str, ...] | None,
        symbol: str | None,
        side: Side | None = None,
        ends: frozenset[OrderEnd] | None = None,
    ) -> int | None:
        """How many rows meet all these filters; None: that is not known here."""
        found: Iterable[tuple[Words, int]]
        if account_id is None and strategy_ids is None:
            found = self._house.items()
        elif self._accounts is None:
            return None
        elif strategy_ids is None:
            assert account_id is not None, "one of both is given"
            found = self._accounts.get(account_id, {}).items()
        else:
            found = (
                (words, count)
                for strategy_id in set(strategy_ids)
                for (login, words), count in self._strategies.get(strategy_id, {}).items()
                if account_id in {None, login}
            )
        return sum(
            count
            for (its_symbol, its_side, its_end), count in found
            if symbol in {None, its_symbol} and side in {None, its_side} and (ends is None or its_end in ends)
        )


class Places:
    """Where ended orders lie in the line of all numbers, as counts for stretches of it."""

    def __init__(self, keys_max: int = PLACES_MAX) -> None:
        self._keys_max = keys_max
        self._stretches: dict[int, dict[tuple[int, str | None, Words], int]] | None = {}
        self._keys = 0

    def add(self, share: Share) -> None:
        """So many more; fewer where the count is negative."""
        if self._stretches is None:
            return
        stretch = self._stretches.setdefault(share.place, {})
        key = (share.account_id, share.strategy_id, (share.symbol, share.side, share.end))
        self._keys += key not in stretch
        stretch[key] = stretch.get(key, 0) + share.rows
        if self._keys > self._keys_max:
            self._stretches = None

    def start_of(self, query: HouseOrderQuery) -> tuple[int, int] | None:
        """The number below which the page begins after so many more; None: not known here."""
        if self._stretches is None or query.since is not None or query.until is not None:
            return None
        left = query.offset
        for place in sorted(self._stretches, reverse=True):
            count = sum(count for key, count in self._stretches[place].items() if _is_meant(key, query))
            if count > left:
                return (place + 1) << PLACE_BITS, left
            left -= count
        return 0, 0


def _is_meant(key: tuple[int, str | None, Words], query: HouseOrderQuery) -> bool:
    account_id, strategy_id, (symbol, side, end) = key
    return (
        query.account_id in {None, account_id}
        and (query.strategy_ids is None or strategy_id in query.strategy_ids)
        and query.symbol in {None, symbol}
        and query.side in {None, side}
        and (query.ends is None or end in query.ends)
    )


class HouseCounts:
    """The tallies of a house. What it does not know (yet) is None: whoever asks lets the store count."""

    def __init__(self, desk: Desk, *, far: int = FAR) -> None:
        self._desk = desk
        self._far = far
        self._tallies: tuple[Tally, Tally, Tally] | None = None
        self._places = Places()
        self._waiting: list[tuple[int, int, Share]] = []
        # Orders may change after their end, for as long as the state knows them; their rows come again. Two
        # generations, so that forgetting costs nothing.
        self._ended: dict[int, str] = {each.order_id: end_of(each).value for each in desk.state.ended.values()}
        self._ended_before: dict[int, str] = {}
        desk.writer.hear_rows(self._hear)

    async def run(self) -> None:
        """Count what there is; ends when that is done."""
        while True:
            shares = await self._desk.views.shares()
            if len(self._waiting) <= WAITING_MAX:
                break
            self._waiting.clear()
            await asyncio.sleep(AGAIN_AFTER_S)
        self._begin(shares)

    def orders(self, query: HouseOrderQuery) -> int | None:
        """Ended orders of a query, on all its pages."""
        if self._tallies is None or query.since is not None or query.until is not None:
            return None
        return self._tallies[0].count(
            account_id=query.account_id, strategy_ids=query.strategy_ids, symbol=query.symbol, side=query.side,
            ends=query.ends,
        )  # fmt: skip

    def nearer(self, query: HouseOrderQuery) -> HouseOrderQuery:
        """The same page, asked for so that less has to be passed over."""
        if self._tallies is None or query.offset < self._far:
            return query
        start = self._places.start_of(query)
        return query if start is None else replace(query, below=start[0], offset=start[1])

    def fills(self, query: HouseFillQuery) -> int | None:
        """Fills of a query, on all its pages."""
        if self._tallies is None or query.since is not None or query.until is not None:
            return None
        return self._tallies[1].count(
            account_id=query.account_id, strategy_ids=query.strategy_ids, symbol=query.symbol, side=query.side
        )

    def closed(self, query: ClosedQuery) -> int | None:
        """Closed positions of a query, on all its pages."""
        if self._tallies is None:
            return None
        strategy_ids = None if query.strategy_id is None else (query.strategy_id,)
        return self._tallies[2].count(account_id=query.account_id, strategy_ids=strategy_ids, symbol=query.symbol)

    def _begin(self, shares: Shares) -> None:
        tallies = (Tally(), Tally(), Tally())
        for tally, of_view in zip(tallies, (shares.orders, shares.fills, shares.closings), strict=True):
            for share in of_view:
                tally.add(share)
        places = Places()
        for share in shares.orders:
            places.add(share)
        self._tallies, self._places = tallies, places
        waiting, self._waiting = self._waiting, []
        for seq, view, share in waiting:
            if seq > shares.seq:
                self._note(seq, view, share)

    def _hear(self, seq: int, rows: ViewRows) -> None:
        """These rows are durable, with the records up to `seq`."""
        for order in rows.orders:
            before = self._end_before(order.order_id, order.ended_as)
            if before != order.ended_as:
                key = (order.account_id, order.strategy_id, order.symbol, order.side)
                place = order.order_id >> PLACE_BITS
                self._note(seq, ORDERS, Share(*key, order.ended_as, place, 1))
                if before is not None:
                    self._note(seq, ORDERS, Share(*key, before, place, -1))
        for fill in rows.fills:
            self._note(seq, 1, Share(fill.account_id, fill.strategy_id, fill.symbol, fill.side, "", 0, 1))
        for each in rows.closings:
            if each.is_last:
                self._note(seq, 2, Share(each.account_id, each.strategy_id, each.symbol, "", "", 0, 1))

    def _end_before(self, order_id: int, end: str) -> str | None:
        """How an order's row said that it ended, before it said `end`; None: there was none."""
        before = self._ended.get(order_id) or self._ended_before.get(order_id)
        self._ended[order_id] = end
        if len(self._ended) > ENDED_KEPT:
            self._ended_before, self._ended = self._ended, {}
        return before

    def _note(self, seq: int, view: int, share: Share) -> None:
        if self._tallies is not None:
            self._tallies[view].add(share)
            if view == ORDERS:
                self._places.add(share)
        elif len(self._waiting) <= WAITING_MAX:
            self._waiting.append((seq, view, share))
