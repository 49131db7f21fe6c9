"""Small things that nouns know about themselves: bars, quotes, ids, status, instruments, positions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_quote, an_instrument, an_order
from tradehall.domain.account import margin_level
from tradehall.domain.ids import FIRST_FILL_ID, FIRST_ORDER_ID, first_id
from tradehall.domain.market import TIMEFRAME_NS, Quote, Timeframe, bar_start, is_sane
from tradehall.domain.order import STATUS_TRANSITIONS, WORKING, Order, OrderStatus, Side, signed
from tradehall.domain.position import Position, PositionSide, cost_share, floating_pnl, side_opened_by
from tradehall.domain.time import from_rfc3339, to_rfc3339


@pytest.mark.parametrize(("timeframe", "at", "start"), [
    ("1m",  "2025-01-15T10:37:42.5Z", "2025-01-15T10:37:00Z"),
    ("2m",  "2025-01-15T10:37:42.5Z", "2025-01-15T10:36:00Z"),
    ("5m",  "2025-01-15T10:37:42.5Z", "2025-01-15T10:35:00Z"),
    ("10m", "2025-01-15T10:37:42.5Z", "2025-01-15T10:30:00Z"),
    ("15m", "2025-01-15T10:37:42.5Z", "2025-01-15T10:30:00Z"),
    ("30m", "2025-01-15T10:37:42.5Z", "2025-01-15T10:30:00Z"),
    ("1h",  "2025-01-15T10:37:42.5Z", "2025-01-15T10:00:00Z"),
    ("2h",  "2025-01-15T11:37:42.5Z", "2025-01-15T10:00:00Z"),
    ("4h",  "2025-01-15T11:37:42.5Z", "2025-01-15T08:00:00Z"),
    ("12h", "2025-01-15T13:37:42.5Z", "2025-01-15T12:00:00Z"),
    ("1d",  "2025-01-15T13:37:42.5Z", "2025-01-15T00:00:00Z"),
    ("1w",  "2025-01-15T13:37:42.5Z", "2025-01-13T00:00:00Z"),
    ("1w",  "2025-01-19T23:59:59Z",   "2025-01-13T00:00:00Z"),
    ("1w",  "2025-01-20T00:00:00Z",   "2025-01-20T00:00:00Z"),
])  # fmt: skip
def test_bars_start_on_their_grid_and_weeks_on_monday(timeframe, at, start):
    assert to_rfc3339(bar_start(from_rfc3339(at), Timeframe(timeframe))) == start


@given(st.integers(0, 4 * 10**18), st.sampled_from(Timeframe))
def test_an_instant_lies_in_exactly_one_bar(at, timeframe):
    start = bar_start(at, timeframe)
    assert start <= at < start + TIMEFRAME_NS[timeframe]
    assert bar_start(start, timeframe) == start
    assert bar_start(start - 1, timeframe) == start - TIMEFRAME_NS[timeframe]


@pytest.mark.parametrize(("what", "bid", "ask", "size", "sane"), [
    ("usual",          "1.1000", "1.1001", None, True),
    ("no size left",   "1.1000", "1.1001", "0",  True),
    ("locked",         "1.1000", "1.1000", None, False),
    ("crossed",        "1.1001", "1.1000", None, False),
    ("nothing bid",    "0",      "1.1000", None, False),
    ("negative",       "-1",     "1.1000", None, False),
    ("negative size",  "1.1000", "1.1001", "-1", False),
])  # fmt: skip
def test_a_quote_is_sane_when_positive_and_not_crossed(what, bid, ask, size, sane):
    quote = Quote("EURUSD", Decimal(bid), Decimal(ask), 0, 0, bid_size=None if size is None else Decimal(size))
    assert is_sane(quote) is sane


def test_the_mid_is_not_rounded():
    assert a_quote("EURUSD", "1.10000", "1.10001").mid == Decimal("1.100005")


def test_shards_never_share_a_number():
    assert first_id(FIRST_ORDER_ID, 0) == 7_300_001
    assert first_id(FIRST_FILL_ID, 0) == 900_001
    assert first_id(FIRST_ORDER_ID, 2) - first_id(FIRST_ORDER_ID, 1) == 1 << 48
    assert first_id(FIRST_ORDER_ID, 32_767) < 1 << 63
    with pytest.raises(AssertionError, match="shard was 32768"):
        first_id(FIRST_ORDER_ID, 32_768)


def test_an_ended_order_never_works_again():
    for status in OrderStatus:
        if status not in WORKING:
            assert not STATUS_TRANSITIONS[status] & WORKING, status


def test_what_is_final_stays_final_but_a_fill_that_was_under_way_is_a_fact():
    assert STATUS_TRANSITIONS[OrderStatus.FILLED] == STATUS_TRANSITIONS[OrderStatus.REJECTED] == frozenset()
    assert OrderStatus.FILLED in STATUS_TRANSITIONS[OrderStatus.CANCELLED] & STATUS_TRANSITIONS[OrderStatus.EXPIRED]


def test_the_average_fill_price_is_weighted_and_none_before_the_first():
    order = Order(1, an_order(quantity="3"), OrderStatus.OPEN, 0, 0)
    assert order.average_fill_price is None
    order.filled_quantity, order.filled_value = Decimal(3), Decimal("1.1") + 2 * Decimal("1.4")
    assert order.average_fill_price == Decimal("1.3")
    assert order.remaining_quantity == 0


def test_sides():
    assert Side.BUY.opposite is Side.SELL and Side.SELL.opposite is Side.BUY
    assert signed(Side.BUY, Decimal(2)) == 2 and signed(Side.SELL, Decimal(2)) == -2
    assert side_opened_by(Side.BUY) is PositionSide.LONG
    assert [PositionSide.SHORT.entry_side, PositionSide.SHORT.exit_side] == [Side.SELL, Side.BUY]


@pytest.mark.parametrize(
    ("tick", "digits"), [("0.00001", 5), ("0.01", 2), ("0.25", 2), ("0.10", 1), ("1", 0), ("10", 0)]
)
def test_an_instrument_knows_the_decimals_of_its_prices(tick, digits):
    assert an_instrument(tick_size=tick).digits == digits


def a_position(quantity: str, cost: str) -> Position:
    return Position(1, 7, "EURUSD", PositionSide.LONG, Decimal(quantity), Decimal(cost), Decimal(0), 0, 0)


@pytest.mark.parametrize(("side", "pnl"), [(PositionSide.LONG, "-1.0"), (PositionSide.SHORT, "0.5")])
def test_longs_are_valued_at_the_bid_and_shorts_at_the_ask(side, pnl):
    found = floating_pnl(side=side, quantity=Decimal(5), cost=Decimal(10), bid=Decimal("1.8"), ask=Decimal("1.9"))
    assert found == Decimal(pnl)


@given(st.decimals("0.01", "1000000", places=2), st.decimals("0.01", "1000000", places=5),
       st.lists(st.decimals("0.01", "0.99", places=2), max_size=6))  # fmt: skip
def test_parts_of_a_position_cost_together_what_it_cost(quantity, cost, shares):
    position, parts = a_position(str(quantity), str(cost)), []
    for share in shares:
        part = position.quantity * share
        parts.append(cost_share(position, part))
        position = a_position(str(position.quantity - part), str(position.cost - parts[-1]))
    parts.append(cost_share(position, position.quantity))
    assert sum(parts, Decimal(0)).quantize(Decimal("1E-40")) == cost.quantize(Decimal("1E-40"))


@pytest.mark.parametrize("part", ["0", "-1", "3"])
def test_more_than_is_open_has_no_cost(part):
    with pytest.raises(AssertionError, match="open are 2"):
        cost_share(a_position("2", "1"), Decimal(part))


def test_the_margin_level_is_in_percent_and_none_where_nothing_is_used():
    assert margin_level(Decimal(50), Decimal(200)) == 25
    assert margin_level(Decimal(50), Decimal(0)) is None
