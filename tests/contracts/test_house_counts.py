"""Counts of the house, on every store: they are what the store would count, whatever was decided when."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run, unknown_is_a_failure
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.house_counts import SPANS_MAX, HouseCounts, Reach, which_of
from tradehall.app.recovery import rebuild_views
from tradehall.app.tallies import Tally, Which
from tradehall.domain.order import Side
from tradehall.engine.commands import AmendOrder, CancelOrder, PlaceOrder, RegisterStrategy
from tradehall.ports.house_views import (
    PLACE_BITS,
    ClosedQuery,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
    OrderEnd,
    Share,
)

KEYGEN = "5f6e1c0a-0000-4c55-b7c4-000000000001"
OTHER = ACCOUNT + 1
WHOSE: list[dict[str, Any]] = [
    {}, {"account_id": ACCOUNT}, {"account_id": OTHER}, {"account_id": 1}, {"strategy_ids": (KEYGEN,)},
    {"strategy_ids": (KEYGEN,), "account_id": OTHER}, {"strategy_ids": ()}, {"symbol": "BTCUSD"}, {"symbol": "AAPL"},
    {"symbol": "BTCUSD", "account_id": ACCOUNT},
]  # fmt: skip
SIDES: list[dict[str, Any]] = [{}, *({"side": side} for side in Side)]
ENDS = [None, *(frozenset({end}) for end in OrderEnd), frozenset({OrderEnd.FILLED, OrderEnd.DENIED})]


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    store = SqliteStore(tmp_path, unknown_is_a_failure) if request.param == "sqlite" else MemoryStore()
    rebuild_views(store.journal, store.view_store)
    yield store
    store.close()


async def _some_orders(desk):
    """Filled by both sides, of a strategy too; cancelled, and refused."""
    await desk.submit(RegisterStrategy(ACCOUNT, KEYGEN))
    for side in ("BUY", "SELL"):
        await desk.submit(an_order(side=side))
        await desk.submit(an_order(side=side, account=OTHER))
        of_strategy = an_order(side=side)
        await desk.submit(PlaceOrder(replace(of_strategy.terms, strategy_id=KEYGEN)))
    await desk.submit(an_order(quantity="100000"))
    resting = await desk.submit(an_order(limit="40000"))
    assert resting.order is not None
    await desk.submit(CancelOrder(ACCOUNT, resting.order.order_id))


async def _count(counts, query):
    return (await counts.orders(query)).count(which_of(query))


async def _assert_the_store_counts_the_same(desk, counts):
    await desk.settled()
    views = desk.views
    assert await _count(counts, HouseOrderQuery()), "there are some"
    for whose in WHOSE:
        closed = ClosedQuery(**{name: value for name, value in whose.items() if name != "strategy_ids"})
        assert (await counts.closed(closed)).known_total == (await views.closed_positions(closed))[1], closed
        for side in SIDES:
            fills = HouseFillQuery(**whose, **side)
            assert (await counts.fills(fills)).known_total == (await views.house_fills(fills))[1], fills
            for ends in ENDS:
                orders = HouseOrderQuery(**whose, **side, ends=ends)
                assert await _count(counts, orders) == await views.house_order_count(orders), orders


def test_what_was_there_and_what_comes_before_while_and_after_the_store_counts_is_counted_once(store):
    async def story():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk, accounts=2)
        await _some_orders(desk)
        await desk.settled()
        counts = HouseCounts(desk)
        assert await _count(counts, HouseOrderQuery()) is None, "nobody has counted yet"
        assert (await counts.fills(HouseFillQuery())).known_total is None
        await _some_orders(desk)
        await asyncio.gather(counts.begin(), _some_orders(desk))
        await _some_orders(desk)
        await _assert_the_store_counts_the_same(desk, counts)
        await desk.stop()

    run(story())


@pytest.mark.parametrize("is_counted_before", [True, False])
def test_a_filled_entry_whose_exits_are_moved_counts_once(store, is_counted_before):
    async def story():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        entry = an_order()
        placed = await desk.submit(PlaceOrder(replace(entry.terms, stop_loss=Decimal(40_000))))
        assert placed.order is not None
        await desk.settled()
        counts = HouseCounts(desk)
        if is_counted_before:
            await counts.begin()
        await desk.submit(AmendOrder(ACCOUNT, placed.order.order_id, stop_loss=Decimal(41_000)))
        if not is_counted_before:
            await counts.begin()
        await desk.settled()
        moved = desk.views.order(placed.order.order_id)
        assert moved is not None and moved.terms.stop_loss == Decimal(41_000), "its row came again"
        assert await _count(counts, HouseOrderQuery(ends=frozenset({OrderEnd.FILLED}))) == 1
        await desk.stop()

    run(story())


def _tally(**bounds):
    tally = Tally(**bounds)
    for place in range(10):
        tally.add(Share(1, None, "AAPL", "BUY", "FILLED", place, 100))
        tally.add(Share(2, None, "AAPL", "SELL", "FILLED", place, 10))
    return tally


def _begun(tally, far=30, **fields):
    found = Reach(Line.ORDERS, tally, None, is_timed=False, far=far).nearer(HouseOrderQuery(**fields))
    bits = PLACE_BITS[Line.ORDERS]
    spans = None if found.spans is None else [(span.first >> bits, span.last >> bits) for span in found.spans]
    return spans, found.offset


@pytest.mark.parametrize(
    ("fields", "spans", "offset"),
    [
        # what is asked for                          the stretches that hold it    rows to pass over in the first
        ({"offset": 10},                             None,                         10),  # Near enough.
        ({"offset": 250, "limit": 80},               [(7, 8)],                     30),
        ({"offset": 250, "limit": 81},               [(6, 8)],                     30),
        ({"account_id": 2, "offset": 35},            [(0, 7)],                     5),
        ({"side": Side.SELL, "offset": 99},          [(0, 1)],                     9),
        ({"side": Side.SELL, "offset": 100},         [],                           0),  # Beyond the last.
        ({"symbol": "BTCUSD"},                       [],                           0),  # Rare: there is none.
    ],
)  # fmt: skip
def test_a_page_is_begun_at_the_stretch_of_numbers_where_it_is(fields, spans, offset):
    assert _begun(_tally(), **fields) == (spans, offset)


def test_rows_that_are_rare_are_looked_for_where_they_are():
    tally = _tally()
    for place in (2, 6, 7):
        tally.add(Share(3, None, "AAPL", "SELL", "FILLED", place, 1))
    tally.add(Share(3, None, "AAPL", "SELL", "DENIED", 4, 1))
    tally.add(Share(3, None, "AAPL", "SELL", "DENIED", 4, -1))
    assert _begun(tally, account_id=3) == ([(6, 8), (2, 3)], 0)
    assert _begun(tally, account_id=3, offset=1, limit=1) == ([(6, 7)], 0)


def test_so_many_stretches_are_looked_at_one_by_one_and_all_beyond_at_once():
    tally = Tally()
    for place in range(3 * SPANS_MAX):
        tally.add(Share(1 + place % 2, None, "AAPL", "BUY", "FILLED", place, 1))
    spans, _ = _begun(tally, far=0, account_id=1, limit=1_000)
    assert spans is not None and len(spans) == SPANS_MAX
    assert spans[0] == (3 * SPANS_MAX - 2, 3 * SPANS_MAX - 1) and spans[-1][0] == 0


def test_beyond_a_bound_of_stretches_owners_are_not_told_apart_any_more_and_then_nobody():
    tally = _tally(places_max=40)
    assert _begun(tally, account_id=2, offset=35)[0] == [(0, 7)]
    tally.add(Share(3, None, "AAPL", "SELL", "FILLED", 1, 10))
    assert _begun(tally, account_id=2, offset=35) == (None, 35)
    assert tally.count(Which(account_id=2)) == 100
    assert _begun(tally, offset=250, limit=80)[0] == [(7, 8)]
    for place in range(30):
        tally.add(Share(3, None, "BTCUSD", "SELL", "FILLED", place, 10))
    assert _begun(tally, offset=250, limit=80) == (None, 250)
    assert tally.count(Which(symbol="BTCUSD")) == 300


def test_beyond_a_bound_of_keys_only_the_house_is_counted():
    tally = Tally(keys_max=3)
    shares = [Share(login, None, "AAPL", "BUY", "FILLED", 0, 2) for login in range(3)]
    for share in shares:
        tally.add(share)
    assert tally.count(Which(account_id=1)) == 2
    tally.add(Share(3, KEYGEN, "AAPL", "BUY", "FILLED", 0, 5))
    assert tally.count(Which(account_id=1)) is None
    assert tally.count(Which(strategy_ids=(KEYGEN,))) is None
    assert tally.count(Which()) == 11
