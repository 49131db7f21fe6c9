"""Runs that the project backtesting.py has published (README, user guide and tests of versions 0.3 to 0.6)."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from examples.backtest.sma_turn import SmaTurn
from tests.backtests.published.runs import account, day, equity, fills, needs_data, peak, play
from tradehall.backtests import AllIn, BarPath, BarSeen, Broker, Costs, FillRule, Recorded, Strategy
from tradehall.domain.instrument import FeeSide

pytestmark = needs_data

GOOG = ["bars/equity/GOOG.US.1d.parquet"]


class AdjustedEntry(SmaTurn):
    """Entries cost 0.2 % more than the price, shorts get 0.2 % less, and sizes are reckoned with that price."""

    def go_long(self, bar: BarSeen, broker: Broker) -> None:
        broker.buy(lambda price: broker.cash // (price * Decimal("1.002")), bar.symbol)

    def go_short(self, bar: BarSeen, broker: Broker) -> None:
        broker.sell(lambda price: broker.cash // (price * Decimal("0.998")), bar.symbol)


def test_the_run_in_the_docs_without_commission():
    """Docstring of `Backtest.run` and `test_compute_stats` (0.6): averages of 10 and 30, closed at the last open."""
    result = play(SmaTurn(10, 30, leaves_at_last_open=True), GOOG, accounts=account(10_000))
    assert (equity(result), peak(result), len(result.round_trips)) == ("51422.99", "75787.44", 66)
    metrics = result.metrics
    assert metrics.tally.win_rate == pytest.approx(0.4696969696969697)
    assert metrics.max_drawdown == pytest.approx(0.4798012705007589)
    assert metrics.total_return == pytest.approx(4.142299)
    assert metrics.annual_return == pytest.approx(0.2118026, abs=5e-8)
    assert metrics.calmar == pytest.approx(0.44144, abs=5e-6)
    assert metrics.tally.sqn == pytest.approx(1.0766187356697705)


@pytest.mark.parametrize(("fast", "slow", "final", "highest", "ended"), [
    (10, 20, "68935.12",  "68991.22",  93),
    (10, 15, "105040.13", "108327.72", 152),
])  # fmt: skip
def test_the_runs_of_readme_and_user_guide_with_a_commission_in_the_entry_price(fast, slow, final, highest, ended):
    """README and Quick Start User Guide: 0.2 % once, at the entry, as versions up to 0.5 charged it."""
    costs = Costs(taker_rate=Decimal("0.002"), charged=FeeSide.OPENING)
    accounts = account(10_000, leverage=Decimal(2), margin_call_level=Decimal(0), stop_out_level=Decimal(0))
    result = play(AdjustedEntry(fast, slow), GOOG, accounts=accounts, costs=costs)
    assert (equity(result), peak(result), result.metrics.tally.ended) == (final, highest, ended)


def test_the_readme_run_as_version_0_6_charges_it():
    """The README's code under 0.6.5: 0.2 % at entry and at exit. Equity 56263.51934, commissions 10563.95154."""
    result = play(SmaTurn(10, 20), GOOG, accounts=account(10_000), costs=Costs(taker_rate=Decimal("0.002")))
    assert f"{result.accounts[0].equity:.5f}" == "56263.51934"
    assert f"{result.metrics.tally.fees:.5f}" == "10563.95154"  # Of ended round trips, as there.
    assert peak(result) == "56309.06"


class Once(Strategy):
    """Buys at the open of the third bar and sells at that of the fourth; notes equity at the closes."""

    def __init__(self, *, fee_of_each_unit: int = 0) -> None:
        self.curve: list[str] = []
        self.fee_of_each_unit = fee_of_each_unit

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        self.curve.append(f"{broker.equity:.2f}")
        if bar.number == 1:
            rate = Decimal("1.01")
            broker.buy(
                (lambda price: broker.cash // (price * rate + self.fee_of_each_unit))
                if self.fee_of_each_unit
                else AllIn()
            )
        elif bar.number == 2:
            broker.close()


PERCENT = Decimal("0.01")


@pytest.mark.parametrize(("strategy", "costs", "expected"), [
    (Once(), Costs(taker_rate=PERCENT, spread_rate=PERCENT, recorded=Recorded.BID), ["9685.31", "9749.33"]),
    # `commission=(100, .01)`: an order sized by a share of equity reckons the 100 as if each unit cost them.
    (Once(fee_of_each_unit=100), Costs(taker_rate=PERCENT, fixed=Decimal(100)),     ["9784.50", "9718.69"]),
    (Once(), Costs(taker_rate=PERCENT),                                             ["9781.28", "9846.04"]),
])  # fmt: skip
def test_equity_at_the_close_after_spread_fixed_and_relative_commissions(strategy, costs, expected):
    """`test_spread_commission` (0.6): equity at the close of the third and fourth bars."""
    play(strategy, GOOG, accounts=account(10_000), costs=costs)
    assert strategy.curve[2:4] == expected


class Script(Strategy):
    """Calls `wishes[day](broker)` at the end of that day."""

    def __init__(self, wishes: dict[str, Callable[[Broker], object]]) -> None:
        self.wishes = {day(text): wish for text, wish in wishes.items()}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        if bar.at in self.wishes:
            self.wishes[bar.at](broker)


def exits(**prices: str) -> Callable[[Broker], object]:
    """Exits for what is open, which wait from the next bar on."""

    def wish(broker: Broker) -> None:
        position = broker.position()
        assert position is not None, "a position was opened before its exits"
        broker.set_exits(position, **prices)

    return wish


@pytest.mark.parametrize(("source", "wishes", "prices"), [
    # Where it stands in the tests of 0.6                   what is asked for at the end of a day
    ("test_trade_enter_hit_sl_on_same_day",
     {"2012-10-17": lambda b: b.buy(1, stop_loss="720")},                                           (None, "720")),
    ("the same, where a stop entry's exit waits a bar",
     {"2012-10-17": lambda b: b.buy(1, stop="758"),
      "2012-10-18": lambda b: b.sell(1, stop="720", reduce_only=True)},                             ("758", "705.58")),
    ("test_stop_price_between_sl_tp",
     {"2004-09-09": lambda b: b.buy(1, stop="104", stop_loss="103", take_profit="110")},            ("104", None)),
    ("test_stop_limit_order_price_is_stop_price",
     {"2004-08-20": lambda b: (b.buy(1, stop="112", limit="113"), b.sell(1, stop="107", limit="105"))}, ("112", "107")),
    ("test_sl_always_before_tp",
     {"2004-08-24": lambda b: b.buy(), "2004-08-25": exits(stop_loss="105", take_profit="107.9")},  (None, "104.95")),
    ("test_stop_entry_and_tp_in_same_bar",
     {"2004-08-23": lambda b: b.sell(1, stop="108", take_profit="105", stop_loss="113")},           ("108", "105")),
    ("test_sl_value_in_trades_df_when_gapped_through",
     {"2004-08-31": lambda b: b.buy(1, stop_loss="99.5")},                                          (None, "99.19")),
])  # fmt: skip
def test_stops_and_targets_inside_bars(source, wishes, prices):
    """Entry and exit prices of the first trade as the tests of backtesting.py 0.6 name them."""
    fill_rule = FillRule(path=BarPath.ADVERSE_FIRST, improves_limits=True)
    result = play(Script(wishes), GOOG, accounts=account(10_000), fills=fill_rule)
    entry, left = fills(result)[:2]
    for fill, price in zip((entry, left), prices, strict=True):
        assert price is None or fill.price == Decimal(price), source
