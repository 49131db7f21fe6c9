"""Views of the whole house, on every store: what operators look for is found, counted, and comes newest first."""

import itertools
from decimal import Decimal

import pytest

from tests.app.shard import run
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.house_views import HouseViews
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import rebuild_views
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order, OrderStatus, OrderTerms, OrderType, Side
from tradehall.domain.position import PositionSide
from tradehall.domain.rejection import RejectCode
from tradehall.ports.house_views import (
    ClosedQuery,
    Closing,
    HouseFillQuery,
    HouseOrderQuery,
    OrderEnd,
    end_of,
)
from tradehall.ports.views import ViewRows

COUNT = 60
ACCOUNTS = (700_100, 700_200, 700_300)
SYMBOLS = ("BTCUSD", "AAPL")
STRATEGIES = ("5f6e1c0a-0000-4c55-b7c4-000000000001", "5f6e1c0a-0000-4c55-b7c4-000000000002")


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    def fail(error):
        raise AssertionError(error)

    store = SqliteStore(tmp_path, fail) if request.param == "sqlite" else MemoryStore()
    rebuild_views(store.journal, store.view_store)
    store.journal.append([b"1"], _rows())
    yield store
    store.close()


def _order(number: int) -> Order:
    """Order `number`: all of it follows from the number; later orders may end earlier, some share an instant."""
    status = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)[number % 4]
    code = RejectCode.VENUE_REJECTED if number % 8 == 2 else RejectCode.MARGIN_INSUFFICIENT
    terms = OrderTerms(
        ACCOUNTS[number % 3], SYMBOLS[number % 2], _side(number), OrderType.MARKET, Decimal(number),
        strategy_id=_strategy(number),
    )  # fmt: skip
    reject_code = code.value if status is OrderStatus.REJECTED else None
    return Order(number, terms, status, number // 2 * 10, 10_000 - number, reject_code=reject_code)


def _side(number: int) -> Side:
    return Side.BUY if number % 5 else Side.SELL


def _strategy(number: int) -> str | None:
    return STRATEGIES[number % 2] if number % 3 == 0 else None


def _fill(number: int) -> Fill:
    return Fill(
        number, number // 2, ACCOUNTS[number % 3], SYMBOLS[number % 2], _side(number), Decimal(1), Decimal(2), number * 10,
        strategy_id=_strategy(number),
    )  # fmt: skip


def _closing(number: int) -> Closing:
    """Three closings to a position."""
    position = number // 3
    return Closing(
        position_id=position, account_id=ACCOUNTS[position % 3], symbol=SYMBOLS[position % 2], side=PositionSide.LONG,
        quantity=Decimal(number), entry_price=Decimal(1), exit_price=Decimal(2), currency="USD", opened_at=position,
        closed_at=number * 10, order_id=number, strategy_id=_strategy(position),
    )  # fmt: skip


def _rows() -> ViewRows:
    rows = ViewRows()
    for number in range(1, COUNT + 1):
        rows.orders.append(_order(number))
        rows.fills.append((_fill(number), bool(number % 2)))
        rows.closings.append((number, _closing(number), number % 3 == 2))
    return rows


ORDERS = [_order(number) for number in range(COUNT, 0, -1)]
WISHES = [
    {},
    {"account_id": ACCOUNTS[1]},
    {"strategy_ids": STRATEGIES[:1]},
    {"strategy_ids": STRATEGIES},
    {"strategy_ids": ()},
    {"symbol": "AAPL"},
    {"side": Side.SELL},
    {"account_id": ACCOUNTS[0], "symbol": "BTCUSD", "side": Side.BUY},
    {"strategy_ids": STRATEGIES, "symbol": "AAPL", "account_id": ACCOUNTS[0]},
    {"symbol": "AAPL", "side": Side.SELL},
]
ENDS = [
    None,
    *(frozenset({end}) for end in OrderEnd),
    frozenset({OrderEnd.DENIED, OrderEnd.REJECTED}),
    frozenset({OrderEnd.FILLED, OrderEnd.DENIED}),
]
SPANS = [(None, None), (100, None), (None, 200), (101, 201), (5_000, None), (None, 0)]


def _matches(noun: Order | Fill, at: int, wish: dict) -> bool:
    terms = noun.terms if isinstance(noun, Order) else noun
    return (
        wish.get("account_id") in {None, terms.account_id}
        and ("strategy_ids" not in wish or terms.strategy_id in wish["strategy_ids"])
        and wish.get("symbol") in {None, terms.symbol}
        and wish.get("side") in {None, terms.side}
        and (wish.get("since") is None or at >= wish["since"])
        and (wish.get("until") is None or at < wish["until"])
    )


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("wish", WISHES)
def test_ended_orders_of_all_accounts_come_highest_number_first_and_are_counted(store, wish, span):
    async def told():
        for ends in ENDS:
            fields = wish | {"since": span[0], "until": span[1]}
            expected = [
                order.order_id
                for order in ORDERS
                if _matches(order, order.created_at, fields) and (ends is None or end_of(order) in ends)
            ]
            for offset in (0, 3):
                query = HouseOrderQuery(**fields, ends=ends, limit=5, offset=offset)
                found = await store.views.house_order_ids(query)
                assert found == expected[offset : offset + 5], (ends, offset)
                assert await store.views.house_order_count(query) == len(expected), (ends, offset)

    run(told())


@pytest.mark.parametrize(("wish", "span"), list(itertools.product(WISHES, SPANS)))
def test_fills_of_all_accounts_come_newest_first_and_are_counted(store, wish, span):
    async def told():
        fields = wish | {"since": span[0], "until": span[1]}
        fills = [_fill(number) for number in range(COUNT, 0, -1)]
        expected = [fill for fill in fills if _matches(fill, fill.at, fields)]
        for offset in (0, 3):
            page, count = await store.views.house_fills(HouseFillQuery(**fields, limit=5, offset=offset))
            assert page == expected[offset : offset + 5]
            assert count == len(expected)

    run(told())


@pytest.mark.parametrize("gone", [(), (7, 8, 9, 31), tuple(range(40, 61))])
def test_a_page_that_is_far_out_is_the_same_however_it_is_found(tmp_path, gone):
    def fail(error):
        raise AssertionError(error)

    store = SqliteStore(tmp_path, fail)
    rebuild_views(store.journal, store.view_store)
    rows = _rows()
    rows.orders = [order for order in rows.orders if order.order_id not in gone]
    store.journal.append([b"1"], rows)
    far = HouseViews(store.views._in_pool, far=3)

    async def told():
        for wish in ({}, {"side": Side.SELL}, {"symbol": "AAPL"}, {"account_id": ACCOUNTS[0]}, {"since": 100}):
            whole = await store.views.house_order_ids(HouseOrderQuery(**wish, limit=100))
            for offset in range(len(whole) + 3):
                found = await far.order_ids(HouseOrderQuery(**wish, limit=5, offset=offset))
                assert found == whole[offset : offset + 5], (wish, offset)

    run(told())
    store.close()


def test_orders_are_read_by_their_numbers_in_the_order_asked_for(store):
    async def told():
        assert await store.views.orders_of([7, 999, 3]) == [_order(7), _order(3)]
        assert await store.views.orders_of([]) == []

    run(told())


def test_fills_are_read_on_from_any_of_them(store):
    async def told():
        found = await store.views.fills_after(57, limit=2)
        assert [(each.fill, each.is_first) for each in found] == [(_fill(58), False), (_fill(59), True)]
        assert await store.views.fills_after(COUNT, limit=2) == []

    run(told())


@pytest.mark.parametrize(
    ("wish", "claim"),
    [
        ({}, lambda position: True),
        ({"account_id": ACCOUNTS[1]}, lambda position: position % 3 == 1),
        ({"symbol": "AAPL"}, lambda position: position % 2 == 1),
        ({"strategy_id": STRATEGIES[0]}, lambda position: _strategy(position) == STRATEGIES[0]),
        ({"strategy_id": STRATEGIES[0], "symbol": "AAPL"}, lambda position: False),
    ],
)
def test_a_closed_position_is_all_its_closings_and_the_last_closed_comes_first(store, wish, claim):
    async def told():
        expected = [position for position in range(COUNT // 3 - 1, -1, -1) if claim(position)]
        found, count = await store.views.closed_positions(ClosedQuery(**wish, limit=4, offset=1))
        assert count == len(expected)
        assert [[each.order_id for each in closings] for closings in found] == [
            [number for number in range(position * 3, position * 3 + 3) if number] for position in expected[1:5]
        ]

    run(told())
