"""Reducing orders, exits and margins, with the engine: what may close, what goes, who is liquidated."""

from decimal import Decimal

import pytest

from tests.venue.floor import ACCOUNT, BUY, LIMIT, SELL, STOP, TradingFloor, wish
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.order import OrderRole
from tradehall.engine.commands import CheckMargin, ClosePosition, OpenAccount
from tradehall.engine.events import MarginStateChanged, OrderAccepted

HEDGING = PositionMode.HEDGING


def a_floor(**options) -> TradingFloor:
    floor = TradingFloor(**options)
    floor.quote("100.00", "100.02", "50")
    return floor


@pytest.mark.parametrize("mode", list(PositionMode))
def test_two_reducing_orders_in_one_quote_never_flip(mode):
    floor = a_floor(mode=mode)
    floor.place(quantity="10")
    first = floor.place(SELL, LIMIT, quantity="8", limit_price="105", reduce_only=True)
    second = floor.place(SELL, LIMIT, quantity="8", limit_price="105", reduce_only=True)
    floor.quote("106.00", "106.02", "50")
    assert floor.net() == 0
    assert (floor.fills(first), floor.fills(second)) == (["8@105*"], ["2@105*"])
    assert floor.cancel_reason(second) == "nothing left to reduce"


@pytest.mark.parametrize(("what", "order"), [
    ("a limit",  wish(type=LIMIT, limit_price="105")),
    ("a stop",   wish(type=STOP, stop_price="95")),
])  # fmt: skip
def test_a_reducing_order_whose_position_is_gone_goes(what, order):
    floor = a_floor()
    floor.place(quantity="10")
    reducing = floor.place(SELL, quantity="8", reduce_only=True, **order)
    floor.place(SELL, quantity="10")
    floor.quote("106.00", "106.02", "50")
    floor.quote("90.00", "90.02", "50")
    assert floor.fills(reducing) == []
    assert floor.net() == 0
    assert not floor.order(reducing).is_working


def test_a_reducing_order_on_a_hedging_account_meets_the_oldest_positions():
    floor = a_floor(mode=HEDGING)
    first = floor.place(quantity="5")
    second = floor.place(quantity="5")
    floor.place(SELL, quantity="7", reduce_only=True)
    positions = floor.state.accounts[ACCOUNT].positions
    assert {position_id: int(p.quantity) for position_id, p in positions.items()} == {second: 3}
    assert first not in positions


def test_a_position_closed_in_parts_by_displayed_size():
    floor = a_floor(mode=HEDGING, liquidity="displayed")
    position_id = floor.place(quantity="10")
    floor.quote("101.00", "101.02", "4")
    floor.submit(ClosePosition(ACCOUNT, position_id))
    assert floor.fills()[1:] == ["4@101"]
    floor.quote("102.00", "102.02", "4")
    floor.quote("103.00", "103.02", "4")
    assert floor.fills()[1:] == ["4@101", "4@102", "2@103"]
    assert floor.state.position_count == 0


def test_stops_come_before_limits_in_one_quote():
    floor = a_floor(liquidity="displayed")
    limit = floor.place(BUY, LIMIT, limit_price="99")
    stop = floor.place(BUY, STOP, stop_price="101")
    floor.place(SELL, LIMIT, limit_price="103")
    sell_stop = floor.place(SELL, STOP, stop_price="98.50")
    floor.quote("98.00", "98.02", "50")
    assert floor.filled_orders() == [sell_stop, limit]
    assert stop in floor.state.orders


def test_exits_arrive_move_and_go_with_their_position():
    floor = a_floor()
    floor.place(quantity="10", stop_loss="95", take_profit="105")
    floor.quote("105.00", "105.02", "50")
    assert floor.fills() == ["10@100.02", "10@105*"]
    assert floor.state.orders == {}
    floor.quote("90.00", "90.02", "50")
    assert len(floor.fills()) == 2


def a_poor_floor() -> TradingFloor:
    """Account 7 has 600: ten units of 100 at leverage 20 need 50."""
    floor = a_floor()
    floor.submit(OpenAccount(AccountTerms(7, leverage=Decimal(20)), Decimal(600)))
    return floor


def test_a_quote_that_breaks_the_margin_liquidates_until_nothing_more_has_to_go():
    floor = a_poor_floor()
    floor.place(quantity="60", account_id=7)
    floor.place(quantity="40", account_id=7)
    floor.quote("97.00", "97.02")
    states = [e.state.value for e in floor.events if isinstance(e, MarginStateChanged)]
    liquidations = [e for e in floor.events if isinstance(e, OrderAccepted) and e.role is OrderRole.LIQUIDATION]
    assert states[0] in ("CALLED", "STOPPED_OUT")
    floor.quote("94.50", "94.52")
    floor.quote("94.00", "94.02")
    states = [e.state.value for e in floor.events if isinstance(e, MarginStateChanged)]
    liquidations = [e for e in floor.events if isinstance(e, OrderAccepted) and e.role is OrderRole.LIQUIDATION]
    assert "STOPPED_OUT" in states
    assert states[-1] == "NORMAL"
    assert len(liquidations) == 1
    assert floor.state.accounts[7].positions == {}


def test_on_a_hedging_account_positions_go_one_at_a_time_within_one_quote():
    floor = a_floor()
    floor.submit(OpenAccount(AccountTerms(7, leverage=Decimal(20), position_mode=HEDGING), Decimal(600)))
    for _ in range(4):
        floor.place(quantity="25", account_id=7)
    before = len(floor.records)
    floor.quote("94.10", "94.12")
    looks = [r for r in floor.records[before:] if isinstance(r.command, CheckMargin)]
    liquidated = [e for e in floor.events if isinstance(e, OrderAccepted) and e.role is OrderRole.LIQUIDATION]
    assert len(liquidated) == 4
    assert len(looks) >= 4
    assert floor.state.accounts[7].positions == {}


def test_an_account_that_a_quote_does_not_endanger_is_not_looked_at():
    floor = a_poor_floor()
    floor.place(quantity="10", account_id=7)
    before = len(floor.records)
    for bid in ("100.01", "100.02", "99.99"):
        floor.quote(bid, "100.05")
    assert len(floor.records) == before
