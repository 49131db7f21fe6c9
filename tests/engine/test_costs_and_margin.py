"""Money: margin, leverage, commission, swap, conversion, margin call and stop-out."""

from decimal import Decimal

import pytest

from tests.builders import (
    INSTRUMENTS,
    LOGIN,
    World,
    a_limit,
    a_quote,
    a_stop,
    an_instrument,
    an_order,
    free,
)
from tradehall.domain.account import MarginState
from tradehall.domain.order import OrderRole, OrderStatus
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.valuation import liquidation_price, value_position

# Margin: quantity x price x conversion / leverage, rounded up to the cent.

MARGINS = [
    # what                                order                                                             held
    ("at market: the touch",              {"quantity": "10000"},                                            "550.05"),
    ("selling: the bid",                  {"quantity": "10000", "side": "SELL"},                            "550.00"),
    ("a limit: its price",                {"quantity": "10000", "type": "LIMIT", "limit_price": "1"},       "500.00"),
    ("a stop: its price",                 {"quantity": "10000", "type": "STOP", "stop_price": "1.2"},       "600.00"),
    ("a stop-limit: its limit",           {"quantity": "10000", "type": "STOP_LIMIT", "stop_price": "1.2", "limit_price": "1.3"}, "650.00"),
    ("rounded up",                        {"quantity": "1"},                                                "0.06"),
    ("its own leverage",                  {"quantity": "10000", "leverage": "5"},                           "2200.20"),
    ("more than the account's",           {"quantity": "10000", "leverage": "100"},                         "110.01"),
    ("quoted in yen, at USDJPY's mid",    {"symbol": "EURJPY", "quantity": "10000"},                        "550.05"),
    ("quoted in pounds",                  {"symbol": "EURGBP", "quantity": "10000"},                        "550.09"),
    ("quoted in a dollar-pegged coin",    {"symbol": "BTCUSDT", "quantity": "1"},                           "2500.05"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "order", "held"), MARGINS, ids=[row[0] for row in MARGINS])
def test_a_working_order_holds_margin(what, order, held):
    world = World()
    placed = world.place(an_order(**order))
    assert placed.margin_held == world.account.margin_held == Decimal(held)
    world.cancel(placed)
    assert world.account.margin_held == 0


def test_the_instrument_limits_the_accounts_leverage():
    world = World(an_instrument(leverage_max="10"))
    assert world.place(quantity="10000").margin_held == Decimal("1100.10")


def test_a_fill_moves_the_held_margin_to_the_position_in_shares():
    world = World()
    order = world.place(a_limit("BUY", "10000", "1.1"))
    world.fill(order, "2500", at="1.0")
    assert (world.order(order).margin_held, world.position.margin) == (Decimal("412.50"), Decimal("125.00"))
    world.fill(order, at="1.1")
    assert (world.account.margin_held, world.account.margin_used) == (0, Decimal("537.50"))


def test_closing_needs_no_margin_and_a_flip_only_for_what_it_opens():
    world = World()
    world.deal(quantity="10000")
    close = world.place(a_limit("SELL", "10000", "1.2"))
    assert close.margin_held == 0
    world.do(cmd.CancelOrder(LOGIN, close.order_id))
    flip = world.place(a_limit("SELL", "15000", "1.2"))
    assert flip.margin_held == 300
    world.fill(flip, "10000")
    assert world.order(flip).margin_held == 300, "what only closed takes no margin along"
    world.fill(flip, "2000")
    assert world.order(flip).margin_held == 180
    assert world.position.margin == 120


def test_no_two_orders_close_the_same_units_for_free():
    world = World()
    world.deal(quantity="10000")
    assert world.place(a_limit("SELL", "6000", "1.2")).margin_held == 0
    second = world.place(a_limit("SELL", "6000", "1.2"))
    assert second.margin_held == 120, "4,000 are left to close, 2,000 would open"
    third = world.place(a_limit("SELL", "10000", "1.2"))
    assert third.margin_held == 600, "nothing is left to close"
    world.do(cmd.CancelOrder(LOGIN, third.order_id))
    world.do(cmd.AmendOrder(LOGIN, second.order_id, quantity=Decimal("4000")))
    assert world.order(second).margin_held == 0, "an order does not compete with itself"


def test_floating_profit_is_not_paid_out():
    world = World()
    world.deal(quantity="100000")
    world.quote("EURUSD", "1.5000", "1.5001")
    balance = world.account.balance
    world.do(cmd.MoveFunds(LOGIN, -balance - 1))
    assert world.rejection is not None
    assert world.rejection.numbers["would_pass"] == balance


def test_a_partial_close_frees_margin_in_proportion_rounded_in_the_houses_favour():
    world = World()
    world.deal(quantity="3", leverage="1")
    assert world.position.margin == Decimal("3.31")
    world.fill(world.close(world.position, quantity="1"))
    assert world.position.margin == Decimal("2.21")


def test_profit_of_open_positions_may_be_drawn_upon_but_not_isolated_profit():
    for mode, passes in (("CROSS", True), ("ISOLATED", False)):
        world = World(deposit="1000")
        world.deal(quantity="10000", margin_mode=mode)
        world.quote("EURUSD", "1.20000")
        assert (world.ask(an_order(symbol="AAPL", quantity="100")) is None) is passes


# Commission.

FEES = [
    # what                               fees                                                        maker  charged
    ("none",                             free(),                                                     False, "0"),
    ("a share of what is taken",         free(taker_rate="0.001", maker_rate="0.0001"),              False, "11.00"),
    ("a share of what is made",          free(taker_rate="0.001", maker_rate="0.0001"),              True,  "1.10"),
    ("a rebate for making",              free(maker_rate="-0.0001"),                                 True,  "-1.10"),
    ("so much a unit",                   free(per_unit="0.0005"),                                    False, "5.00"),
    ("so much a fill",                   free(fixed="2.5"),                                          False, "2.50"),
    ("all of them",                      free(taker_rate="0.001", per_unit="0.0005", fixed="2.5"),   False, "18.50"),
    ("a minimum",                        free(taker_rate="0.00001", minimum="1"),                    False, "1.00"),
    ("a minimum that is reached",        free(taker_rate="0.001", minimum="1"),                      False, "11.00"),
    ("in another currency",              free(fixed="2", currency="GBP"),                            False, "2.50"),
    ("a minimum in another currency",    free(taker_rate="0.00001", minimum="300", currency="JPY"),  False, "2.00"),
    ("half a cent, to even",             free(fixed="0.125"),                                        False, "0.12"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "fees", "is_maker", "charged"), FEES, ids=[row[0] for row in FEES])
def test_a_fill_pays_commission(what, fees, is_maker, charged):
    world = World(an_instrument(commission=fees), *(INSTRUMENTS[name] for name in ("GBPUSD", "USDJPY")))
    world.fill(world.place(quantity="10000"), at="1.1", is_maker=is_maker)
    (filled,) = world.told(ev.OrderFilled)
    assert (filled.fill.commission, filled.fill.commission_currency) == (Decimal(charged), "USD")
    assert world.account.balance == 100_000 - Decimal(charged)
    assert world.position.commission == Decimal(charged)
    assert len(world.told(ev.BalanceChanged)) == (1 if Decimal(charged) else 0)


def test_a_commission_of_notional_is_converted_from_the_quotes_currency():
    world = World(an_instrument("EURJPY", commission=free(taker_rate="0.001")), INSTRUMENTS["USDJPY"])
    world.fill(world.place(symbol="EURJPY", quantity="10000"), at="165")
    assert world.told(ev.OrderFilled)[0].fill.commission == Decimal("11.00")  # 1650 JPY / 150.005


# Conversion.

PATHS = [
    # from   to     rate                   through
    ("USD",  "USD",  "1",                  "itself"),
    ("EUR",  "USD",  "1.10005",            "EURUSD, its mid"),
    ("USD",  "EUR",  "0.909049588655061",  "EURUSD, turned over"),
    ("JPY",  "USD",  "0.006666444451852",  "USDJPY, turned over"),
    ("EUR",  "JPY",  "165.010",            "EURJPY itself, not through the dollar"),
    ("GBP",  "JPY",  "187.513750250",      "GBPUSD and USDJPY"),
    ("JPY",  "GBP",  "0.005332942243792",  "USDJPY and GBPUSD, both turned over"),
    ("USDT", "USD",  "1",                  "its peg"),
    ("USD",  "USDC", "1",                  "its peg"),
    ("USDT", "EUR",  "0.909049588655061",  "its peg and EURUSD"),
    ("USDT", "USDC", "1",                  "both pegs"),
    ("SEK",  "USD",  None,                 "nothing"),
    ("SEK",  "JPY",  None,                 "nothing"),
    ("BTC",  "EUR",  None,                 "nothing: BTCUSDT is no BTCUSD"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target", "rate", "through"), PATHS, ids=[f"{a} to {b}" for a, b, *_ in PATHS])
def test_currencies_convert_through(source, target, rate, through):
    found = conversion_rate(source, target, World().quotes.get)
    assert found == (None if rate is None else Decimal(rate))


def test_profit_in_yen_is_booked_in_dollars_at_the_mid_of_that_moment():
    world = World()
    world.fill(world.place(symbol="EURJPY", quantity="1000"), at="165")
    world.quote("EURJPY", "168.000")
    assert value_position(world.state, world.position, world.quotes.get).unrealized_pnl == Decimal("19.9993333556")
    world.quote("USDJPY", "100.000", "100.010")
    world.fill(world.close(world.position))
    assert world.account.balance == Decimal("100030.00")  # 3000 JPY / 100.005 = 29.9985


def test_without_a_path_a_position_counts_as_flat_in_profit_and_is_not_liquidated():
    world = World()
    world.deal(symbol="EURJPY", quantity="100000")
    world.quote("EURJPY", "100.000")
    del world.quotes["USDJPY"]  # As after a start, before its first quote.
    assert world.value.unrealized_pnl == 0
    assert value_position(world.state, world.position, world.quotes.get).unrealized_pnl == 0
    assert liquidation_price(world.state, world.account, world.position, world.quotes.get) is None
    world.check_margin()
    assert world.events == ()


def test_a_position_without_a_quote_counts_as_flat():
    world = World()
    world.deal()
    del world.quotes["EURUSD"]
    value = value_position(world.state, world.position, world.quotes.get)
    assert (value.unrealized_pnl, value.current_price, world.value.equity) == (0, Decimal("1.1001"), 100_000)


# Swap.

ROLLED = {"swap_long": "-0.0001", "swap_short": "0.00005"}


def at_rollover(world: World, at: str) -> list[Decimal]:
    world.wait_until(at)
    world.tick()
    return [event.amount for event in world.told(ev.BalanceChanged)]


@pytest.mark.parametrize(("side", "ticks", "booked"), [
    # 14 January 2025 is a Tuesday
    ("BUY",  ["2025-01-14T22:00:00Z"],                                                  ["-1.00"]),
    ("SELL", ["2025-01-14T22:00:00Z"],                                                  ["0.50"]),
    ("BUY",  ["2025-01-14T22:00:00Z", "2025-01-15T22:00:00Z"],                          ["-1.00", "-3.00"]),
    ("BUY",  ["2025-01-15T23:00:00Z"],                                                  ["-4.00"]),
    ("BUY",  ["2025-01-21T21:59:58Z"],                                                  ["-7.00"]),
    ("BUY",  ["2025-01-17T22:00:00Z", "2025-01-18T22:00:00Z", "2025-01-19T22:00:00Z"],  ["-6.00"]),
    ("BUY",  ["2025-01-14T21:59:58Z"],                                                  []),
], ids=["a night", "a short earns", "Wednesday has three", "two at once", "a week in one", "none at the weekend", "not yet"])  # fmt: skip
def test_swaps_are_booked_night_by_night(side, ticks, booked):
    world = World(an_instrument(**ROLLED))
    world.deal(quantity="10000", side=side)
    assert [amount for at in ticks for amount in at_rollover(world, at)] == [Decimal(amount) for amount in booked]
    assert world.position.swap == sum(Decimal(amount) for amount in booked)


def test_a_position_pays_from_its_own_first_night():
    world = World(an_instrument(**ROLLED))
    world.wait_until("2025-01-20T09:00:00Z")
    world.deal(quantity="10000")
    assert at_rollover(world, "2025-01-20T09:00:01Z") == []
    assert at_rollover(world, "2025-01-20T22:00:00Z") == [Decimal("-1.00")]


def test_a_night_is_booked_once():
    world = World(an_instrument(**ROLLED))
    world.deal(quantity="10000")
    assert at_rollover(world, "2025-01-14T22:00:00Z") == [-1]
    assert at_rollover(world, "2025-01-14T22:00:00Z") == []
    assert world.events == ()


def test_a_swap_in_yen_is_booked_in_dollars():
    world = World(an_instrument("USDJPY", swap_long="0.01"))
    world.deal(symbol="USDJPY", quantity="100000")
    assert at_rollover(world, "2025-01-14T22:00:00Z") == [Decimal("6.67")]


def test_a_tick_is_due_at_rollover_only_while_something_is_open():
    world = World(an_instrument(**ROLLED))
    assert world.engine.next_deadline() is None
    world.deal()
    assert world.engine.next_deadline() == world.state.rollover_at


# Margin call and stop-out.


def margin_states(world: World) -> list[MarginState]:
    return [event.state for event in world.told(ev.MarginStateChanged)]


def test_a_margin_call_comes_and_goes():
    world = World(deposit="600")
    world.deal(quantity="10000")  # 550.05 used
    world.check_margin()
    assert world.events == ()
    world.quote("EURUSD", "1.09400", "1.09410")
    world.check_margin()
    assert margin_states(world) == [MarginState.CALLED]
    world.check_margin()
    assert world.events == (), "said once"
    world.quote("EURUSD", "1.10000")
    world.check_margin()
    assert margin_states(world) == [MarginState.NORMAL]


@pytest.mark.parametrize(("bid", "state"), [
    ("1.09511", None),                    # equity 550.10, used 550.05
    ("1.095105", MarginState.CALLED),     # equity 550.05: 100 % exactly
    ("1.067604", MarginState.CALLED),
    ("1.0676025", MarginState.STOPPED_OUT),  # equity 275.025: 50 % exactly
])  # fmt: skip
def test_thresholds_are_reached_at_the_very_level(bid, state):
    world = World(deposit="600")
    world.deal(quantity="10000")
    world.quote("EURUSD", bid)
    world.check_margin()
    assert margin_states(world) == ([] if state is None else [state])


def test_a_stop_out_frees_held_margin_first_and_may_stop_there():
    world = World(deposit="1000")
    world.deal(quantity="10000")
    resting = [world.place(a_limit("BUY", "8000", "1.0")), world.place(a_stop("SELL", "10000", "1.0"))]
    world.quote("EURUSD", "1.04700")
    world.check_margin()
    assert world.kinds == ["OrderCancelled", "MarginStateChanged"]
    assert margin_states(world) == [MarginState.CALLED]
    assert world.order(resting[0]).end_reason == "stop-out: margin freed"
    assert resting[1].is_working, "what only closes holds nothing and stays"


def test_a_stop_out_closes_the_worst_position_and_one_at_a_time():
    world = World(deposit="1500")
    world.deal(quantity="10000")
    world.deal(symbol="AAPL", quantity="30")
    world.quote("EURUSD", "1.00500")
    world.quote("AAPL", "195.00")
    world.check_margin()
    (closing,) = [order for order in world.orders if order.role is OrderRole.LIQUIDATION]
    assert (closing.terms.symbol, closing.terms.reduce_only, closing.terms.quantity) == ("EURUSD", True, 10000)
    world.check_margin()
    assert world.events == (), "its fill asks for the next look"
    world.fill(closing)
    assert world.told(ev.PositionClosed)[0].reason == "stop_out"
    world.check_margin()
    assert margin_states(world) == [MarginState.NORMAL]


def test_what_cannot_be_closed_now_is_closed_when_its_market_opens():
    world = World(an_instrument(sessions=((1440, 1440 + 720),)), deposit="600")
    world.deal(quantity="10000")
    world.wait_until("2025-01-14T13:00:00Z")
    world.quote("EURUSD", "1.05000")
    world.check_margin()
    assert world.kinds == ["MarginStateChanged"]
    world.wait_until("2025-01-21T09:00:00Z")
    world.check_margin()
    assert world.kinds == ["OrderAccepted"]


def test_an_isolated_position_goes_when_its_own_margin_is_eaten():
    world = World()
    world.deal(quantity="10000", margin_mode="ISOLATED")
    world.quote("EURUSD", "1.07261")
    world.check_margin()
    assert world.events == ()
    world.quote("EURUSD", "1.07259")
    world.check_margin()
    assert [event.role for event in world.told(ev.OrderAccepted)] == [OrderRole.LIQUIDATION]
    assert world.account.margin_state is MarginState.NORMAL


def test_the_liquidation_price_is_where_the_stop_out_comes():
    for mode in ("CROSS", "ISOLATED"):
        world = World(deposit="600" if mode == "CROSS" else "100000")
        world.place(a_limit("BUY", "100", "0.5"))  # Held margin is freed before a position goes.
        world.deal(quantity="10000", margin_mode=mode)
        price = liquidation_price(world.state, world.account, world.position, world.quotes.get)
        assert price is not None
        for bid, closes in ((price + Decimal("0.00001"), False), (price, True)):
            world.quotes["EURUSD"] = a_quote("EURUSD", str(bid), at=world.now)
            world.check_margin()
            assert any(order.role is OrderRole.LIQUIDATION for order in world.orders) is closes, (mode, bid)


# Funds.


@pytest.mark.parametrize(
    ("amount", "booked"), [("50.25", "DEPOSIT"), ("-50.25", "WITHDRAWAL"), ("-100000", "WITHDRAWAL")]
)
def test_funds_move(amount, booked):
    world = World()
    world.do(cmd.MoveFunds(LOGIN, Decimal(amount), comment="c"))
    (entry,) = world.told(ev.BalanceChanged)
    assert (entry.entry, entry.amount, entry.balance, entry.comment) == (
        booked,
        Decimal(amount),
        100_000 + Decimal(amount),
        "c",
    )


def test_nothing_is_no_movement():
    world = World()
    world.do(cmd.MoveFunds(LOGIN, Decimal(0)))
    assert world.events == ()


def test_what_positions_and_orders_need_stays():
    world = World()
    world.deal(quantity="10000")
    world.place(a_limit("BUY", "10000", "1.0"))
    available = world.value.margin_available
    world.do(cmd.MoveFunds(LOGIN, -available - Decimal("0.01")))
    assert world.rejection is not None
    world.do(cmd.MoveFunds(LOGIN, -world.rejection.numbers["would_pass"]))
    assert world.rejection is None


def test_a_new_leverage_is_for_new_orders():
    world = World()
    world.deal(quantity="10000")
    world.do(cmd.UpdateAccount(LOGIN, leverage=Decimal(10)))
    assert world.position.margin == Decimal("550.05")
    assert world.place(quantity="10000").margin_held == Decimal("1100.10")
    world.do(cmd.UpdateAccount(LOGIN, leverage=Decimal(10)))
    assert world.events == (), "the same again is no news"
    assert world.order(7300001).status is OrderStatus.FILLED
