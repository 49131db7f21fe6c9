"""Pages of the house that are begun in their midst, on every store: the rows and counts that a plain look finds."""

from contextlib import contextmanager
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.shard import a_desk, run, unknown_is_a_failure
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.house_counts import HouseCounts, which_of
from tradehall.app.recovery import rebuild_views
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order, OrderStatus, OrderTerms, OrderType, Side
from tradehall.domain.position import PositionSide
from tradehall.domain.rejection import RejectCode
from tradehall.ports.house_views import (
    PLACE_BITS,
    ClosedQuery,
    Closing,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
    OrderEnd,
)
from tradehall.ports.views import OrderQuery, ViewRows

ACCOUNTS = (700_100, 700_200, 700_300)
SYMBOLS = ("AAPL", "BTCUSD", "EURUSD")
KEYGENS = ("5f6e1c0a-0000-4c55-b7c4-000000000001", "5f6e1c0a-0000-4c55-b7c4-000000000002")
STATUSES = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
CODES = (RejectCode.VENUE_REJECTED, RejectCode.MARGIN_INSUFFICIENT)
# Stretches of a line are of some thousand numbers; so far apart are the numbers of a few rows here.
STEPS = (1, 2, 700, 5_000)
INSTANT_MAX = 300
KINDS = ("sqlite", "memory")


@st.composite
def houses(draw):
    """Rows of three lines, some of their numbers missing, some of their instants shared."""
    rows, number, at = ViewRows(), 0, 0
    for _ in range(draw(st.integers(0, 40))):
        number += draw(st.sampled_from(STEPS))
        at += draw(st.sampled_from((0, 1, 9)))
        owner = {
            "account_id": draw(st.sampled_from(ACCOUNTS)),
            "symbol": draw(st.sampled_from(SYMBOLS)),
            "strategy_id": draw(st.sampled_from((None, *KEYGENS))),
        }
        side = draw(st.sampled_from(list(Side)))
        rows.orders.append(_order(number, at, owner, side, draw(st.sampled_from(STATUSES)), number))
        rows.fills.append(_counted_fill(number, at, owner, side))
        rows.closings.append(_numbered_closing(number << 20, at, owner, is_last=draw(st.booleans())))
    return rows


def _order(number, at, owner, side, status, code):
    terms = OrderTerms(
        owner["account_id"], owner["symbol"], side, OrderType.MARKET, Decimal(1), strategy_id=owner["strategy_id"]
    )
    reject_code = CODES[code % 2].value if status is OrderStatus.REJECTED else None
    return Order(number, terms, status, at, at + code % 7, reject_code=reject_code)


def _counted_fill(number, at, owner, side):
    return Fill(number, number, side=side, quantity=Decimal(1), price=Decimal(2), at=at, **owner), True


def _numbered_closing(key, at, owner, *, is_last):
    closing = Closing(
        position_id=key, side=PositionSide.LONG, quantity=Decimal(1), entry_price=Decimal(1), exit_price=Decimal(2),
        currency="USD", opened_at=at, closed_at=at, order_id=1, **owner,
    )  # fmt: skip
    return key, closing, is_last


def _or_none(values):
    return st.sampled_from((None, *values))


INSTANTS = _or_none(range(-1, INSTANT_MAX, 7))
WHOSE = {
    "account_id": _or_none(ACCOUNTS), "strategy_ids": _or_none(((), KEYGENS[:1], KEYGENS)), "symbol": _or_none(SYMBOLS),
    "side": _or_none(Side), "since": INSTANTS, "until": INSTANTS, "limit": st.integers(0, 12),
    "offset": st.integers(0, 30),
}  # fmt: skip
ORDER_QUERIES = st.builds(HouseOrderQuery, **WHOSE, ends=_or_none([*({end} for end in OrderEnd), set(OrderEnd)]).map(
    lambda ends: None if ends is None else frozenset(ends)))  # fmt: skip
FILL_QUERIES = st.builds(HouseFillQuery, **WHOSE)
CLOSED_QUERIES = st.builds(
    ClosedQuery, account_id=_or_none(ACCOUNTS), strategy_id=_or_none(KEYGENS), symbol=_or_none(SYMBOLS),
    limit=st.integers(0, 12), offset=st.integers(0, 30),
)  # fmt: skip


@contextmanager
def opened(kind, rows):
    """A store of that kind, and counts that were begun before it had these rows."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder), unknown_is_a_failure) if kind == "sqlite" else MemoryStore()
        rebuild_views(store.journal, store.view_store)
        counts = HouseCounts(a_desk(store), far=0)
        store.journal.append([b"1"], rows)
        yield store.views, counts
        store.close()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(
    rows=houses(),
    orders=st.lists(ORDER_QUERIES, min_size=8, max_size=8),
    fills=st.lists(FILL_QUERIES, min_size=8, max_size=8),
    closed=st.lists(CLOSED_QUERIES, min_size=4, max_size=4),
)
def test_pages_and_counts_are_those_of_a_plain_look(kind, rows, orders, fills, closed):
    async def told(views, counts):
        await counts.begin()
        for query in orders:
            reach = await counts.orders(query)
            assert reach.count(which_of(query)) == await views.house_order_count(query), query
            assert await views.house_order_ids(reach.nearer(query)) == await views.house_order_ids(query), query
        for query in fills:
            assert await views.house_fills(await counts.fills(query)) == await views.house_fills(query), query
        for query in closed:
            found = await views.closed_positions(await counts.closed(query))
            assert found == await views.closed_positions(query), query

    with opened(kind, rows) as (views, counts):
        run(told(views, counts))


HISTORIES = st.builds(
    OrderQuery,
    account_id=st.sampled_from(ACCOUNTS),
    symbol=_or_none(SYMBOLS),
    statuses=_or_none((STATUSES[:1], STATUSES[1:])).map(lambda some: None if some is None else frozenset(some)),
    since=INSTANTS,
    until=INSTANTS,
    limit=st.integers(0, 12),
    offset=st.integers(0, 12),
    by_creation=st.booleans(),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(rows=houses(), queries=st.lists(HISTORIES, min_size=8, max_size=8))
def test_the_history_of_an_account_is_the_same_however_it_is_found(kind, rows, queries):
    def page(query):
        stamp = attrgetter("created_at" if query.by_creation else "updated_at", "order_id")
        meant = [
            order
            for order in rows.orders
            if order.terms.account_id == query.account_id
            and query.symbol in {None, order.terms.symbol}
            and (query.statuses is None or order.status in query.statuses)
            and (query.since is None or order.created_at >= query.since)
            and (query.until is None or order.created_at < query.until)
        ]
        found = sorted(meant, key=stamp, reverse=True)[query.offset : query.offset + query.limit]
        return [order.order_id for order in found]

    expected = [page(query) for query in queries]

    async def told(views):
        for query, numbers in zip(queries, expected, strict=True):
            assert [order.order_id for order in await views.orders(query)] == numbers, query

    with opened(kind, rows) as (views, _):
        run(told(views))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", list(Line))
def test_instants_cut_a_line_where_its_rows_say(kind, line):
    rows = ViewRows()
    owner = {"account_id": 1, "symbol": "AAPL", "strategy_id": None}
    step = 3 << PLACE_BITS[line] - 3
    for number in range(1, 50):
        at = number // 3 * 10
        rows.orders.append(_order(number * step, at, owner, Side.BUY, OrderStatus.FILLED, 0))
        rows.fills.append(_counted_fill(number * step, at, owner, Side.BUY))
        rows.closings.append(_numbered_closing(number * step, at, owner, is_last=True))

    async def told(views):
        for since in range(-5, 175, 5):
            edges = await views.edges(line, since=since, until=since + 45)
            meant = [number * step for number in range(1, 50) if since <= number // 3 * 10 < since + 45]
            assert [n * step for n in range(1, 50) if edges.span.first <= n * step < edges.span.last] == meant
            places = [number >> PLACE_BITS[line] for number in meant]
            whole = range(edges.first_place, edges.last_place)
            beside = {place: places.count(place) for place in set(places) if place not in whole}
            assert {share.place: share.rows for share in edges.shares} == beside

    with opened(kind, rows) as (views, _):
        run(told(views))
