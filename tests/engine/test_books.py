"""Books of strategies: whose units are whose, what a hand or the house takes, what exits protect, what a halt stops."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.builders import LOGIN, MINE, OTHER, World, a_limit, an_account, an_instrument, an_order, free
from tradehall.domain.order import OrderRole, OrderStatus
from tradehall.domain.rejection import RejectCode as Code
from tradehall.domain.strategy import TradingState
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.books import unattributed_units
from tradehall.engine.loss_watch import LossWatch

SL, TP = OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT


def a_world(**account: Any) -> World:
    world = World(account=an_account(**account)) if account else World()
    for strategy_id in (MINE, OTHER):
        world.strategy(strategy_id)
    return world


def held(world: World) -> tuple[int, int, int]:
    """Units [signed] of the two strategies, and of nobody, in EURUSD."""
    units = [
        sum(p.quantity if p.side == "LONG" else -p.quantity for p in world.book(s).parts.values())
        for s in (MINE, OTHER)
    ]
    return int(units[0]), int(units[1]), int(unattributed_units(world.account, "EURUSD"))


def net(world: World) -> int:
    exposure = world.account.exposures.get("EURUSD")
    return 0 if exposure is None else int(exposure.net_filled)


# (who, side, quantity) of market orders, one after the other; then what each holds. C closes by hand.
@pytest.mark.parametrize(("what", "deals", "after"), [
    ("each its own",                        "A+10 B+4 H+1",        (10, 4, 1)),
    ("opposite ones cancel out",            "A+10 B-10",           (10, -10, 0)),
    ("a hand against a strategy",           "A+10 H-10",           (10, 0, -10)),
    ("a strategy goes on against it",       "A+10 H-10 A-10",      (0, 0, -10)),
    ("a flip",                              "A+10 A-15",           (-5, 0, 0)),
    ("a close takes nobody's first",        "A+10 H+4 C6",         (8, 0, 0)),
    ("then the oldest part",                "A+3 B+5 C4",          (0, 4, 0)),
    ("and only on the closed side",         "A+10 B-4 C3",         (7, -4, 0)),
    ("nobody's may be against it",          "A+10 H-4 C3",         (7, 0, -4)),
    ("a close of all leaves no claims",     "A+10 B-4 H+2 C8",     (0, 0, 0)),
    ("whoever stood against whom",          "A+10 H-4 C6",         (0, 0, 0)),
    ("short ones too",                      "A-10 H-4 C6",         (-8, 0, 0)),
])  # fmt: skip
def test_on_a_netting_account_the_books_and_what_is_in_none_are_the_position(what, deals, after):
    world = a_world()
    for deal in deals.split():
        who, units = deal[0], deal[1:]
        if who == "C":
            world.fill(world.close(world.position, quantity=units))
        else:
            side, strategy_id = "BUY" if units[0] == "+" else "SELL", {"A": MINE, "B": OTHER, "H": None}[who]
            world.deal(side=side, quantity=units[1:], strategy_id=strategy_id)
        assert sum(held(world)) == net(world)
    assert held(world) == after


def test_a_netting_position_is_nobodys_and_a_part_has_the_number_of_its_order():
    world = a_world()
    world.deal(quantity="5", strategy_id=OTHER)
    order = world.deal(quantity="10", strategy_id=MINE, client_order_id="swing")
    assert world.position.strategy_id is None
    part = world.part()
    assert (part.position_id, part.strategy_id, part.quantity, part.client_order_id) == (
        order.order_id,
        MINE,
        10,
        "swing",
    )
    assert (part.peak_quantity, part.opened_at) == (10, world.now)
    fill = world.told(ev.OrderFilled)[0].fill
    assert (fill.strategy_id, fill.position_id) == (MINE, world.position.position_id)


def test_a_strategys_result_is_against_its_own_entry_not_the_accounts():
    world = World(an_instrument(commission=free(per_unit="0.001")))
    world.strategy()
    world.fill(world.place(quantity="1000"), at="1.0")
    world.fill(world.place(quantity="1000", strategy_id=MINE), at="1.2")
    world.fill(world.place(side="SELL", quantity="1000", strategy_id=MINE), at="1.3")
    fill = world.told(ev.OrderFilled)[0].fill
    assert (fill.realized_pnl, fill.book_pnl) == (200, 100)  # Against 1.1 and against 1.2.
    closed = world.told(ev.PartClosed)[0]
    assert (closed.part.realized_pnl, closed.exit_price, closed.reason) == (100, Decimal("1.3"), "order")
    result = world.book().results["USD"]
    assert (result.realized_pnl, result.fees, result.fill_count, world.book().net_pnl) == (100, 2, 2, 98)


def test_what_a_hand_closed_is_told_as_not_the_strategys_own():
    world = a_world()
    world.fill(world.place(quantity="1000", strategy_id=MINE), at="1.1")
    world.fill(world.close(world.position), at="1.2")
    (filled,) = world.told(ev.BookFilled)
    assert (filled.is_own, filled.side, filled.realized_pnl, filled.closed_quantity) == (False, "SELL", 100, 1000)
    assert world.book().results["USD"].realized_pnl == 100


def test_a_stop_out_leaves_no_strategy_a_claim():
    world = a_world(leverage="500")
    world.deal(quantity="40000000", strategy_id=MINE, stop_loss="1.0")
    world.deal(quantity="1000000", side="SELL", strategy_id=OTHER)
    world.quote("EURUSD", "1.09600", "1.09601")
    world.check_margin()
    (liquidation,) = [order for order in world.orders if order.role is OrderRole.LIQUIDATION]
    world.fill(liquidation)
    assert held(world) == (0, 0, 0) and not world.orders


def test_exits_protect_the_part_and_not_the_position():
    world = a_world()
    world.deal(quantity="10", side="SELL")
    entry = world.deal(quantity="4", strategy_id=MINE, stop_loss="1.09", take_profit="1.12")
    stop, target = world.leg(SL), world.leg(TP)
    assert (stop.terms.position_id, stop.terms.strategy_id, stop.remaining_quantity) == (entry.order_id, MINE, 4)
    world.deal(quantity="1", side="SELL", strategy_id=MINE)
    assert {leg.remaining_quantity for leg in (world.order(stop), world.order(target))} == {3}
    world.trigger(stop)
    world.fill(stop, at="1.09")  # The account was short 7 and is short 10 now: the leg reduced its part all the same.
    assert held(world) == (0, 0, -10)
    assert world.order(target).status is OrderStatus.CANCELLED


def test_a_leg_closes_no_more_than_its_part():
    world = a_world()
    world.deal(quantity="10", strategy_id=OTHER)
    world.deal(quantity="4", strategy_id=MINE, stop_loss="1.09")
    leg = world.leg(SL)
    world.amend(leg, quantity="9")
    world.fill(leg, "5")
    assert world.kinds == ["ReportUnmatched"]
    world.fill(leg, "4")
    assert held(world) == (0, 10, 0)


def test_legs_of_a_part_and_of_the_position_with_the_same_number_are_kept_apart():
    world = a_world()
    entry = world.deal(quantity="10", strategy_id=MINE, stop_loss="1.09")
    assert world.position.position_id == world.part().position_id == entry.order_id
    assert world.set_exits(world.position, take_profit="1.2") is None
    assert [order.role for order in world.state.bound_orders(world.position)] == [TP]
    assert [order.role for order in world.state.bound_orders(world.part())] == [SL]
    assert world.set_exits(world.part(), stop_loss="1.08", strategy_id=MINE) is None
    assert world.leg(SL).terms.stop_price == Decimal("1.08")


def test_exits_of_a_filled_entry_move_with_it():
    world = a_world()
    world.deal(quantity="3")
    entry = world.deal(quantity="10", strategy_id=MINE, stop_loss="1.09")
    assert world.amend(entry, stop_loss="1.095") is None
    assert world.leg(SL).terms.stop_price == Decimal("1.095")
    part = world.place(a_limit("BUY", "8", "1.1", strategy_id=OTHER))
    world.fill(part, "3")
    assert world.amend(part, stop_loss="1.05") is None
    (leg,) = world.state.bound_orders(world.part(OTHER))
    assert (leg.remaining_quantity, leg.terms.stop_price) == (3, Decimal("1.05"))


def test_reduce_only_of_a_strategy_looks_at_its_own_part():
    world = a_world()
    world.deal(quantity="10")
    wish = {"side": "SELL", "strategy_id": MINE, "reduce_only": True, "quantity": "5"}
    assert world.place(**wish).reject_code == Code.REDUCE_ONLY_NOTHING_TO_REDUCE
    world.deal(quantity="3", strategy_id=MINE)
    order = world.place(**wish)
    world.fill(order, "3")
    assert held(world) == (0, 0, 10)


def test_what_reduces_a_book_and_opens_the_position_pays_its_margin():
    world = a_world()
    world.deal(quantity="500000", strategy_id=MINE)
    world.deal(quantity="500000", side="SELL")
    order = world.place(side="SELL", quantity="1000000", strategy_id=MINE, reduce_only=True)
    assert (order.status, order.margin_held) == (OrderStatus.OPEN, Decimal("27500.00"))  # For 500,000, not for more.


def test_on_a_hedging_account_a_strategy_names_and_reduces_only_its_own():
    world = a_world(position_mode="HEDGING")
    by_hand, own = world.deal(quantity="5"), world.deal(quantity="3", strategy_id=MINE)
    sell = {"side": "SELL", "quantity": "1", "strategy_id": MINE}
    assert world.place(**sell, position_id=by_hand.order_id).reject_code == Code.POSITION_UNKNOWN
    world.fill(world.place(**sell, position_id=own.order_id))
    world.fill(world.place(**sell | {"quantity": "9"}, reduce_only=True), "2")
    assert list(world.account.positions) == [by_hand.order_id] and not world.book().parts
    assert world.place(side="SELL", quantity="1", reduce_only=True).reject_code is None


def test_a_close_of_a_part_asks_for_no_margin_and_passes_a_halt():
    world = a_world()
    world.deal(quantity="10", strategy_id=MINE)
    world.let("HALTED", MINE)
    world.do(cmd.ClosePosition(LOGIN, world.part().position_id, strategy_id=MINE))
    world.fill(world.orders[-1])
    assert held(world) == (0, 0, 0)


def test_a_state_that_is_set_again_changes_nothing_and_one_is_lifted_again():
    world = a_world()
    assert world.let("HALTED", MINE, "lunch") != ()
    assert (world.book().trading_state, world.book().state_reason) == (TradingState.HALTED, "lunch")
    assert world.let("HALTED", MINE) == ()
    world.let("NORMAL", MINE)
    world.deal(strategy_id=MINE)


def test_what_works_may_become_less_where_trading_only_reduces_and_its_exits_may_move_in_a_halt():
    world = a_world()
    order = world.place(a_limit("BUY", "10", "1.05", strategy_id=MINE))
    world.deal(quantity="4", strategy_id=MINE, stop_loss="1.09")
    world.let("REDUCE_ONLY", MINE)
    assert world.amend(order, quantity="8") is None
    rejection = world.amend(order, quantity="9")
    assert rejection is not None and rejection.code is Code.TRADING_REDUCING
    world.let("HALTED", MINE)
    rejection = world.amend(order, quantity="7")
    assert rejection is not None and rejection.code is Code.TRADING_HALTED
    assert world.amend(world.leg(SL), stop_price="1.095") is None
    assert world.cancel(order) is None


def test_the_kill_switch_of_one_strategy_leaves_the_others_alone():
    world = a_world()
    for strategy_id in (MINE, OTHER, None):
        world.deal(quantity="5", strategy_id=strategy_id)
        world.place(a_limit("BUY", "1", "1.05", strategy_id=strategy_id))
    world.kill(MINE)
    assert world.kinds == ["TradingStateSet", "OrderCancelled", "OrderAccepted"]
    world.fill(world.orders[-1])
    assert held(world) == (0, 5, 5)
    assert world.kill(MINE) == ()


def test_a_kill_without_flattening_keeps_what_protects():
    world = a_world()
    world.deal(quantity="5", strategy_id=MINE, stop_loss="1.09")
    world.place(a_limit("BUY", "1", "1.05", strategy_id=MINE))
    world.kill(MINE, flatten=False)
    assert [order.role for order in world.orders] == [SL]


def test_killing_an_account_whose_books_cancel_out_closes_each_of_them():
    world = a_world()
    world.deal(quantity="5", strategy_id=MINE)
    world.deal(quantity="5", side="SELL", strategy_id=OTHER)
    assert not world.account.positions
    world.kill()
    for order in list(world.orders):
        world.fill(order)
    assert held(world) == (0, 0, 0) and net(world) == 0


def test_cancel_all_and_close_all_of_a_strategy_are_about_the_strategy():
    world = a_world()
    for strategy_id in (MINE, OTHER):
        world.deal(quantity="5", strategy_id=strategy_id)
        world.place(a_limit("BUY", "1", "1.05", strategy_id=strategy_id))
    world.do(cmd.CancelAllOrders(LOGIN, strategy_id=MINE))
    assert [order.terms.strategy_id for order in world.orders] == [OTHER]
    world.do(cmd.CloseAllPositions(LOGIN, strategy_id=MINE))
    world.fill(world.orders[-1])
    assert held(world) == (0, 5, 0)


# Losses.


def at_a_loss(world: World, bid: str) -> list[tuple[int, str]]:
    """Whom a watch that has seen the market wants to look at when it moves to `bid`."""
    watch = LossWatch(world.state, world.quotes)
    watch.touched(world.quote(), world.now)
    return watch.touched(world.quote("EURUSD", bid, bid), world.now)


@pytest.mark.parametrize(("limits", "bid", "is_reached"), [
    ({"daily_loss_max": "50"},                          "1.09511", False),  # Bought 10,000 at 1.1001.
    ({"daily_loss_max": "50"},                          "1.09510", True),
    ({"loss_max": "50"},                                "1.09510", True),
    ({"loss_max": "60", "daily_loss_max": "50"},        "1.09510", True),
    ({},                                                "1.0",     False),
])  # fmt: skip
def test_a_loss_is_what_is_realised_and_what_is_floating(limits, bid, is_reached):
    world = a_world()
    world.limit_strategy(MINE, **limits)
    world.deal(strategy_id=MINE)
    assert at_a_loss(world, bid) == ([(LOGIN, MINE)] if is_reached else [])
    world.do(cmd.CheckLosses(LOGIN, MINE))
    assert world.kinds == (["TradingStateSet"] if is_reached else [])


def test_at_its_loss_a_strategy_falls_to_the_state_it_was_given_and_its_entries_go():
    world = a_world()
    world.limit_strategy(MINE, loss_max="50", on_loss="REDUCE_ONLY")
    world.deal(strategy_id=MINE, stop_loss="1.05")
    entry = world.place(a_limit("BUY", "10", "1.05", strategy_id=MINE))
    close = world.place(a_limit("SELL", "10", "1.2", strategy_id=MINE))
    world.quote("EURUSD", "1.09", "1.09")
    world.do(cmd.CheckLosses(LOGIN, MINE))
    state = world.told(ev.TradingStateSet)[0]
    assert (state.trading_state, state.reason) == ("REDUCE_ONLY", "loss of 101.00 USD, at most 50 is allowed")
    assert (world.order(entry).status, world.order(close).status) == (OrderStatus.CANCELLED, OrderStatus.OPEN)
    assert at_a_loss(world, "1.0") == []
    assert world.do(cmd.CheckLosses(LOGIN, MINE)) == ()


def test_a_new_day_forgets_the_loss_of_the_last_but_not_what_floats():
    world = a_world()
    world.limit_strategy(MINE, daily_loss_max="50")
    world.fill(world.place(strategy_id=MINE), at="1.1")
    world.fill(world.place(side="SELL", strategy_id=MINE), at="1.096")
    assert world.book().day_pnl == -40
    world.wait_until("2025-01-15T10:00:00Z")
    world.fill(world.place(strategy_id=MINE), at="1.1")
    world.quote("EURUSD", "1.0955", "1.0955")
    assert world.do(cmd.CheckLosses(LOGIN, MINE)) == ()
    assert (world.book().day_pnl, world.book().net_pnl) == (0, -40)


def test_a_strategy_without_limits_is_not_watched():
    world = a_world()
    world.deal(strategy_id=MINE)
    watch = LossWatch(world.state, world.quotes)
    assert not watch.moved and watch.bounds("EURUSD") is None


@pytest.mark.parametrize("seed", range(12))
def test_no_quote_that_reaches_a_loss_is_overlooked(seed):
    random = Random(seed)
    world = World(*(an_instrument(symbol) for symbol in ("EURUSD", "EURJPY", "USDJPY")), deposit="10000000")
    for strategy_id in (MINE, OTHER):
        world.strategy(strategy_id)
        world.limit_strategy(
            strategy_id, daily_loss_max=str(random.randint(10, 80)), loss_max=str(random.randint(40, 200))
        )
    watch = LossWatch(world.state, world.quotes)
    prices = {"EURUSD": 110_000, "EURJPY": 165_000, "USDJPY": 150_000}
    halted = looks = 0
    for step in range(400):
        if random.random() < 0.08:
            side, symbol = random.choice(["BUY", "SELL"]), random.choice(["EURUSD", "EURJPY"])
            wish = {"side": side, "symbol": symbol, "quantity": str(random.randint(1, 9) * 1000)}
            world.freshen()
            if world.ask(an_order(**wish, strategy_id=random.choice([MINE, OTHER]))) is None:
                world.fill(world.orders[-1])
                for event in world.told(ev.BookFilled):
                    watch.refresh(LOGIN, event.strategy_id)
        symbol = random.choice(list(prices))
        prices[symbol] += random.randint(-300, 300)
        bid = str(Decimal(prices[symbol]).scaleb(-5 if symbol == "EURUSD" else -3))
        world.now += random.choice([1, 1, 1, 7 * 3600]) * 1_000_000_000
        watch.turn_to(world.now)
        touched = watch.touched(world.quote(symbol, bid), world.now)
        looks += len(touched)
        for strategy_id in (MINE, OTHER):
            world.do(cmd.CheckLosses(LOGIN, strategy_id))
            if world.events:
                halted += 1
                assert (LOGIN, strategy_id) in touched, f"{seed=} {step=}"
                world.let("NORMAL", strategy_id)
                watch.refresh(LOGIN, strategy_id)
    assert halted and looks < 1200, "nothing was reached, or everything is looked at"


def test_a_split_reaches_the_parts_also_where_books_cancel_out():
    world = a_world()
    world.deal(quantity="5", strategy_id=MINE)
    world.deal(quantity="5", side="SELL", strategy_id=OTHER)
    world.do(cmd.BookCorporateAction(LOGIN, "EURUSD", split=Decimal(2)))
    assert held(world) == (10, -10, 0)
    world.deal(quantity="10", side="SELL", strategy_id=MINE)
    assert held(world) == (0, -10, 0) and net(world) == -10
