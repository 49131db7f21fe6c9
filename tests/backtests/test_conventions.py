"""Conventions, one row of prices at a time: when an order fills, at which price, and what it costs."""

from decimal import Decimal
from typing import Any

import pytest

from tests.backtests.tapes import BEGIN, bars_of, quotes_of
from tradehall.backtests import (
    AccountSetup,
    ActionKind,
    AllIn,
    Amount,
    BacktestSettings,
    BarPath,
    BarSeen,
    Broker,
    CorporateAction,
    Costs,
    FillAt,
    FillRule,
    InBar,
    QuoteSeen,
    Recorded,
    Result,
    Strategy,
    Units,
    run,
)
from tradehall.domain.instrument import FeeSide
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_MS
from tradehall.engine import events as ev
from tradehall.venue.settings import VenueSettings


class Script(Strategy):
    """Calls `wishes[n](broker)` when bar n is over."""

    def __init__(self, **wishes: Any) -> None:
        self.wishes = {int(name.removeprefix("at_")): wish for name, wish in wishes.items()}
        self.fills: list[tuple[str, Decimal]] = []
        self.refusals: list[RejectCode] = []
        self.made: list[Any] = []

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        wish = self.wishes.get(bar.number)
        if wish is not None:
            self.made.append(wish(broker))

    def on_event(self, event: ev.AnyEvent, broker: Broker) -> None:
        if isinstance(event, ev.OrderFilled):
            self.fills.append((f"{event.fill.side} {event.fill.quantity:f}", event.fill.price))
        elif isinstance(event, ev.OrderRejected):
            self.refusals.append(event.rejection.code)


def play(script: Script, *bars: tuple[float, float, float, float], **settings: Any) -> Result:
    """Run a script over bars of a share; every setting that is not told is its default."""
    fills = {name: settings.pop(name) for name in ("at", "path", "in_bar", "improves_limits") if name in settings}
    result = run(script, [bars_of(*bars)], BacktestSettings(fills=FillRule(**fills), **settings))
    assert result.failure is None, result.failure.traceback
    return result


def filled(script: Script) -> list[tuple[str, str]]:
    return [(what, f"{price:f}") for what, price in script.fills]


# open high low close
FLAT = (100.0, 101.0, 99.0, 100.0)
NEXT = (102.0, 103.0, 101.5, 102.5)


# ---------------------------------------------------------------- when and at which price


@pytest.mark.parametrize(("rule", "price"), [
    (FillAt.NEXT_OPEN,  "102.00"),
    (FillAt.THIS_CLOSE, "100.00"),
])  # fmt: skip
def test_a_market_order_fills_at_the_next_open_or_at_this_close(rule, price):
    script = Script(at_0=lambda broker: broker.buy(10))
    play(script, FLAT, NEXT, at=rule)
    assert filled(script) == [("BUY 10", price)]


def test_an_order_at_the_last_bar_waits_for_an_open_that_does_not_come_and_the_result_says_so():
    script = Script(at_1=lambda broker: broker.buy(10))
    result = play(script, FLAT, NEXT)
    assert filled(script) == []
    assert script.made[0].is_queued
    assert result.notes == ("1 orders still waited for an open that did not come",)


def long_with(**exits: Any) -> Script:
    """Long ten from the second bar's open at 102, with exits."""
    return Script(at_0=lambda broker: broker.buy(10, **exits))


@pytest.mark.parametrize(("what", "exits", "third", "settings", "sold_at"), [
    # what                            exits                          open  high  low  close    settings                        sold at
    ("a stop inside the bar",         dict(stop_loss="97"),          (102.0, 103.0, 96.0, 98.0), {},                           "97"),
    ("the same, at the extreme",      dict(stop_loss="97"),          (102.0, 103.0, 96.0, 98.0), {"in_bar": InBar.AT_EXTREME}, "96.00"),
    ("a stop over a gap",             dict(stop_loss="97"),          (95.0, 98.0, 94.0, 96.0),   {},                           "95.00"),
    ("a target inside the bar",       dict(take_profit="105"),       (102.0, 106.0, 101.0, 104.0), {},                         "105"),
    ("a target over a gap",           dict(take_profit="105"),       (107.0, 108.0, 106.0, 107.0), {},                         "105"),
    ("the same, improved",            dict(take_profit="105"),       (107.0, 108.0, 106.0, 107.0), {"improves_limits": True},  "107.00"),
    ("both, low nearer",              dict(stop_loss="97", take_profit="110"), (102.0, 111.0, 96.0, 100.0), {},                "97"),
    ("both, high nearer",             dict(stop_loss="90", take_profit="105"), (102.0, 106.0, 89.0, 100.0), {},                "105"),
    ("both, high nearer, pessimist",  dict(stop_loss="90", take_profit="105"), (102.0, 106.0, 89.0, 100.0), {"path": BarPath.ADVERSE_FIRST}, "90"),
    ("both, low nearer, high first",  dict(stop_loss="97", take_profit="110"), (102.0, 111.0, 96.0, 100.0), {"path": BarPath.HIGH_FIRST}, "110"),
    ("both, high nearer, low first",  dict(stop_loss="90", take_profit="105"), (102.0, 106.0, 89.0, 100.0), {"path": BarPath.LOW_FIRST}, "90"),
    ("only open and close count",     dict(stop_loss="97"),          (102.0, 103.0, 90.0, 98.0), {"path": BarPath.OPEN_CLOSE}, None),
    ("reached on the way to close",   dict(stop_loss="97"),          (102.0, 103.0, 90.0, 96.0), {"path": BarPath.OPEN_CLOSE}, "97"),
])  # fmt: skip
def test_exits_inside_a_bar(what, exits, third, settings, sold_at):
    script = long_with(**exits)
    play(script, FLAT, NEXT, third, **settings)
    expected = [("BUY 10", "102.00")] + ([("SELL 10", sold_at)] if sold_at else [])
    assert filled(script) == expected, what


def test_a_short_position_is_hurt_by_the_high_first():
    script = Script(at_0=lambda broker: broker.sell(10, stop_loss="105", take_profit="96"))
    play(script, FLAT, NEXT, (102.0, 106.0, 95.9, 100.0), path=BarPath.ADVERSE_FIRST)
    assert filled(script) == [("SELL 10", "102.00"), ("BUY 10", "105")]


def test_a_trailing_stop_follows_the_high_and_sells_on_the_way_down():
    script = Script(
        at_0=lambda broker: broker.buy(10), at_1=lambda broker: broker.sell(10, trail="3", reduce_only=True)
    )
    play(script, FLAT, NEXT, (103.0, 110.0, 102.5, 104.0))
    assert filled(script) == [("BUY 10", "102.00"), ("SELL 10", "107.00")]


def test_limits_that_wait_for_the_next_open_take_it_where_it_is_better():
    script = Script(at_0=lambda broker: broker.buy(10, limit="103"))
    play(script, FLAT, NEXT)
    assert filled(script) == [("BUY 10", "102.00")]


def test_slippage_worsens_market_orders_and_stops_only():
    script = Script(at_0=lambda broker: broker.buy(10, take_profit="105"))
    play(script, FLAT, NEXT, (102.0, 106.0, 101.0, 104.0), venue=VenueSettings(slippage_ticks=5))
    assert filled(script) == [("BUY 10", "102.05"), ("SELL 10", "105")]


@pytest.mark.parametrize(("costs", "bought", "sold"), [
    (Costs(spread=Decimal("0.10")),       "102.050",   "101.450"),
    (Costs(spread_rate=Decimal("0.002")), "102.102000", "101.398500"),
])  # fmt: skip
def test_a_spread_parts_bid_and_ask(costs, bought, sold):
    script = Script(at_0=lambda broker: broker.buy(10), at_1=lambda broker: broker.close())
    result = play(script, FLAT, NEXT, (101.5, 102.0, 101.0, 101.5), costs=costs)
    assert filled(script) == [("BUY 10", bought), ("SELL 10", sold)]
    assert result.paid.spread == (Decimal(bought) - 102) * 10 + (Decimal("101.5") - Decimal(sold)) * 10


@pytest.mark.parametrize(("costs", "bought"), [
    (Costs(spread=Decimal("0.10"), recorded=Recorded.BID),       "102.10"),
    (Costs(spread_rate=Decimal("0.002"), recorded=Recorded.BID), "102.204"),
])  # fmt: skip
def test_over_recorded_bids_who_buys_pays_the_spread_and_who_sells_does_not(costs, bought):
    script = Script(at_0=lambda broker: broker.buy(10), at_1=lambda broker: broker.close())
    play(script, FLAT, NEXT, (101.5, 102.0, 101.0, 101.5), costs=costs)
    assert [price for _, price in script.fills] == [Decimal(bought), Decimal("101.5")]


def test_latency_lets_an_order_meet_a_later_quote():
    class AtOnce(Strategy):
        def on_quote(self, quote: QuoteSeen, broker: Broker) -> None:
            if quote.number == 0:
                broker.buy(1)

    tape = quotes_of((100, 101), (102, 103), (104, 105))
    settings = BacktestSettings(venue=VenueSettings(latency_ns=1_500 * NS_PER_MS))
    (fill,) = [
        event.fill
        for record in run(AtOnce(), [tape], settings).records
        for event in record.events
        if isinstance(event, ev.OrderFilled)
    ]
    assert (fill.price, fill.at - BEGIN) == (103, 1_500 * NS_PER_MS + 1)


# ---------------------------------------------------------------- fees and money


@pytest.mark.parametrize(("what", "costs", "paid"), [
    # Ten bought at 102 and sold at 101.50.
    ("a rate",               Costs(taker_rate=Decimal("0.002")),                              "4.07"),
    ("a unit",               Costs(per_unit=Decimal("0.05")),                                 "1.00"),
    ("a fill",               Costs(fixed=Decimal("1.25")),                                    "2.50"),
    ("a rate and a fill",    Costs(taker_rate=Decimal("0.002"), fixed=Decimal(1)),            "6.07"),
    ("a minimum",            Costs(per_unit=Decimal("0.05"), minimum=Decimal(1)),             "2.00"),
    ("only what opens",      Costs(taker_rate=Decimal("0.002"), charged=FeeSide.OPENING),     "2.04"),
    ("only what closes",     Costs(taker_rate=Decimal("0.002"), charged=FeeSide.CLOSING),     "2.03"),
    ("nothing",              Costs(),                                                         "0"),
])  # fmt: skip
def test_fees(what, costs, paid):
    script = Script(at_0=lambda broker: broker.buy(10), at_1=lambda broker: broker.close())
    result = play(script, FLAT, NEXT, (101.5, 102.0, 101.0, 101.5), costs=costs)
    assert result.paid.commission == Decimal(paid), what
    assert result.accounts[0].balance == 100_000 - 5 - Decimal(paid)


def test_a_fill_that_turns_a_position_round_pays_for_the_side_that_is_charged():
    script = Script(at_0=lambda broker: broker.buy(10), at_1=lambda broker: broker.sell(30))
    costs = Costs(per_unit=Decimal("0.10"), charged=FeeSide.CLOSING)
    assert play(script, FLAT, NEXT, NEXT, costs=costs).paid.commission == 1


def test_money_is_kept_to_as_many_digits_as_are_asked_for():
    script = Script(at_0=lambda broker: broker.buy(1))
    setup = AccountSetup(money_digits=8)
    result = play(
        script, FLAT, (102.33, 103.0, 101.0, 102.0), accounts=(setup,), costs=Costs(taker_rate=Decimal("0.0012345"))
    )
    assert result.accounts[0].balance == Decimal("99999.87367362")
    assert result.accounts[0].currency == "USD"


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(("what", "size", "units", "settings"), [
    # The next open is 102; 10,000 are there, the fee is 0.2 %.
    ("whole units, fee included",      AllIn(),                                "97",             {}),
    ("whole units, fee on top",        AllIn(pays_fee=False, fraction=Decimal("0.99")), "97",    {}),
    ("half of it",                     AllIn(fraction=Decimal("0.5")),         "48",             {}),
    ("in lots of ten",                 AllIn(step=Decimal(10)),                "90",             {}),
    ("any fraction",                   AllIn(step=None),                       "97.843528629016", {"units": Units.FRACTIONAL}),
    ("so much money",                  Amount(money=Decimal(1_000)),           "9",              {}),
])  # fmt: skip
def test_sizes_are_worked_out_at_the_price_that_is_met(what, size, units, settings):
    script = Script(at_0=lambda broker: broker.buy(size))
    accounts = (AccountSetup(cash=Decimal(10_000)),)
    play(script, FLAT, NEXT, accounts=accounts, costs=Costs(taker_rate=Decimal("0.002")), **settings)
    assert filled(script) == [(f"BUY {units}", "102.00")], what


@pytest.mark.parametrize(("rule", "bought"), [
    (lambda price: 1_000 // price,        ["BUY 9"]),
    (lambda price: f"{price / 8:.2f}",    ["BUY 12.75"]),
    (lambda price: 0.0,                   []),
    (lambda price: 100 - price,           []),
])  # fmt: skip
def test_a_rule_of_ones_own_is_told_the_price_that_is_met(rule, bought):
    script = Script(at_0=lambda broker: broker.buy(rule))
    play(script, FLAT, NEXT)
    assert ([what for what, _ in script.fills], script.refusals) == (bought, [])


def test_all_in_uses_the_leverage():
    script = Script(at_0=lambda broker: broker.buy())
    play(script, FLAT, NEXT, accounts=(AccountSetup(cash=Decimal(1_000), leverage=Decimal(5)),))
    assert filled(script) == [("BUY 49", "102.00")]


def test_where_nothing_can_be_paid_all_in_places_nothing():
    script = Script(at_0=lambda broker: broker.buy())
    result = play(script, FLAT, NEXT, accounts=(AccountSetup(cash=Decimal(50)),))
    assert (filled(script), script.refusals, result.counters.fills) == ([], [], 0)


# ---------------------------------------------------------------- cash accounts


CASH = (AccountSetup(cash=Decimal(1_000), is_cash=True),)


@pytest.mark.parametrize(("what", "script", "fills", "refusals"), [
    ("pays in full",              Script(at_0=lambda b: b.buy(9)),                        ["BUY 9"],            []),
    ("not what it has not",       Script(at_0=lambda b: b.buy(10)),                       [],                   ["MARGIN_INSUFFICIENT"]),
    ("nor the fee",               Script(at_0=lambda b: b.buy(9, comment="fee")),         [],                   ["MARGIN_INSUFFICIENT"]),
    ("sells nothing short",       Script(at_0=lambda b: b.sell(1)),                       [],                   ["MARGIN_INSUFFICIENT"]),
    ("nor more than it holds",    Script(at_0=lambda b: b.buy(5), at_1=lambda b: b.sell(6)), ["BUY 5"],         ["MARGIN_INSUFFICIENT"]),
    ("sells what it holds",       Script(at_0=lambda b: b.buy(5), at_1=lambda b: b.sell(5)), ["BUY 5", "SELL 5"], []),
])  # fmt: skip
def test_a_cash_account(what, script, fills, refusals):
    costs = Costs(fixed=Decimal(100)) if what == "nor the fee" else Costs()
    play(script, FLAT, NEXT, NEXT, accounts=CASH, costs=costs)
    assert [fill for fill, _ in script.fills] == fills, what
    assert script.refusals == refusals


def test_a_cash_account_does_not_spend_what_it_has_not_realised():
    script = Script(
        at_0=lambda broker: broker.buy(8), at_1=lambda broker: broker.buy(1), at_2=lambda broker: broker.free
    )
    play(script, FLAT, (100.0, 300.0, 100.0, 300.0), (300.0, 301.0, 299.0, 300.0), accounts=CASH)
    assert script.refusals == [RejectCode.MARGIN_INSUFFICIENT]
    assert script.made[-1] == 200


# ---------------------------------------------------------------- splits and dividends


def test_a_dividend_is_paid_to_who_is_long_and_by_who_is_short():
    action = CorporateAction(BEGIN + 2 * NS_PER_MINUTE, "AAPL", ActionKind.DIVIDEND, Decimal("0.50"))
    for units, paid in ((10, 5), (-10, -5)):
        script = Script(at_0=lambda broker, n=units: broker.buy(n) if n > 0 else broker.sell(-n))
        result = play(script, FLAT, FLAT, FLAT, actions=(action,))
        assert result.accounts[0].balance == 100_000 + paid
        assert result.round_trips[0].swaps == paid


def test_a_split_changes_units_and_prices_but_not_what_they_are_worth():
    action = CorporateAction(BEGIN + 2 * NS_PER_MINUTE, "AAPL", ActionKind.SPLIT, Decimal(4))
    script = Script(
        at_0=lambda broker: broker.buy(10, stop_loss="80"),
        at_1=lambda broker: broker.equity,
        at_2=lambda broker: (broker.net(), broker.equity, [order.terms.stop_price for order in broker.orders()]),
        at_3=lambda broker: broker.net(),
    )
    quarter, fall = (25.0, 25.5, 24.5, 25.0), (21.0, 21.5, 19.0, 19.5)
    result = play(script, FLAT, FLAT, quarter, fall, actions=(action,))
    assert script.made[1:] == [100_000, (40, 100_000, [20]), 0]
    assert filled(script) == [("BUY 10", "100.00"), ("SELL 40", "20.00")]
    assert result.accounts[0].balance == 99_800


def test_a_reverse_split_does_not_call_a_levered_account():
    action = CorporateAction(BEGIN + 2 * NS_PER_MINUTE, "AAPL", ActionKind.SPLIT, Decimal("0.05"))
    accounts = (AccountSetup(cash=Decimal(300), leverage=Decimal(5)),)
    script = Script(at_0=lambda broker: broker.buy(10), at_2=lambda broker: broker.net())
    result = play(script, FLAT, FLAT, (2000.0, 2001.0, 1999.0, 2000.0), FLAT, actions=(action,), accounts=accounts)
    assert script.made[-1] == Decimal("0.5")
    margin_events = [e for record in result.records[:-3] for e in record.events if isinstance(e, ev.MarginStateChanged)]
    assert margin_events == []


def test_what_is_open_at_the_end_is_closed_where_that_is_asked():
    script = Script(at_0=lambda broker: broker.buy(10))
    result = play(script, FLAT, NEXT, closes_at_end=True)
    assert filled(script) == [("BUY 10", "102.00"), ("SELL 10", "102.50")]
    assert result.accounts[0].open_positions == 0
