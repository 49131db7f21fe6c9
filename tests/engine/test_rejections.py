"""Every refusal by table: its code, its numbers, and that what would have passed does pass and a step more does not."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.builders import LOGIN, World, a_limit, an_instrument, an_order, typed
from tests.engine.rejection_table import (
    AMEND_ROWS,
    LIMIT,
    OTHER_ROWS,
    PLACE_ROWS,
    SELL,
    SHAPE_ROWS,
    STRATEGY_ROWS,
    STRICT,
    TRAIL,
    Row,
    ask,
    strategy_world,
    world_of,
)
from tests.engine.source import makers_of_rejections
from tools.make_rejections import PAGE, page
from tradehall.domain.order import OrderStatus
from tradehall.domain.rejection import RejectCode as Code
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.rules import AMEND_ORDER_CHECKS, EXIT_CHECKS, PLACE_ORDER_CHECKS, SHAPE_CHECKS

ROWS = SHAPE_ROWS + PLACE_ROWS


def decimals(numbers: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(number) for name, number in numbers.items()}


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_an_order_is_refused_with_its_code_and_the_numbers_behind_it(row: Row):
    world = world_of(row)
    rejection = ask(world, row.wish)
    assert rejection is not None
    assert rejection.code is row.code
    assert {name: number for name, number in rejection.numbers.items() if name != "now"} == decimals(row.numbers)
    assert rejection.message


@pytest.mark.parametrize("row", SHAPE_ROWS, ids=[row.what for row in SHAPE_ROWS])
def test_a_malformed_wish_makes_no_order_and_does_not_use_its_id_up(row: Row):
    world = world_of(row)
    ask(world, row.wish | {"client_order_id": "mine", "digest": "1"})
    assert world.kinds == ["RequestRefused"]
    assert "mine" not in world.account.client_ids
    assert ask(world, {"client_order_id": "mine", "digest": "2"}) is None


@pytest.mark.parametrize("row", PLACE_ROWS, ids=[row.what for row in PLACE_ROWS])
def test_a_refusal_by_the_rules_is_a_rejected_order_with_a_number_that_used_its_id_up(row: Row):
    world = world_of(row)
    ask(world, row.wish | {"client_order_id": "mine", "digest": "1"})
    assert world.kinds == ["OrderRejected"]
    order = world.state.order_by_client_id(world.account, "mine")
    assert order is not None
    assert (order.status, order.reject_code) == (OrderStatus.REJECTED, row.code)
    assert order.order_id not in world.account.orders
    seq = world.state.seq
    assert ask(world, row.wish | {"client_order_id": "mine", "digest": "1"}) is None, "the repeat says nothing new"
    assert world.state.seq == seq


OFFERS = [row for row in ROWS if row.more is not None]


@pytest.mark.parametrize("row", OFFERS, ids=[row.what for row in OFFERS])
def test_what_would_have_passed_passes_and_a_step_more_does_not(row: Row):
    assert row.more is not None
    field, step = row.more
    would_pass = Decimal(row.numbers["would_pass"])
    assert ask(world_of(row), row.wish | {field: str(would_pass)}) is None
    rejection = ask(world_of(row), row.wish | {field: str(would_pass + Decimal(step))})
    assert rejection is not None
    # A step below a minimum may be nothing, and less than nothing has no tick: still the same code.
    assert rejection.code in (row.code, Code.PRICE_NOT_POSITIVE)


def test_every_offer_is_tried():
    assert [row.what for row in ROWS if ("would_pass" in row.numbers) != (row.more is not None)] == []


@pytest.mark.parametrize(("what", "wish", "code", "numbers"), OTHER_ROWS, ids=[row[0] for row in OTHER_ROWS])
def test_other_commands_are_refused_and_change_nothing(what, wish, code, numbers):
    world = World()
    wish(world)
    refused = [event for event in world.events if isinstance(event, ev.RequestRefused | ev.OrderFailed)]
    assert len(refused) == len(world.events) == 1
    assert refused[0].rejection.code is code
    assert refused[0].rejection.numbers == decimals(numbers)


@pytest.mark.parametrize(
    ("what", "before", "wish", "code", "numbers"), STRATEGY_ROWS, ids=[row[0] for row in STRATEGY_ROWS]
)
def test_an_order_is_refused_for_its_strategys_sake_and_reserves_nothing(what, before, wish, code, numbers):
    world = strategy_world(before)
    book = msgspec.json.encode(world.book())
    order = world.place(**wish)
    assert order.status is OrderStatus.REJECTED
    assert world.rejection is not None and world.rejection.code is code
    assert world.rejection.numbers == decimals(numbers)
    assert msgspec.json.encode(world.book()) == book
    if "would_pass" in numbers:
        assert world.ask(an_order(**wish | {"quantity": numbers["would_pass"]})) is None


@pytest.mark.parametrize(("what", "rules", "change", "code", "numbers"), AMEND_ROWS, ids=[row[0] for row in AMEND_ROWS])
def test_an_amendment_is_refused_and_leaves_all_as_it_was(what, rules, change, code, numbers):
    world = World(an_instrument())
    order = world.place(**LIMIT)
    if status := {"status": rules["status"]} if "status" in rules else {}:
        world.do(cmd.UpdateAccount(LOGIN, **typed(cmd.UpdateAccount, status)))
    elif rules:
        world.do(cmd.ListInstrument(an_instrument(**rules)))
    before = (order.terms, order.margin_held, order.updated_at, world.account.margin_held)
    rejection = world.amend(order, **change)
    assert rejection is not None
    assert rejection.code is code
    assert {name: number for name, number in rejection.numbers.items() if name != "now"} == decimals(numbers)
    assert (order.terms, order.margin_held, order.updated_at, world.account.margin_held) == before


def test_what_an_amendment_could_have_is_told_with_what_has_filled():
    world = World(an_instrument())
    order = world.place(a_limit("BUY", "1000000", "1.1"))
    world.fill(order, "400000")
    rejection = world.amend(order, quantity="9000000")
    assert rejection is not None and rejection.code is Code.MARGIN_INSUFFICIENT
    would_pass = rejection.numbers["would_pass"]
    assert world.amend(order, quantity=str(would_pass + Decimal("1E-8"))) is not None
    assert world.amend(order, quantity=str(would_pass)) is None


# Two faults at once: the one whose check comes first is told. A row per neighbouring pair that can meet.

STRATEGY, NO_PRICE, EXTRA_PRICE = {"strategy_id": "s"}, {"type": "LIMIT", "limit_price": None}, {"stop_price": "1.1"}
PERCENT = TRAIL | {"trailing_type": "PERCENT", "trailing_distance": "100"}
PAST = {"time_in_force": "GTD", "expires_at": 1}

SHAPE_PAIRS = [
    (Code.STRATEGY_UNKNOWN,         Code.PRICE_MISSING,            STRATEGY | NO_PRICE),
    (Code.PRICE_MISSING,            Code.PRICE_NOT_ALLOWED,        NO_PRICE | EXTRA_PRICE),
    (Code.PRICE_NOT_ALLOWED,        Code.PRICE_NOT_POSITIVE,       EXTRA_PRICE | {"stop_loss": "0"}),
    (Code.PRICE_NOT_POSITIVE,       Code.TRAILING_INVALID,         PERCENT | {"stop_loss": "0"}),
    (Code.TRAILING_INVALID,         Code.DISPLAY_QUANTITY_INVALID, PERCENT | {"display_quantity": "1"}),
    (Code.DISPLAY_QUANTITY_INVALID, Code.TIME_IN_FORCE_INVALID,    {"display_quantity": "1", "post_only": True}),
    (Code.TIME_IN_FORCE_INVALID,    Code.EXPIRY_IN_PAST,           {"expires_at": 1}),
]  # fmt: skip

DISABLED, CLOSE_ONLY, NO_ROOM = {"status": "DISABLED"}, {"status": "CLOSE_ONLY"}, {"orders_max": 0}
HEDGING, OTHER_SIDE, ISOLATED = {"position_mode": "HEDGING"}, {"position_id": 7300001}, {"margin_mode": "ISOLATED"}
CLOSED, MISSING, STALE = {"sessions": ((0, 480),)}, {"quote": None}, {"quote_age_ns_max": 0}
LONG = {"quantity": "1000"}
SHORT = SELL | LONG
CROWDED, ONE_WAY = {"positions_max": 1}, {"hedge_prohibited": True}
FIFO, WHOLE = {"close_fifo": True}, {"partial_close": False}
MIN, MAX, STEP, TICK = (
    {"quantity_min": "20000"},
    {"quantity_max": "7"},
    {"quantity_step": "7000"},
    {"enforces_tick": True},
)
OFF_SIDE, EXIT_OFF = STRICT | LIMIT | {"limit_price": "1.2"}, STRICT | {"stop_loss": "1.3"}
OFF_TICK = {"stop_loss": "1.3000001"}
FAR = {"expected_price": "2", "deviation_max": "0.1"}
TAKES = LIMIT | {"post_only": True, "limit_price": "1.3"}
REDUCES, LEVERED = {"reduce_only": True}, {"leverage": "501"}
NOTIONAL, SEK, POOR = {"notional_max": "1"}, {"quote_currency": "SEK"}, {"quantity": "9000000"}

PLACE_PAIRS = [
    # the first is told               and not                            rules                  held   wish
    (Code.ACCOUNT_DISABLED,              Code.TOO_MANY_ORDERS,               DISABLED | NO_ROOM,    {},    {}),
    (Code.ACCOUNT_READ_ONLY,             Code.TOO_MANY_ORDERS,               {"status": "READ_ONLY"} | NO_ROOM, {}, {}),
    (Code.ACCOUNT_CLOSE_ONLY,            Code.TOO_MANY_ORDERS,               CLOSE_ONLY | NO_ROOM,  {},    {}),
    (Code.TOO_MANY_ORDERS,               Code.MARKET_CLOSED,                 CLOSED | NO_ROOM,      {},    {}),
    (Code.POSITION_UNKNOWN,              Code.MARKET_CLOSED,                 HEDGING | CLOSED,      {},    OTHER_SIDE),
    (Code.POSITION_SIDE,                 Code.MARKET_CLOSED,                 HEDGING | CLOSED,      LONG,  OTHER_SIDE),
    (Code.MARGIN_MODE_MISMATCH,          Code.MARKET_CLOSED,                 CLOSED,                LONG,  ISOLATED),
    (Code.TOO_MANY_POSITIONS,            Code.HEDGE_PROHIBITED,              HEDGING | CROWDED | ONE_WAY, LONG, SHORT),
    (Code.HEDGE_PROHIBITED,              Code.MARKET_CLOSED,                 HEDGING | ONE_WAY | CLOSED, LONG, SHORT),
    (Code.OLDER_POSITION_FIRST,          Code.PARTIAL_CLOSE_PROHIBITED,      HEDGING | FIFO | WHOLE, LONG | {"deals": 2}, SHORT | {"position_id": 7300002, "quantity": "1"}),
    (Code.PARTIAL_CLOSE_PROHIBITED,      Code.MARKET_CLOSED,                 HEDGING | WHOLE | CLOSED, LONG, SHORT | {"position_id": 7300001, "quantity": "1"}),
    (Code.QUANTITY_STEP,                 Code.REMAINDER_TOO_SMALL,           HEDGING,               {"quantity": "1500"}, SHORT | {"position_id": 7300001, "quantity": "1400", "lot_step": "1000"}),
    (Code.REMAINDER_TOO_SMALL,           Code.PRICE_DEVIATES,                HEDGING,               {"quantity": "1500"}, SHORT | FAR | {"position_id": 7300001, "lot_step": "1000"}),
    (Code.MARKET_CLOSED,                 Code.QUOTE_MISSING,                 CLOSED | MISSING,      {},    {}),
    (Code.QUOTE_MISSING,                 Code.QUANTITY_BELOW_MIN,            MISSING | MIN,         {},    {}),
    (Code.QUOTE_STALE,                   Code.QUANTITY_BELOW_MIN,            STALE | MIN,           {},    {}),
    (Code.QUANTITY_BELOW_MIN,            Code.QUANTITY_ABOVE_MAX,            MIN | MAX,             {},    {}),
    (Code.QUANTITY_ABOVE_MAX,            Code.QUANTITY_STEP,                 MAX | STEP,            {},    {}),
    (Code.QUANTITY_STEP,                 Code.PRICE_OFF_TICK,                STEP | TICK,           {},    OFF_TICK),
    (Code.PRICE_OFF_TICK,                Code.PRICE_WRONG_SIDE,              TICK,                  {},    OFF_SIDE | OFF_TICK),
    (Code.PRICE_WRONG_SIDE,              Code.EXITS_WRONG_SIDE,              {},                    {},    OFF_SIDE | EXIT_OFF),
    (Code.EXITS_WRONG_SIDE,              Code.PRICE_DEVIATES,                {},                    {},    EXIT_OFF | FAR),
    (Code.PRICE_DEVIATES,                Code.POST_ONLY_WOULD_TAKE,          {},                    {},    TAKES | FAR),
    (Code.POST_ONLY_WOULD_TAKE,          Code.REDUCE_ONLY_NOTHING_TO_REDUCE, {},                    {},    TAKES | REDUCES),
    (Code.REDUCE_ONLY_NOTHING_TO_REDUCE, Code.LEVERAGE_TOO_HIGH,             {},                    {},    REDUCES | LEVERED),
    (Code.LEVERAGE_TOO_HIGH,             Code.NOTIONAL_ABOVE_MAX,            NOTIONAL,              {},    LEVERED),
    (Code.NOTIONAL_ABOVE_MAX,            Code.CONVERSION_MISSING,            NOTIONAL | SEK,        {},    {}),
    (Code.CONVERSION_MISSING,            Code.MARGIN_INSUFFICIENT,           SEK,                   {},    POOR),
]  # fmt: skip
PAIRS: list[tuple[Any, ...]] = [(first, second, {}, {}, wish) for first, second, wish in SHAPE_PAIRS] + PLACE_PAIRS


@pytest.mark.parametrize(
    ("first", "second", "rules", "held", "wish"), PAIRS, ids=[f"{a} before {b}" for a, b, *_ in PAIRS]
)
def test_of_two_faults_the_first_in_the_list_is_told(first, second, rules, held, wish):
    rejection = ask(world_of(Row("", rules, held, wish, first, {})), wish)
    assert rejection is not None
    assert rejection.code is first


def test_the_lists_of_checks_read_like_this():
    assert [check.__name__ for check in SHAPE_CHECKS] == [
        "strategy_is_known", "prices_are_there", "prices_are_allowed", "prices_are_positive", "trailing_is_valid",
        "display_quantity_is_valid", "time_in_force_fits", "expiry_is_ahead",
    ]  # fmt: skip
    assert [check.__name__ for check in PLACE_ORDER_CHECKS] == [
        "account_is_enabled", "account_may_write", "account_may_open",
        "trading_is_not_halted", "trading_may_increase", "orders_are_not_too_frequent", "orders_are_below_max",
        "position_is_known", "position_side_fits", "margin_mode_matches",
        "positions_are_below_max", "parts_are_below_max", "hedge_is_allowed", "oldest_closes_first", "part_may_close",
        "session_is_open", "budget_is_priced", "quote_is_known", "quote_is_fresh",
        "quantity_is_at_least_min", "quantity_is_at_most_max", "quantity_is_on_step", "remainder_is_tradable",
        "price_is_on_tick", "price_is_on_its_side", "exits_are_on_their_sides", "quote_is_near_expectation",
        "post_only_would_rest", "reduce_only_reduces",
        "leverage_is_allowed", "notional_is_at_most_max", "conversion_is_known",
        "budget_is_configured", "budget_is_sufficient", "margin_is_sufficient",
    ]  # fmt: skip
    assert [check.__name__ for check in AMEND_ORDER_CHECKS] == [
        "account_is_enabled", "account_may_write", "account_may_open",
        "trading_is_not_halted", "trading_may_increase", "budget_is_priced",
        "quantity_is_at_least_min", "quantity_is_at_most_max", "quantity_is_on_step",
        "price_is_on_tick", "price_is_on_its_side", "exits_are_on_their_sides", "post_only_would_rest",
        "notional_is_at_most_max", "conversion_is_known",
        "budget_is_configured", "budget_is_sufficient", "margin_is_sufficient",
    ]  # fmt: skip
    assert [check.__name__ for check in EXIT_CHECKS] == [
        "account_is_enabled", "account_may_write", "prices_are_positive", "price_is_on_tick", "exits_are_on_their_sides",
    ]  # fmt: skip


def test_every_code_has_a_row():
    told = {row.code for row in ROWS} | {code for _, _, code, _ in OTHER_ROWS}
    told |= {code for _, _, _, code, _ in STRATEGY_ROWS}
    assert set(Code) - told == set()


def test_every_code_is_made_in_one_place():
    assert {code: made for code, made in makers_of_rejections().items() if len(made) != 1} == {}


# Closing whole is always of a size that is allowed.


@pytest.mark.parametrize("rules", [{"quantity_min": "5000"}, {"quantity_step": "700"}], ids=["minimum", "step"])
def test_what_closes_a_position_whole_needs_no_minimum_and_no_step(rules):
    world = World(an_instrument())
    world.deal(**LONG)
    world.do(cmd.ListInstrument(an_instrument(**rules)))
    assert ask(world, SELL | {"quantity": "999"}) is not None
    assert world.close(world.position).is_working
    assert ask(world, SELL | {"quantity": "1000"}) is None


def test_on_a_close_only_account_what_works_may_become_less():
    world = World(an_instrument())
    order = world.place(**LIMIT)
    world.do(cmd.UpdateAccount(LOGIN, **typed(cmd.UpdateAccount, CLOSE_ONLY)))
    assert world.amend(order, quantity="9999") is None
    assert world.amend(order, quantity="10000") is not None


def test_the_page_of_rejections_is_fresh():
    assert PAGE.read_text(encoding="utf8") == page(), "python -m tools.make_rejections writes it anew"
