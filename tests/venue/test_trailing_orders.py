"""Trailing stops as orders: what is told about their peaks, and what an amendment or a delay does to them."""

from decimal import Decimal

from tests.venue.floor import ABSOLUTE, BUY, SELL, TRAILING, TradingFloor
from tradehall.domain.order import Side
from tradehall.engine.commands import AmendOrder, CancelOrder
from tradehall.engine.events import TrailingPeakMoved


def peaks(floor: TradingFloor, side: Side = SELL) -> list[str]:
    return [str(e.price) for e in floor.events if isinstance(e, TrailingPeakMoved) and e.side is side]


def test_a_peak_is_told_when_it_is_someones_and_only_then():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    floor.quote("105.00", "105.02")
    assert peaks(floor) == []
    floor.place(SELL, TRAILING, trailing_distance="3", trailing_type=ABSOLUTE)
    floor.quote("104.00", "104.02")
    floor.quote("106.00", "106.02")
    assert peaks(floor) == ["105.00", "106.00"]


def test_nobody_is_told_after_the_last_one_left():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    order_id = floor.place(SELL, TRAILING, trailing_distance="3", trailing_type=ABSOLUTE)
    floor.submit(CancelOrder(1, order_id))
    floor.quote("106.00", "106.02")
    assert peaks(floor) == ["100.00"]


def test_a_second_one_has_a_peak_of_its_own_and_the_state_knows_both():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    first = floor.place(SELL, TRAILING, trailing_distance="9", trailing_type=ABSOLUTE)
    floor.quote("95.00", "95.02")
    second = floor.place(SELL, TRAILING, trailing_distance="9", trailing_type=ABSOLUTE)
    floor.quote("97.00", "97.02")
    state = floor.state
    assert state.trailing_peak(floor.order(first)) == 100
    assert state.trailing_peak(floor.order(second)) == 97


def test_another_distance_keeps_the_peak():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    order_id = floor.place(SELL, TRAILING, trailing_distance="9", trailing_type=ABSOLUTE)
    floor.quote("110.00", "110.02")
    floor.quote("105.00", "105.02")
    floor.submit(AmendOrder(1, order_id, trailing_distance=Decimal(6)))
    floor.quote("104.01", "104.03")
    assert floor.fills() == []
    floor.quote("104.00", "104.02")
    assert floor.fills() == ["10@104"]


def test_a_distance_that_the_market_has_fallen_already_triggers_at_once():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    order_id = floor.place(SELL, TRAILING, trailing_distance="9", trailing_type=ABSOLUTE)
    floor.quote("95.00", "95.02")
    floor.submit(AmendOrder(1, order_id, trailing_distance=Decimal(4)))
    assert floor.fills() == ["10@95"]


def test_one_that_was_on_its_way_begins_with_the_best_of_what_is_known_and_what_is():
    floor = TradingFloor(latency_ns=10_000_000)
    floor.quote("100.00", "100.02")
    other = floor.place(SELL, TRAILING, trailing_distance="50", trailing_type=ABSOLUTE)
    floor.wait(20_000_000)
    late = floor.place(SELL, TRAILING, trailing_distance="50", trailing_type=ABSOLUTE)
    floor.quote("101.00", "101.02")
    floor.submit(CancelOrder(1, other))
    floor.quote("102.00", "102.02")
    floor.wait(20_000_000)
    assert floor.state.trailing_peak(floor.order(late)) == 102
    floor.quote("103.00", "103.02")
    floor.quote("102.50", "102.52")
    assert floor.state.trailing_peak(floor.order(late)) == 103


def test_a_buying_one_follows_down_and_is_told_by_its_own_side():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    order_id = floor.place(BUY, TRAILING, trailing_distance="2", trailing_type=ABSOLUTE)
    floor.quote("98.00", "98.02")
    assert (peaks(floor, BUY), peaks(floor, SELL)) == (["100.02", "98.02"], [])
    assert floor.state.trailing_peak(floor.order(order_id)) == Decimal("98.02")
