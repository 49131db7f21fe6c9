"""Answers to what a review asked: liquidations, partly filled entries, trailing peaks, rollovers of many."""

from decimal import Decimal

from tests.builders import LOGIN, World, a_limit, an_account, an_instrument
from tradehall.domain.account import MarginState
from tradehall.domain.calendar import next_rollover
from tradehall.domain.fill import TrailMoved
from tradehall.domain.order import OrderRole, Side
from tradehall.domain.rejection import RejectCode
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.handlers.tick import SWAPS_PER_TICK_MAX


def a_liquidation(world: World):
    world.deal(quantity="10000")
    world.quote("EURUSD", "1.04")
    world.check_margin()
    return next(order for order in world.orders if order.role is OrderRole.LIQUIDATION)


def test_the_account_cannot_stop_or_change_its_liquidation():
    world = World(deposit="600")
    order = a_liquidation(world)
    for rejection in (world.cancel(order), world.amend(order, quantity="1")):
        assert rejection is not None
        assert rejection.code is RejectCode.AMEND_NOT_ALLOWED
    world.do(cmd.CancelAllOrders(LOGIN))
    assert world.order(order).is_working


def test_an_isolated_loss_neither_calls_nor_stops_out_the_account():
    world = World()
    world.deal(quantity="1000000", margin_mode="ISOLATED")
    world.quote("EURUSD", "1.04")
    world.check_margin()
    assert world.account.margin_state is MarginState.NORMAL
    assert [order.role for order in world.orders] == [OrderRole.LIQUIDATION], "the position itself goes"


def test_what_has_filled_of_an_entry_gets_the_exit_that_the_entry_is_given():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.09"))
    world.fill(entry, "4")
    world.amend(entry, stop_loss="1.05", take_profit="1.2")
    legs = [(o.role.value, o.terms.quantity) for o in world.orders if o.parent_order_id == entry.order_id]
    assert legs == [("STOP_LOSS", 4), ("TAKE_PROFIT", 4)]
    world.amend(entry, stop_loss="1.06")
    stops = [o.terms for o in world.orders if o.role is OrderRole.STOP_LOSS]
    assert [(terms.quantity, terms.stop_price) for terms in stops] == [(4, Decimal("1.06"))], "moved, not doubled"


def test_peaks_are_forgotten_with_the_last_trailing_stop_that_follows_them():
    world = World()
    wish = {"type": "TRAILING_STOP", "trailing_distance": "0.01", "trailing_type": "ABSOLUTE", "side": "SELL"}
    first, second = world.place(**wish), world.place(**wish)
    world.do(cmd.ReportExecution(TrailMoved("EURUSD", Side.SELL, Decimal("1.2"))))
    world.cancel(first)
    assert world.state.trailing_peak(second) == Decimal("1.2")
    world.cancel(second)
    assert world.state.peaks == {}


def test_a_rollover_of_many_positions_is_booked_in_several_decisions_and_each_pays_once():
    world = World(an_instrument(swap_long="-0.01"))
    count = SWAPS_PER_TICK_MAX + 5
    world.open(an_account(account_id=LOGIN + 1, position_mode="HEDGING"), "100000000")
    for _ in range(count):
        world.freshen()
        world.deal(account_id=LOGIN + 1, quantity="100")
    world.wait_until(next_rollover(world.now))
    world.tick()
    assert sum(isinstance(event, ev.BalanceChanged) for event in world.events) == SWAPS_PER_TICK_MAX
    deadline = world.engine.next_deadline()
    assert deadline is not None
    assert deadline <= world.now, "the rest is still due"
    world.tick()
    assert isinstance(world.events[-1], ev.RolloverBooked)
    paid = [event.position_id for event in world.ledger() if event.entry is ev.EntryKind.SWAP]
    assert len(paid) == len(set(paid)) == count
