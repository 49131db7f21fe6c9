"""How much fills: displayed sizes, depth, icebergs, hidden orders, two-part fills."""

from decimal import Decimal

import pytest

from tests.venue.floor import BUY, FOK, IOC, LIMIT, MARKET, SELL, STOP, SYMBOL, TradingFloor, an_instrument, wish
from tradehall.engine.commands import AmendOrder, CancelOrder

# Placed at 100.00/100.02 with 5 units on each side; then quotes; then its fills and why it ended, if it did.
TABLE = [
    # what                                          the order                                              quotes after it                          fills                        its end
    ("what is there fills, the rest waits",         wish(),                                                [],                                      ["5@100.02"],                None),
    ("a market order goes on with the next quote",  wish(),                                                ["100.10 100.12 4", "100.20 100.22 4"],  ["5@100.02", "4@100.12", "1@100.22"], None),
    ("a limit goes on at the touch while it crosses", wish(type=LIMIT, limit_price="100.05"),              ["99.99 100.01 3"],                      ["5@100.02", "3@100.01"],    None),
    ("and rests, a maker, when the touch leaves",   wish(type=LIMIT, limit_price="100.05"),                ["100.10 100.12 5", "99.00 99.02 9"],    ["5@100.02", "5@100.05*"],   None),
    ("IOC takes what is there",                     wish(time_in_force=IOC),                               ["100.00 100.02 9"],                     ["5@100.02"],                "not enough on offer to fill at once"),
    ("FOK all or nothing",                          wish(time_in_force=FOK),                               [],                                      [],                          "not enough on offer to fill at once"),
    ("FOK with enough",                             wish(quantity="5", time_in_force=FOK),                 [],                                      ["5@100.02"],                None),
    ("a stop fills as far as the quote goes",       wish(side=SELL, type=STOP, stop_price="99"),           ["98.00 98.02 4", "97.00 97.02 9"],      ["4@98", "6@97"],            None),
    ("a resting limit has the size that crosses",   wish(type=LIMIT, limit_price="99"),                    ["98.00 98.02 4", "98.50 98.52 9"],      ["4@99*", "6@99*"],          None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "order", "quotes", "fills", "end"), TABLE, ids=[row[0] for row in TABLE])
def test_only_what_is_displayed_fills(what, order, quotes, fills, end):
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    order_id = floor.place(**order)
    for quote in quotes:
        floor.quote(*quote.split())
    assert floor.fills() == fills
    assert floor.cancel_reason(order_id) == end


def test_what_one_order_took_is_not_there_for_the_next():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    floor.place(quantity="4")
    floor.place(quantity="4", time_in_force=IOC)
    assert floor.fills() == ["4@100.02", "1@100.02"]


def test_a_quote_told_twice_refills_nothing():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    floor.place(quantity="4")
    floor.loop.on_quote(floor.quotes[SYMBOL], floor.now + 1)
    floor.place(quantity="4", time_in_force=IOC)
    assert floor.fills() == ["4@100.02", "1@100.02"]


def test_a_size_that_is_not_told_has_no_end():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02")
    floor.place(quantity="1000")
    assert floor.fills() == ["1000@100.02"]


def test_depth_is_walked_level_by_level():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    first = floor.place(type=LIMIT, limit_price="90")  # A book exists from its first order on.
    floor.depth("100.00x5 99.90x7", "100.02x5 100.05x3 100.10x4")
    floor.place(quantity="20", type=LIMIT, limit_price="100.07")
    assert floor.fills() == ["5@100.02", "3@100.05"]
    floor.place(quantity="6")
    assert floor.fills()[2:] == ["4@100.1"]
    assert floor.fills(first) == []


def test_old_depth_is_not_walked():
    floor = TradingFloor(liquidity="displayed", max_quote_age_ns=1_000_000)
    floor.quote("100.00", "100.02", "5")
    floor.place(type=LIMIT, limit_price="90")
    floor.depth("100.00x5", "100.02x5 100.05x3")
    floor.quote("100.00", "100.02", "5", after_ns=2_000_000)
    floor.place(quantity="20")
    assert floor.fills() == ["5@100.02"]


def test_sizes_off_the_quantity_step_are_rounded_down():
    floor = TradingFloor(liquidity="displayed", instrument=an_instrument(quantity_step=Decimal(1)))
    floor.quote("100.00", "100.02", "5.7")
    floor.place(quantity="10")
    assert floor.fills() == ["5@100.02"]


def test_fok_counts_whole_steps_only():
    floor = TradingFloor(liquidity="displayed", instrument=an_instrument(quantity_step=Decimal(1)))
    floor.quote("100.00", "100.02", "5.7")
    floor.place(type=LIMIT, limit_price="90")
    floor.depth("100.00x5", "100.02x5.7 100.03x5.7")
    floor.place(quantity="11", time_in_force=FOK)
    assert floor.fills() == []
    floor.place(quantity="10", time_in_force=FOK)
    assert floor.fills() == ["5@100.02", "5@100.03"]


def test_those_who_wait_share_a_quote_in_the_order_they_came():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "1")
    orders = [floor.place(quantity="10") for _ in range(4)]
    resting = floor.place(type=LIMIT, limit_price="100.02", quantity="10")
    floor.quote("100.10", "100.12", "25")
    assert floor.filled_orders() == [orders[0], orders[0], orders[1], orders[2]]
    floor.quote("100.00", "100.02", "25")
    assert floor.filled_orders()[4:] == [orders[2], orders[3], resting]


def test_better_prices_first_then_who_came_first_then_the_hidden():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    hidden = floor.place(type=LIMIT, limit_price="99", hidden=True)
    first = floor.place(type=LIMIT, limit_price="99")
    second = floor.place(type=LIMIT, limit_price="99")
    better = floor.place(type=LIMIT, limit_price="99.5")
    floor.quote("98.00", "98.02", "100")
    assert floor.filled_orders() == [better, first, second, hidden]


@pytest.mark.parametrize(("what", "change", "is_first"), [
    ("a smaller quantity keeps its place",   {"quantity": Decimal(5)},              True),
    ("a larger one goes to the back",        {"quantity": Decimal(15)},             False),
    ("another price and back is a new place", {"limit_price": Decimal("98")},       False),
])  # fmt: skip
def test_priority_is_lost_as_the_amendment_says(what, change, is_first):
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    first = floor.place(type=LIMIT, limit_price="99")
    second = floor.place(type=LIMIT, limit_price="99")
    floor.submit(AmendOrder(1, first, **change))
    if "limit_price" in change:
        floor.submit(AmendOrder(1, first, limit_price=Decimal("99")))
    floor.quote("98.00", "98.02", "100")
    assert (floor.filled_orders()[0] == first) is is_first
    assert set(floor.filled_orders()) == {first, second}


def test_an_iceberg_refills_behind_the_others_at_its_price():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    iceberg = floor.place(type=LIMIT, limit_price="99", quantity="10", display_quantity="4")
    other = floor.place(type=LIMIT, limit_price="99", quantity="5")
    floor.quote("98.00", "98.02", "100")
    assert [(fill.order_id, int(fill.quantity)) for fill in floor.fill_events] == [
        (iceberg, 4), (other, 5), (iceberg, 4), (iceberg, 2),
    ]  # fmt: skip


def test_an_iceberg_slice_lasts_over_several_quotes():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    iceberg = floor.place(type=LIMIT, limit_price="99", quantity="10", display_quantity="4")
    other = floor.place(type=LIMIT, limit_price="99", quantity="5")
    floor.quote("98.00", "98.02", "3")
    floor.quote("98.01", "98.03", "3")
    assert [(fill.order_id, int(fill.quantity)) for fill in floor.fill_events] == [
        (iceberg, 3),
        (iceberg, 1),
        (other, 2),
    ]


def test_a_tiny_display_quantity_makes_a_bounded_number_of_fills():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "5")
    iceberg = floor.place(type=LIMIT, limit_price="99", quantity="6400", display_quantity="0.001")
    floor.quote("98.00", "98.02", "100000")
    assert floor.order(iceberg).filled_quantity == 6400
    assert len(floor.fills()) == 64


def test_a_share_fills_first_and_the_rest_half_a_second_later():
    floor = TradingFloor(partial_fill_ratio=Decimal("0.3"))
    floor.quote("100.00", "100.02")
    order_id = floor.place()
    assert floor.fills() == ["3@100.02"]
    due = floor.loop.next_deadline()
    assert due == floor.now + 500_000_000
    floor.quote("101.00", "101.02", after_ns=1000)
    assert floor.fills() == ["3@100.02"]
    floor.wait(500_000_000)
    assert floor.fills() == ["3@100.02", "7@101.02"]
    assert not floor.order(order_id).is_working


def test_a_cancel_between_the_two_parts_holds():
    floor = TradingFloor(partial_fill_ratio=Decimal("0.3"))
    floor.quote("100.00", "100.02")
    order_id = floor.place()
    floor.submit(CancelOrder(1, order_id))
    floor.wait(600_000_000)
    assert floor.fills() == ["3@100.02"]
    assert floor.loop.next_deadline() != floor.now


def test_two_part_fills_leave_immediate_orders_alone():
    floor = TradingFloor(partial_fill_ratio=Decimal("0.3"))
    floor.quote("100.00", "100.02")
    floor.place(time_in_force=FOK)
    floor.place(time_in_force=IOC)
    assert floor.fills() == ["10@100.02", "10@100.02"]


@pytest.mark.parametrize(("what", "side", "order", "settings", "price"), [
    ("ticks, buying",                BUY,  wish(type=MARKET),                        {"slippage_ticks": 2},            "100.04"),
    ("ticks, selling",               SELL, wish(type=MARKET),                        {"slippage_ticks": 2},            "99.98"),
    ("basis points, to the tick",    BUY,  wish(type=MARKET),                        {"slippage_bps": Decimal("1.5")}, "100.04"),
    ("both",                         SELL, wish(type=MARKET),                        {"slippage_ticks": 1, "slippage_bps": Decimal(1)}, "99.98"),
    ("never on a limit",             BUY,  wish(type=LIMIT, limit_price="100.05"),   {"slippage_ticks": 2},            "100.02"),
    ("on a stop",                    BUY,  wish(type=STOP, stop_price="100.01"),     {"slippage_ticks": 2},            "100.04"),
])  # fmt: skip
def test_slippage_is_against_the_trader(what, side, order, settings, price):
    floor = TradingFloor(**settings)
    floor.quote("100.00", "100.02")
    floor.place(side, **order)
    assert floor.fills() == [f"10@{price}"]
