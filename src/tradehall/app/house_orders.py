"""Orders of the whole house in one line, newest first: what works from the state, what ended from the views."""

from bisect import bisect_left
from collections.abc import Iterable
from copy import copy
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.house_counts import HouseCounts, Reach, which_of
from tradehall.domain.order import WORKING, Order, OrderStatus
from tradehall.ports.house_views import HouseOrderQuery, OrderEnd

ALL_ENDS: Final = frozenset(OrderEnd)


class HouseOrderWish(Struct, frozen=True, kw_only=True):
    """Which orders: `query` for all, with the ends that count; `working`: which statuses of what still works.

    `is_triggered`: of those that work, only stops that were touched (True) or all others (False).
    """

    query: HouseOrderQuery
    working: frozenset[OrderStatus] = WORKING
    is_triggered: bool | None = None


class HouseOrders:
    """The line; numbers descend, which is time."""

    def __init__(self, desk: Desk, counts: HouseCounts) -> None:
        self._desk = desk
        self._counts = counts

    async def page(self, wish: HouseOrderWish) -> tuple[list[Order], int]:
        """A page, and how many there are in all. ShardUnavailable if what was read could not be kept."""
        await self._desk.settled()
        working = self.working(wish)
        query, views = wish.query, self._desk.views
        if query.ends is not None and not query.ends:
            return [copy(order) for order in working[query.offset : query.offset + query.limit]], len(working)
        reach = await self._counts.orders(query)
        total = reach.count(which_of(query))
        before = min(len(working), query.offset)
        window = replace(query, offset=query.offset - before, limit=query.limit + before, known_total=total)
        ended = await views.house_order_ids(reach.nearer(window))
        numbers = _merged([order.order_id for order in working], ended, start=query.offset - before)
        wanted = numbers[before : before + query.limit]
        still = {order.order_id: copy(order) for order in working}
        in_views = set(ended)
        still.update((order.order_id, order) for order in await views.orders_of([n for n in wanted if n in in_views]))
        count = await views.house_order_count(query) if total is None else total
        return [still[number] for number in wanted if number in still], len(working) + count

    async def count(self, wish: HouseOrderWish) -> int:
        """How many there are in all."""
        await self._desk.settled()
        return len(self.working(wish)) + await self.ended_count(wish.query)

    def working(self, wish: HouseOrderWish) -> list[Order]:
        """Those that work, newest first."""
        state, query = self._desk.state, wish.query
        if not wish.working:
            return []
        found: Iterable[Order] = state.orders.values()
        if query.account_id is not None:
            account = state.accounts.get(query.account_id)
            found = account.orders.values() if account is not None else ()
        matching = [order for order in found if _matches(order, wish)]
        return sorted(matching, key=lambda order: order.order_id, reverse=True)

    async def ended_count(self, query: HouseOrderQuery) -> int:
        """How many of those that have ended."""
        if query.ends is not None and not query.ends:
            return 0
        return await self._counted(await self._counts.orders(query), query)

    async def ended_counts(self, query: HouseOrderQuery) -> dict[OrderEnd, int]:
        """How many ended in which way."""
        reach = await self._counts.orders(query)
        found: dict[OrderEnd, int] = {
            end: await self._counted(reach, replace(query, ends=frozenset({end})))
            for end in OrderEnd
            if end is not OrderEnd.FILLED
        }
        # Those that were filled are most, and what is left.
        found[OrderEnd.FILLED] = await self._counted(reach, query) - sum(found.values())
        return found

    async def _counted(self, reach: Reach, query: HouseOrderQuery) -> int:
        total = reach.count(which_of(query))
        return await self._desk.views.house_order_count(query) if total is None else total


def _merged(working: list[int], ended: list[int], *, start: int) -> list[int]:
    """The line from place `start` on, `ended` being what has ended from there on; all numbers descend.

    Where the line begins in its midst, what works and is newer than its first number has its place before it.
    """
    skipped = bisect_left(working, -ended[0], key=lambda number: -number) if start and ended else 0
    line = sorted({*working[skipped:], *ended}, reverse=True)
    # The places of what was skipped are filled, so that the caller may count from `start`.
    return [*working[:skipped], *line] if start else line


def _matches(order: Order, wish: HouseOrderWish) -> bool:
    query, terms = wish.query, order.terms
    return (
        order.status in wish.working
        and wish.is_triggered in {None, order.is_triggered}
        and query.account_id in {None, terms.account_id}
        and (query.strategy_ids is None or terms.strategy_id in query.strategy_ids)
        and query.symbol in {None, terms.symbol}
        and query.side in {None, terms.side}
        and (query.since is None or order.created_at >= query.since)
        and (query.until is None or order.created_at < query.until)
    )
