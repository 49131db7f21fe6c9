"""Runs that the project PyAlgoTrade has published with its samples (0.20): what they print, and what fills.

Its Sharpe ratios are of daily returns with 5 % a year without risk, a 252nd of it a day, the first return being
that of the first day.
"""

from decimal import Decimal
from typing import Any

import numpy as np

from examples.backtest.bollinger import Bollinger
from examples.backtest.rsi2 import Rsi2, RunningMean
from examples.backtest.vwap_momentum import VwapMomentum
from tests.backtests.published.runs import account, day, equity, fills, needs_data, play
from tradehall.backtests import BarSeen, Broker, Result, Strategy
from tradehall.engine import events as ev

pytestmark = needs_data

MILLION = 1_000_000
AAPL = ["bars/equity/AAPL.US.1d.parquet"]
TWO_YEARS: dict[str, Any] = {"begins_at": day("2011-01-01"), "ends_at": day("2013-01-01")}


def sharpe(result: Result) -> float:
    """Their ratio, of the equity at the end of each day."""
    _, closes = result.equity.daily()
    returns = np.diff(closes, prepend=float(MILLION)) / np.concatenate(([MILLION], closes[:-1]))
    return float((returns.mean() - 0.05 / 252) / returns.std(ddof=1) * np.sqrt(252))


def test_bollinger_bands_on_an_account_that_pays_in_full():
    """samples/bbands: seven orders are refused because the next open costs too much; Sharpe ratio 0.71."""
    result = play(Bollinger(), ["bars/equity/YHOO-WIKI.US.1d.parquet"], accounts=account(MILLION, is_cash=True))
    orders = [
        (event.terms.quantity, "refused")
        if isinstance(event, ev.OrderRejected)
        else (event.fill.quantity, event.fill.side)
        for record in result.records
        for event in record.events
        if isinstance(event, ev.OrderRejected | ev.OrderFilled)
    ]
    assert orders == [
        (74183, "refused"), (73583, "refused"), (73046, "refused"), (73610, "refused"), (74074, "refused"),
        (76335, "refused"), (76335, "BUY"), (76335, "SELL"),
        (77454, "refused"), (78819, "BUY"), (78819, "SELL"), (82565, "BUY"), (82565, "SELL"),
    ]  # fmt: skip
    assert f"{sharpe(result):.2f}" == "0.71"


def test_rsi2_long_and_short_on_adjusted_prices():
    """samples/rsi2_sample: Sharpe ratio -0.11; run anew, -0.1089059331 and a final equity of 1167406.30."""
    result = play(Rsi2(), ["bars/equity/DIA.US.1d.parquet"], adjusted=True, accounts=account(MILLION))
    assert f"{sharpe(result):.10f}" == "-0.1089059331"
    assert equity(result) == "1167406.30"


def test_vwap_momentum_buys_a_hundred_at_a_time():
    """samples/vwap_momentum: Sharpe ratio 0.89."""
    result = play(VwapMomentum(), AAPL, accounts=account(MILLION, is_cash=True), **TWO_YEARS)
    assert f"{sharpe(result):.2f}" == "0.89"


class AboveAverage(Strategy):
    """Long with nine tenths of the cash while the close is above its average."""

    def __init__(self, length: int) -> None:
        self.average = RunningMean(length)
        self.above = 0.0

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        self.average.add(bar.close)
        before, self.above = self.above, bar.close - self.average.value if self.average.is_full else 0.0
        if before < 0 < self.above:
            broker.buy(int(broker.cash * Decimal("0.9") / Decimal(str(bar.close))))
        elif before > 0 > self.above:
            broker.close()


def test_a_crossing_of_price_and_average_on_adjusted_prices():
    """samples/sma_crossover_sample: Sharpe ratio 1.12 (there of prices that are adjusted for later years too)."""
    result = play(AboveAverage(163), AAPL, adjusted=True, accounts=account(MILLION, is_cash=True), **TWO_YEARS)
    assert f"{sharpe(result):.2f}" == "1.12"
    assert fills(result)
