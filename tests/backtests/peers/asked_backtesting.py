"""backtesting.py, given a plan."""

import warnings
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy

from tests.backtests.peers import plan


class Follow(Strategy):  # type: ignore[misc]  # It comes without types.
    """The rule of plan.py."""

    wishes: Any = None

    def init(self) -> None:
        self.since = 0

    def next(self) -> None:
        bar = len(self.data) - 1
        wish = self.wishes[bar]
        entries = [order for order in self.orders if not order.is_contingent and not order.parent_trade]
        if entries:
            if bar - self.since >= plan.PATIENCE:
                for order in entries:
                    order.cancel()
        elif self.position:
            if wish["leaves"]:
                self.position.close()
        elif wish["enters"] and not self.orders:
            self.since = bar
            self.enter(wish)

    def enter(self, wish: dict[str, Any]) -> None:
        give = self.buy if wish["side"] > 0 else self.sell
        options = {} if wish["kind"] == "all_in" else {"size": wish["units"]}
        if wish["kind"] in ("limit", "stop"):
            options[wish["kind"]] = wish["price"]
        give(**options, sl=wish.get("stop_loss"), tp=wish.get("take_profit"))


def ask(name: str, seed: int) -> tuple[list[plan.Filled], list[float]]:
    """Fills in order of their bars, and equity at each close."""
    frame = pd.DataFrame(plan.bars(seed), columns=["Open", "High", "Low", "Close"])
    frame.index = pd.date_range("2020-01-01", periods=plan.BARS)
    rate, fixed = plan.fee(name, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = Backtest(frame, Follow, cash=plan.CASH, commission=(fixed, rate), trade_on_close=name.endswith("close"))
        stats = test.run(wishes=plan.wishes(name, seed))
    fills = []
    for trade in (*stats._strategy.closed_trades, *stats._strategy.trades):
        fills.append((int(trade.entry_bar), float(trade.size), float(trade.entry_price)))
        if trade.exit_bar is not None:
            fills.append((int(trade.exit_bar), -float(trade.size), float(trade.exit_price)))
    return sorted(fills, key=lambda fill: fill[0]), stats["_equity_curve"]["Equity"].tolist()
