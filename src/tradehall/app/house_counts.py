"""How many ended orders, fills and closed positions there are, and where: counted once in the store, then kept current.

A list says how many rows are on all its pages, and begins anywhere in its line; to count a million of them, or to pass
over them, each time costs more than the page. What orders became is heard as it becomes durable; fills and closed
positions are only added, so that those that are new are counted when somebody asks.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import chain, pairwise
from typing import Final, TypeVar

from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.tallies import Tally, Which
from tradehall.domain.ids import AccountId
from tradehall.domain.order import Order
from tradehall.engine.state import ENDED_KEPT
from tradehall.ports.house_views import (
    NUMBER_MAX,
    PLACE_BITS,
    ClosedQuery,
    Counted,
    Edges,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
    NumberSpan,
    Share,
    end_of,
)
from tradehall.ports.views import ViewRows, Views

Query = TypeVar("Query", HouseOrderQuery, HouseFillQuery, ClosedQuery)

# Pages beyond are begun in their midst, and so are those of fewer than one row in so many.
FAR: Final = 1_000
RARE: Final = 50
# Stretches that a page is looked for in one by one; what is beyond them is one.
SPANS_MAX: Final = 100
# What becomes durable while the store counts; beyond it the count is begun again.
WAITING_MAX: Final = 500_000
AGAIN_AFTER_S: Final = 5.0
# Ended orders that wait to be counted: together, for most of them are alike, and after those who wait for an answer.
HEARD_MAX: Final = 64
_PLACE_BITS: Final = PLACE_BITS[Line.ORDERS]


class Reach:
    """Rows of one line between two instants, as far as they are counted."""

    def __init__(self, line: Line, tally: Tally | None, edges: Edges | None, *, is_timed: bool, far: int) -> None:
        self._line = line
        self._tally = tally
        self._edges = edges
        self._is_timed = is_timed
        self._far = far

    def count(self, which: Which) -> int | None:
        """How many there are on all pages; None: whoever asks lets the store count."""
        if self._tally is None:
            return None
        if not self._is_timed:
            return self._tally.count(which)
        places = self._tally.places(which, self._edges)
        return None if places is None else sum(places.values())

    def nearer(self, query: Query) -> Query:
        """The same page, asked for so that less has to be passed over."""
        which = which_of(query)
        if self._tally is None or not (self._is_timed or query.offset >= self._far or self._is_rare(which)):
            return query
        places = self._tally.places(which, self._edges)
        return query if places is None else self._begun(query, places)

    def _is_rare(self, which: Which) -> bool:
        assert self._tally is not None, "somebody counted"
        count = self._tally.count(which)
        return count is not None and count * RARE < self._tally.rows

    def _begun(self, query: Query, places: dict[int, int]) -> Query:
        offset, wanted, found = query.offset, query.limit, list[NumberSpan]()
        for place in sorted((place for place, rows in places.items() if rows), reverse=True):
            rows = places[place]
            if not found and offset >= rows:
                offset -= rows
                continue
            found.append(self._span(place))
            wanted -= rows - (offset if len(found) == 1 else 0)
            if wanted <= 0:
                break
        return replace(query, spans=_joined(found), offset=offset if found else 0)

    def _span(self, place: int) -> NumberSpan:
        bits = PLACE_BITS[self._line]
        within = NumberSpan(0, NUMBER_MAX) if self._edges is None else self._edges.span
        return NumberSpan(max(place << bits, within.first), min((place + 1) << bits, within.last))


def _joined(spans: list[NumberSpan]) -> tuple[NumberSpan, ...]:
    """Those that touch become one; so do all beyond SPANS_MAX. Highest first."""
    found = spans[:1]
    for before, span in pairwise(spans):
        if span.last == before.first or len(found) == SPANS_MAX:
            found[-1] = NumberSpan(span.first, found[-1].last)
        else:
            found.append(span)
    return tuple(found)


def which_of(query: HouseOrderQuery | HouseFillQuery | ClosedQuery) -> Which:
    """The rows of a query, without times."""
    if isinstance(query, ClosedQuery):
        strategy_ids = None if query.strategy_id is None else (query.strategy_id,)
        return Which(query.account_id, strategy_ids, query.symbol)
    ends = query.ends if isinstance(query, HouseOrderQuery) else None
    return Which(query.account_id, query.strategy_ids, query.symbol, query.side, ends)


class GrowingLine:
    """A tally of rows that are only added."""

    def __init__(self, views: Views, line: Line) -> None:
        self._views = views
        self._line = line
        self._last: int | None = None
        self._tally = Tally()
        self._reading = asyncio.Lock()

    async def begin(self) -> None:
        """Count what there is."""
        async with self._reading:
            self._take(await self._views.counted(self._line))

    async def tally(self) -> Tally | None:
        """With all that is durable; None: nobody has counted yet."""
        if self._last is None:
            return None
        async with self._reading:
            self._take(await self._views.counted(self._line, after=self._last))
        return self._tally

    def _take(self, counted: Counted) -> None:
        for share in counted.shares:
            self._tally.add(share)
        self._last = counted.last


class HouseCounts:
    """The tallies of a house. What it does not know (yet) is None: whoever asks lets the store count.

    Made when the desk is settled: of what the state says has ended, the views have rows.
    """

    def __init__(self, desk: Desk, *, far: int = FAR) -> None:
        self._desk = desk
        self._far = far
        self._orders: Tally | None = None
        self._fills = GrowingLine(desk.views, Line.FILLS)
        self._closings = GrowingLine(desk.views, Line.CLOSINGS)
        self._counted_seq = 0
        self._heard: list[tuple[int, list[Order]]] = []
        self._heard_count = 0
        self._waiting: list[tuple[int, Share]] = []
        # Orders may change after their end, for as long as the state knows them; their rows come again. Two
        # generations, so that forgetting costs nothing.
        self._ended: dict[int, str] = {each.order_id: end_of(each).value for each in desk.state.ended.values()}
        self._ended_before: dict[int, str] = {}
        desk.writer.hear_rows(self._hear)

    async def run(self) -> None:
        """Count what there is, and then what comes, so that whoever asks after a rush need not; until cancelled."""
        await self.begin()
        while True:
            await self._desk.views.read_on()
            await asyncio.sleep(AGAIN_AFTER_S)
            await self._fills.tally()
            await self._closings.tally()

    async def begin(self) -> None:
        """Count what there is; ends when that is done."""
        while True:
            counted = await self._desk.views.counted(Line.ORDERS)
            if len(self._waiting) <= WAITING_MAX:
                break
            self._waiting.clear()
            await asyncio.sleep(AGAIN_AFTER_S)
        self._begin_orders(counted)
        await self._fills.begin()
        await self._closings.begin()

    async def orders(self, query: HouseOrderQuery) -> Reach:
        """Where the ended orders of a query are."""
        edges = await self._edges(Line.ORDERS, query) if self._orders is not None else None
        self._count_heard()
        return Reach(Line.ORDERS, self._orders, edges, is_timed=_is_timed(query), far=self._far)

    async def fills(self, query: HouseFillQuery) -> HouseFillQuery:
        """The page of a query with all that is known of it."""
        edges = await self._edges(Line.FILLS, query)
        tally = await self._fills.tally()
        return self._known(Reach(Line.FILLS, tally, edges, is_timed=_is_timed(query), far=self._far), query)

    async def closed(self, query: ClosedQuery) -> ClosedQuery:
        """The page of a query with all that is known of it."""
        tally = await self._closings.tally()
        return self._known(Reach(Line.CLOSINGS, tally, None, is_timed=False, far=self._far), query)

    @staticmethod
    def _known(reach: Reach, query: Query) -> Query:
        total = reach.count(which_of(query))
        return query if total is None else reach.nearer(replace(query, known_total=total))

    async def _edges(self, line: Line, query: HouseOrderQuery | HouseFillQuery) -> Edges | None:
        if not _is_timed(query):
            return None
        return await self._desk.views.edges(line, since=query.since, until=query.until)

    def _begin_orders(self, counted: Counted) -> None:
        tally = Tally()
        for share in counted.shares:
            tally.add(share)
        self._count_heard()
        self._orders, self._counted_seq = tally, counted.seq
        waiting, self._waiting = self._waiting, []
        for seq, share in waiting:
            if seq > counted.seq:
                tally.add(share)

    def _hear(self, seq: int, rows: ViewRows) -> None:
        """These rows are durable, with the records up to `seq`."""
        if rows.orders:
            self._heard.append((seq, rows.orders))
            self._heard_count += len(rows.orders)
            if self._heard_count >= HEARD_MAX:
                self._count_heard()

    def _count_heard(self) -> None:
        heard, self._heard, self._heard_count = self._heard, [], 0
        if self._orders is not None:
            for seq, orders in heard:
                if seq <= self._counted_seq:
                    self._changes(orders)  # Counted by the store before we heard of them; how they ended is noted.
            fresh = chain.from_iterable(orders for seq, orders in heard if seq > self._counted_seq)
            for share in self._changes(fresh):
                self._orders.add(share)
            return
        for seq, orders in heard:
            if len(self._waiting) <= WAITING_MAX:
                self._waiting += ((seq, share) for share in self._changes(orders))

    def _changes(self, orders: Iterable[Order]) -> list[Share]:
        """What the rows of these make more, and what fewer: of an order that changed after its end."""
        changes: Counter[tuple[AccountId, str | None, str, str, str, int]] = Counter()
        for order in orders:
            end = end_of(order).value
            before = self._end_before(order.order_id, end)
            if before != end:
                terms = order.terms
                key = (terms.account_id, terms.strategy_id, terms.symbol, terms.side.value)
                place = order.order_id >> _PLACE_BITS
                changes[*key, end, place] += 1
                if before is not None:
                    changes[*key, before, place] -= 1
        return [Share(*key, rows) for key, rows in changes.items()]

    def _end_before(self, order_id: int, end: str) -> str | None:
        """How an order's row said that it ended, before it said `end`; None: there was none."""
        before = self._ended.get(order_id) or self._ended_before.get(order_id)
        self._ended[order_id] = end
        if len(self._ended) > ENDED_KEPT:
            self._ended_before, self._ended = self._ended, {}
        return before


def _is_timed(query: HouseOrderQuery | HouseFillQuery) -> bool:
    return query.since is not None or query.until is not None
