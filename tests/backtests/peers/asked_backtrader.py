"""backtrader, given a plan."""

from typing import Any

import backtrader as bt
import pandas as pd

from tests.backtests.peers import plan

KINDS = {"limit": bt.Order.Limit, "stop": bt.Order.Stop, "trail": bt.Order.StopTrail}


class Follow(bt.Strategy):  # type: ignore[misc]  # It comes without types.
    """The rule of plan.py."""

    params = (("wishes", None), ("is_close", False))

    def __init__(self) -> None:
        self.fills: list[plan.Filled] = []
        self.equity: list[float] = []
        self.waiting: Any = None
        self.since = 0

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            bar = len(self.data) - 1
            at_close = self.p.is_close and order.exectype == bt.Order.Market
            self.fills.append((bar - 1 if at_close else bar, order.executed.size, order.executed.price))
        if order.status in (order.Completed, order.Canceled, order.Margin, order.Rejected):
            self.waiting = None

    def next(self) -> None:
        bar = len(self.data) - 1
        self.equity.append(self.broker.getvalue())
        wish = self.p.wishes[bar]
        if self.waiting:
            if bar - self.since >= plan.PATIENCE:
                self.cancel(self.waiting)
        elif self.position.size:
            if wish["leaves"]:
                self.since, self.waiting = bar, self.close()
        elif wish["enters"]:
            self.since, self.waiting = bar, self.enter(wish)

    def enter(self, wish: dict[str, Any]) -> Any:
        give = self.buy if wish["side"] > 0 else self.sell
        options: dict[str, Any] = {"size": wish["units"], "exectype": KINDS.get(wish["kind"])}
        if wish["kind"] in ("limit", "stop"):
            options["price"] = wish["price"]
        elif wish["kind"] == "trail":
            options["trailamount"] = wish["distance"]
        return give(**options)


def ask(name: str, seed: int) -> tuple[list[plan.Filled], list[float]]:
    """Fills in their order, and equity at each close."""
    frame = pd.DataFrame(plan.bars(seed), columns=["open", "high", "low", "close"])
    frame.index = pd.date_range("2020-01-01", periods=plan.BARS)
    is_close = name.endswith("close")
    brain = bt.Cerebro(stdstats=False)
    brain.addstrategy(Follow, wishes=plan.wishes(name, seed), is_close=is_close)
    brain.adddata(bt.feeds.PandasData(dataname=frame))
    brain.broker.setcash(plan.CASH)
    brain.broker.setcommission(commission=plan.fee(name, seed)[0])
    brain.broker.set_coc(is_close)
    (follow,) = brain.run()
    return follow.fills, follow.equity
