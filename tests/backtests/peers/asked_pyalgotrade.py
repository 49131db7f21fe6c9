"""PyAlgoTrade, given a plan."""

from datetime import datetime, timedelta
from typing import Any

from pyalgotrade import bar as bars
from pyalgotrade import strategy
from pyalgotrade.barfeed import membf
from pyalgotrade.broker import backtesting

from tests.backtests.peers import plan

START = datetime(2020, 1, 1)  # noqa: DTZ001  (its clocks have no zone)
VOLUME = 1e9  # A quarter of it may be taken by one order: none is ever cut.


class Feed(membf.BarFeed):  # type: ignore[misc]  # It comes without types.
    """Bars in memory."""

    def barsHaveAdjClose(self) -> bool:
        return False


class Follow(strategy.BacktestingStrategy):  # type: ignore[misc]
    """The rule of plan.py."""

    def __init__(self, feed: Feed, broker: backtesting.Broker, wishes: list[dict[str, Any]]) -> None:
        super().__init__(feed, broker)
        self.wishes = wishes
        self.fills: list[plan.Filled] = []
        self.equity: list[float] = []
        self.since = 0

    def onOrderUpdated(self, order: Any) -> None:
        if order.isFilled():
            execution, sign = order.getExecutionInfo(), 1 if order.isBuy() else -1
            bar = (execution.getDateTime() - START).days
            self.fills.append((bar, sign * execution.getQuantity(), execution.getPrice()))

    def onBars(self, _: Any) -> None:
        bar, broker = len(self.equity), self.getBroker()
        self.equity.append(broker.getEquity())
        wish, held, waiting = self.wishes[bar], broker.getShares("X"), broker.getActiveOrders()
        if waiting:
            if bar - self.since >= plan.PATIENCE:
                for order in waiting:
                    broker.cancelOrder(order)
        elif held:
            if wish["leaves"]:
                self.since = bar
                self.marketOrder("X", -held, goodTillCanceled=True)
        elif wish["enters"]:
            self.since = bar
            self.enter(wish)

    def enter(self, wish: dict[str, Any]) -> None:
        units, kind = wish["side"] * wish["units"], wish["kind"]
        if kind == "market":
            self.marketOrder("X", units, goodTillCanceled=True)
        elif kind == "limit":
            self.limitOrder("X", wish["price"], units, goodTillCanceled=True)
        elif kind == "stop":
            self.stopOrder("X", wish["price"], units, goodTillCanceled=True)
        else:
            self.stopLimitOrder("X", wish["price"], wish["limit"], units, goodTillCanceled=True)


def ask(name: str, seed: int) -> tuple[list[plan.Filled], list[float]]:
    """Fills in their order, and equity at each close."""
    feed = Feed(bars.Frequency.DAY)
    rows = [
        bars.BasicBar(START + timedelta(days=number), *row, VOLUME, None, bars.Frequency.DAY)
        for number, row in enumerate(plan.bars(seed))
    ]
    feed.addBarsFromSequence("X", rows)
    rate, fixed = plan.fee(name, seed)
    commission = backtesting.TradePercentage(rate) if rate else backtesting.FixedPerTrade(fixed)
    follow = Follow(feed, backtesting.Broker(plan.CASH, feed, commission), plan.wishes(name, seed))
    follow.run()
    return follow.fills, follow.equity
