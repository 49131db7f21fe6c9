"""Traits: an order is spared the checks that hold for it whatever it says, and no other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MINE, TUESDAY_10H, World, an_account, an_instrument, an_order, typed
from tests.engine.rejection_table import LIMIT, MONDAY_MORNING, STOP, STOP_LIMIT, TRAIL
from tradehall.domain.rejection import Rejection
from tradehall.engine import commands as cmd
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.handlers.place_order import with_position_mode
from tradehall.engine.rules import (
    AMEND_ORDER_CHECKS,
    EXIT_CHECKS,
    PLACE_ORDER_CHECKS,
    SHAPE_CHECKS,
    Check,
    amend_order_rejection,
    exit_prices_rejection,
    place_order_rejection,
    shape_rejection,
)
from tradehall.engine.traits import LIMIT as PLAIN_LIMIT
from tradehall.engine.traits import traits_of

PIPELINES = (
    (PLACE_ORDER_CHECKS, place_order_rejection),
    (AMEND_ORDER_CHECKS, amend_order_rejection),
    (EXIT_CHECKS, exit_prices_rejection),
)

# What an order, its account and its instrument may say besides: a field, and values other than the usual.
TERMS: dict[str, list[Any]] = {
    "quantity": ["0", "0.5", "1500", "90000000"],
    "side": ["SELL"],
    "limit_price": ["0", "1.2", "1.1000001"],
    "stop_price": ["0", "1.05"],
    "trailing_distance": ["0", "100"],
    "trailing_type": ["PERCENT"],
    "time_in_force": ["DAY", "GTD", "IOC", "FOK"],
    "expires_at": [1, TUESDAY_10H + 10**15],
    "stop_loss": ["0", "1.2", "1.0000001"],
    "take_profit": ["0", "1.05", "1.2"],
    "display_quantity": ["0", "10", "100000"],
    "leverage": ["0", "10", "1000"],
    "reduce_only": [True],
    "post_only": [True],
    "margin_mode": ["ISOLATED"],
    "position_id": [1, 7_300_001],
    "strategy_id": [MINE, "nobody's"],
}
WISH: dict[str, list[Any]] = {
    "lot_step": ["1000"],
    "is_strict": [True],
    "expected_price": ["1.1", "2"],
    "deviation_max": ["0.01"],
}
ACCOUNT: dict[str, list[Any]] = {
    "position_mode": ["HEDGING"],
    "status": ["CLOSE_ONLY", "READ_ONLY", "DISABLED"],
    "orders_max": [0],
    "hedge_prohibited": [True],
    "close_fifo": [True],
    "positions_max": [1],
    "partial_close": [False],
    "budget_required": [True],
    "is_cash": [True],
}
RULES: dict[str, list[Any]] = {
    "quantity_min": ["1000"],
    "quantity_max": ["1000"],
    "quantity_step": ["700"],
    "notional_max": ["1"],
    "enforces_tick": [True],
    "quote_currency": ["SEK"],
    "sessions": [MONDAY_MORNING],
}


def some_of(fields: dict[str, list[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """A few of the fields, each with one of its values."""
    names = st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=most)
    return names.flatmap(lambda some: st.fixed_dictionaries({name: st.sampled_from(fields[name]) for name in some}))


def full(checks: tuple[Check, ...], draft: OrderDraft) -> Rejection | None:
    """The answer of the first check that does not hold, with every check asked."""
    return next((rejection for check in checks if (rejection := check(draft)) is not None), None)


@given(
    st.sampled_from([{}, LIMIT, STOP, STOP_LIMIT, TRAIL]),
    some_of(TERMS, 4),
    some_of(WISH, 2),
    some_of(ACCOUNT, 2),
    some_of(RULES, 1),
    st.sampled_from(["NORMAL", "NORMAL", "REDUCE_ONLY", "HALTED"]),
    st.sampled_from([[], ["BUY"], ["BUY", "SELL"]]),
    st.booleans(),
)
def test_what_an_order_is_not_asked_holds(kind, terms, wish, account, rules, trading, deals, has_quote):
    world = World(an_instrument(), account=an_account(position_mode=account.get("position_mode", "NETTING")))
    world.strategy()
    for side in deals:
        world.deal(side=side, quantity="1500")
    world.do(cmd.ListInstrument(an_instrument(**rules)))
    world.let(trading)
    # The engine takes its terms as they are: an account of which all this is said at once is made here.
    world.account.terms = an_account(**account)
    command = cmd.PlaceOrder(an_order(**kind | terms), **typed(cmd.PlaceOrder, wish))

    def draft() -> OrderDraft:
        quotes = world.quotes if has_quote else {}
        asked = with_position_mode(command, world.account)
        return OrderDraft(world.state, world.account, asked, Context(world.now, quotes))

    malformed = full(SHAPE_CHECKS, draft())
    assert shape_rejection(draft()) == malformed
    if malformed is None:
        for checks, asked in PIPELINES:
            assert asked(draft()) == full(checks, draft())


@pytest.mark.parametrize(
    ("unusual", "is_plain"), [({}, True), ({"comment": "mine"}, True), ({"post_only": True}, False)]
)
def test_most_orders_have_no_trait_but_their_type(unusual, is_plain):
    command = cmd.PlaceOrder(an_order(**LIMIT | unusual))
    assert (traits_of(command, World().account, an_instrument()) == PLAIN_LIMIT) is is_plain
