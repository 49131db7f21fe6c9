"""Sums over fills, on every store: they are those of the fills themselves, however the past was cut into spans."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from tests.app.shard import run, unknown_is_a_failure
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.fill_sums import FillSums
from tradehall.app.recovery import rebuild_views
from tradehall.domain.fill import Fill
from tradehall.domain.order import Side
from tradehall.ports.house_views import HouseFillQuery
from tradehall.ports.views import ViewRows

COUNT = 100
KEYGENS = ("5f6e1c0a-0000-4c55-b7c4-000000000001", "5f6e1c0a-0000-4c55-b7c4-000000000002")
WHOSE: list[dict[str, Any]] = [
    {},
    {"account_id": 2},
    {"strategy_ids": KEYGENS[:1]},
    {"symbol": "AAPL"},
    {"side": Side.SELL},
]
TIMES = [(None, None), (305, None), (None, 700), (305, 705), (410, 420), (2_000, None), (None, 0), (0, 9_999)]
BOUNDS = [
    {},
    {"span_fills": 7},
    {"span_fills": 1},
    {"span_fills": 1, "sums_max": 60},
    {"span_fills": 1, "sums_max": 10},
    {"keys_max": 2},
]


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    store = SqliteStore(tmp_path, unknown_is_a_failure) if request.param == "sqlite" else MemoryStore()
    rebuild_views(store.journal, store.view_store)
    yield store
    store.close()


def _fill(number):
    # Two fills to an order; a venue's instants may run back a little.
    return Fill(
        number, number // 2, number % 3, ("AAPL", "BTCUSD")[number % 2], list(Side)[number // 5 % 2], Decimal(number),
        Decimal(2), number * 10 - number % 4 * 7, realized_pnl=Decimal(number % 5 - 2), commission=Decimal(1),
        strategy_id=(None, *KEYGENS)[number % 3],
    )  # fmt: skip


def _append(store, numbers):
    rows = ViewRows()
    for number in numbers:
        rows.fills.append((_fill(number), number % 2 == 0))
    store.journal.append([b"1"], rows)
    store.views.refresh()


def _meant(query):
    return [
        fill
        for fill in map(_fill, range(1, COUNT + 1))
        if query.account_id in {None, fill.account_id}
        and (query.strategy_ids is None or fill.strategy_id in query.strategy_ids)
        and query.symbol in {None, fill.symbol}
        and query.side in {None, fill.side}
        and (query.since is None or fill.at >= query.since)
        and (query.until is None or fill.at < query.until)
    ]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_sums_are_those_of_the_fills(store, bounds):
    async def story():
        sums = FillSums(store.views, **bounds)
        _append(store, range(1, 61))
        await sums.run()
        _append(store, range(61, COUNT + 1))
        for whose, (since, until) in product(WHOSE, TIMES):
            query = HouseFillQuery(**whose, since=since, until=until)
            found, meant = await sums.of(query), _meant(query)
            told = [each for _, _, each in found]
            assert sum(each.fill_count for each in told) == len(meant), query
            assert sum(each.order_count for each in told) == sum(fill.fill_id % 2 == 0 for fill in meant), query
            assert sum(each.volume for each in told) == sum(fill.quantity * fill.price for fill in meant), query
            assert sum(each.realized_pnl for each in told) == sum(fill.realized_pnl for fill in meant), query
            assert {(symbol, side) for symbol, side, _ in found} == {(fill.symbol, fill.side) for fill in meant}, query
            assert min((each.first_at for each in told), default=0) == min((fill.at for fill in meant), default=0)
            assert max((each.last_at for each in told), default=0) == max((fill.at for fill in meant), default=0)

    run(story())
