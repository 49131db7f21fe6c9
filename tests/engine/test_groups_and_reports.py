"""OCO groups, and what a venue may say: twice, late, too much, or about nothing."""

from decimal import Decimal

import pytest

from tests.builders import World, a_limit, a_stop, an_account, an_order
from tradehall.domain.fill import TrailMoved, VenueCancelled
from tradehall.domain.order import Order, OrderStatus, Side
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.replay import encode_snapshot


def a_group(world: World, **changes: str) -> tuple[Order, Order, Order]:
    """Two orders of one OCO group, and one that is not in it."""
    one = world.place(a_limit("BUY", "10", "1.09", oco_group_id="g", **changes))
    other = world.place(a_stop("BUY", "10", "1.12", oco_group_id="g"))
    return one, other, world.place(a_limit("BUY", "10", "1.08"))


def working(world: World, *orders: Order) -> list[bool]:
    return [world.order(order).is_working for order in orders]


def test_a_full_fill_cancels_the_rest_of_its_group_and_nobody_else():
    world = World()
    one, other, stranger = a_group(world)
    world.fill(one)
    assert working(world, other, stranger) == [False, True]
    assert world.told(ev.OrderCancelled)[0].reason == "the other order of OCO group g"


def test_a_partial_fill_and_a_cancel_by_hand_leave_the_group():
    world = World()
    one, other, _ = a_group(world)
    world.fill(one, "9")
    assert working(world, one, other) == [True, True]
    world.cancel(one)
    assert working(world, other) == [True]


def test_an_order_that_expires_leaves_its_group():
    world = World()
    one, other, _ = a_group(world, time_in_force="DAY")
    world.wait_until("2025-01-14T22:00:00Z")
    world.tick()
    assert world.order(one).status is OrderStatus.EXPIRED
    assert working(world, other) == [True]


def test_a_refusal_by_the_venue_cancels_the_group():
    world = World()
    one, other, _ = a_group(world)
    world.venue_rejects(one)
    assert (world.order(one).status, world.order(other).status) == (OrderStatus.REJECTED, OrderStatus.CANCELLED)


def test_a_refusal_by_our_rules_cancels_the_group():
    world = World()
    one, other, stranger = a_group(world)
    world.place(a_limit("BUY", "10000000", "1.09", oco_group_id="g"))
    assert world.kinds == ["OrderRejected", "OrderCancelled", "OrderCancelled"]
    assert working(world, one, other, stranger) == [False, False, True]


def test_groups_of_two_accounts_do_not_meet():
    world = World()
    one, other, _ = a_group(world)
    world.open(an_account(7))
    stranger = world.place(a_limit("BUY", "10", "1.09", account_id=7, oco_group_id="g"))
    world.fill(one)
    assert working(world, other, stranger) == [False, True]


def test_a_venue_that_fills_two_of_a_group_is_told_on():
    world = World()
    one, other, _ = a_group(world)
    world.fill(one)
    world.fill(other, at="1.12")
    assert world.told(ev.OcoDoubleExit) == [ev.OcoDoubleExit(700_100, "g", one.order_id, other.order_id)]
    assert world.position.quantity == 20, "what the venue did is a fact"


# Reports.


def unchanged(world: World) -> bytes:
    return encode_snapshot(world.state.snapshot())


@pytest.mark.parametrize("fate", ["filled", "partly", "cancelled"])
def test_a_fill_told_twice_counts_once(fate):
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09"))
    world.fill(order, "10" if fate == "filled" else "4", name="f-1")
    if fate == "cancelled":
        world.cancel(order)
    before = unchanged(world)
    world.fill(order, "4", at="1.09", name="f-1")
    assert world.events == ()
    assert unchanged(world) == before


@pytest.mark.parametrize("quantity", ["6.0000001", "10", "1000000"])
def test_a_fill_beyond_the_order_is_kept_for_the_operator_and_books_nothing(quantity):
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09"))
    world.fill(order, "4")
    world.fill(order, quantity)
    assert world.kinds == ["ReportUnmatched"]
    assert world.order(order).filled_quantity == 4
    assert world.position.quantity == 4


@pytest.mark.parametrize(("quantity", "price"), [("0", "1.1"), ("-1", "1.1"), ("1", "0"), ("1", "-1")])
def test_a_fill_of_nothing_or_at_nothing_is_no_fill(quantity, price):
    world = World()
    world.fill(world.place(a_limit("BUY", "10", "1.09")), quantity, at=price)
    assert world.kinds == ["ReportUnmatched"]


def test_a_fill_that_crossed_the_cancel_is_a_fact():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09", stop_loss="1.0"))
    world.cancel(order)
    world.fill(order, "4")
    assert (world.order(order).status, world.order(order).filled_quantity) == (OrderStatus.CANCELLED, 4)
    world.fill(order, "6")
    assert world.order(order).status is OrderStatus.FILLED
    assert world.position.quantity == 10
    assert [leg.remaining_quantity for leg in world.orders] == [4, 6], "what opened late is protected as well"
    assert world.account.margin_held == 0


def test_a_fill_of_a_refused_order_is_not_believed():
    world = World()
    order = world.place(a_limit("BUY", "10000000", "1.09"))
    world.fill(order, "1")
    assert world.kinds == ["ReportUnmatched"]


def test_a_report_about_an_order_nobody_knows_is_kept():
    world = World()
    world.do(cmd.ReportExecution(VenueCancelled(4711, "gone")))
    assert world.told(ev.ReportUnmatched)[0].order_id == 4711


def test_a_venue_that_refuses_the_rest_of_a_partly_filled_order_cancels_it():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09"))
    world.fill(order, "4")
    world.venue_rejects(order)
    assert (world.order(order).status, world.order(order).filled_quantity) == (OrderStatus.CANCELLED, 4)
    assert world.order(order).end_reason == "rejected by the venue, E1: not today"


def test_what_is_said_of_an_ended_order_changes_nothing():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09"))
    world.cancel(order)
    for say in (world.venue_accepts, world.venue_cancels, world.venue_rejects, world.trigger):
        assert say(order) == ()


def test_a_stop_triggers_once():
    world = World()
    order = world.place(a_stop("BUY", "10", "1.12"))
    world.trigger(order, "1.1201")
    assert world.told(ev.OrderTriggered)[0].price == Decimal("1.1201")
    assert world.order(order).is_triggered
    assert world.trigger(order) == ()


def test_the_venue_takes_the_rest_of_an_ioc_out_and_the_order_keeps_what_filled():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.2", time_in_force="IOC"))
    world.fill(order, "4")
    world.venue_cancels(order)
    ended = world.order(order)
    assert (ended.status, ended.filled_quantity, ended.end_reason) == (
        OrderStatus.CANCELLED,
        4,
        "nothing left at the price",
    )
    assert world.account.margin_held == 0


def test_a_fill_keeps_the_quote_it_was_made_on():
    world = World()
    order = world.place(an_order(symbol_asked="EUR/USD"))
    world.fill(order)
    (filled,) = world.told(ev.OrderFilled)
    assert filled.fill.symbol_asked == "EUR/USD"
    assert (filled.fill.fill_id, filled.fill.price) == (900_001, Decimal("1.10010"))


# Trailing: the peak is the best price since an order came.


def a_trail(world: World, side: str = "SELL") -> Order:
    return world.place(an_order(type="TRAILING_STOP", side=side, trailing_distance="0.01", trailing_type="ABSOLUTE"))


def moved(world: World, price: str, side: Side = Side.SELL) -> None:
    world.do(cmd.ReportExecution(TrailMoved("EURUSD", side, Decimal(price))))


def peaks(world: World, *orders: Order) -> list[str]:
    return [str(world.state.trailing_peak(world.order(order))) for order in orders]


@pytest.mark.parametrize(("side", "prices", "seen"), [
    #               first order's, then the second's      peaks of both
    (Side.SELL, ("1.10", "1.12", "1.11"),                 ["1.12", "1.11"]),
    (Side.SELL, ("1.10", "1.12", "1.13"),                 ["1.13", "1.13"]),
    (Side.BUY,  ("1.10", "1.08", "1.09"),                 ["1.08", "1.09"]),
    (Side.BUY,  ("1.10", "1.08", "1.07"),                 ["1.07", "1.07"]),
])  # fmt: skip
def test_a_trailing_stop_follows_the_best_price_since_it_came(side, prices, seen):
    world = World()
    early = a_trail(world, side.value)
    assert world.state.trailing_peak(early) is None
    moved(world, prices[0], side)
    moved(world, prices[1], side)
    late = a_trail(world, side.value)
    assert peaks(world, late) == ["None"]
    moved(world, prices[2], side)
    assert peaks(world, early, late) == seen
