"""Counts of the house, on every store: they are what the store would count, whatever was decided when."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run, unknown_is_a_failure
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.house_counts import HouseCounts, Places, Tally
from tradehall.app.recovery import rebuild_views
from tradehall.domain.order import Side
from tradehall.engine.commands import AmendOrder, CancelOrder, PlaceOrder, RegisterStrategy
from tradehall.ports.house_views import PLACE_BITS, ClosedQuery, HouseFillQuery, HouseOrderQuery, OrderEnd, Share

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


async def _assert_the_store_counts_the_same(desk, counts):
    await desk.settled()
    views = desk.views
    assert counts.orders(HouseOrderQuery()), "there are some"
    for whose in WHOSE:
        closed = ClosedQuery(**{name: value for name, value in whose.items() if name != "strategy_ids"})
        assert counts.closed(closed) == (await views.closed_positions(closed))[1], closed
        for side in SIDES:
            fills = HouseFillQuery(**whose, **side)
            assert counts.fills(fills) == (await views.house_fills(fills))[1], fills
            for ends in ENDS:
                orders = HouseOrderQuery(**whose, **side, ends=ends)
                assert counts.orders(orders) == await views.house_order_count(orders), orders


def test_what_was_there_and_what_comes_before_while_and_after_the_store_counts_is_counted_once(store):
    async def story():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk, accounts=2)
        await _some_orders(desk)
        counts = HouseCounts(desk)
        assert counts.orders(HouseOrderQuery()) is None, "nobody has counted yet"
        await _some_orders(desk)
        await asyncio.gather(counts.run(), _some_orders(desk))
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
        counts = HouseCounts(desk)
        if is_counted_before:
            await counts.run()
        await desk.submit(AmendOrder(ACCOUNT, placed.order.order_id, stop_loss=Decimal(41_000)))
        if not is_counted_before:
            await counts.run()
        moved = desk.views.order(placed.order.order_id)
        assert moved is not None and moved.terms.stop_loss == Decimal(41_000), "its row came again"
        assert counts.orders(HouseOrderQuery(ends=frozenset({OrderEnd.FILLED}))) == 1
        await desk.stop()

    run(story())


def test_a_page_begun_in_the_midst_is_the_same_page(store):
    async def story():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk, accounts=2)
        await _some_orders(desk)
        counts = HouseCounts(desk, far=0)
        await counts.run()
        await _some_orders(desk)
        await desk.settled()
        for whose in WHOSE:
            for ends in ENDS:
                for offset in range(0, 20, 3):
                    query = HouseOrderQuery(**whose, ends=ends, limit=4, offset=offset)
                    nearer = counts.nearer(query)
                    assert nearer.below is not None
                    page = await desk.views.house_order_ids(query)
                    assert await desk.views.house_order_ids(nearer) == page, query
        await desk.stop()

    run(story())


def test_the_start_of_a_far_page_is_found_by_stretches_of_numbers():
    places = Places(keys_max=20)
    for place in range(10):
        places.add(Share(1, None, "AAPL", "BUY", "FILLED", place, 100))
        places.add(Share(2, None, "AAPL", "SELL", "FILLED", place, 10))
    assert places.start_of(HouseOrderQuery(offset=250)) == (8 << PLACE_BITS, 30)
    assert places.start_of(HouseOrderQuery(account_id=2, offset=35)) == (7 << PLACE_BITS, 5)
    assert places.start_of(HouseOrderQuery(side=Side.SELL, offset=100)) == (0, 0)
    places.add(Share(3, None, "AAPL", "SELL", "FILLED", 1, 10))
    assert places.start_of(HouseOrderQuery(offset=250)) is None


def test_times_are_left_to_the_store(store):
    async def story():
        desk = a_desk(store)
        await desk.start()
        counts = HouseCounts(desk)
        await counts.run()
        assert counts.orders(HouseOrderQuery(since=1)) is None
        assert counts.fills(HouseFillQuery(until=1)) is None
        await desk.stop()

    run(story())


def test_beyond_a_bound_of_keys_only_the_house_is_counted():
    tally = Tally(keys_max=3)
    shares = [Share(login, None, "AAPL", "BUY", "FILLED", 0, 2) for login in range(3)]
    for share in shares:
        tally.add(share)
    whole = {"symbol": None, "strategy_ids": None}
    assert tally.count(account_id=1, **whole) == 2
    tally.add(Share(3, KEYGEN, "AAPL", "BUY", "FILLED", 0, 5))
    assert tally.count(account_id=1, **whole) is None
    assert tally.count(account_id=None, symbol=None, strategy_ids=(KEYGEN,)) is None
    assert tally.count(account_id=None, **whole) == 11
