"""Buys what closes below the lower Bollinger band with all its cash, sells once it closes above the upper one.

tradehall backtest examples/backtest/bollinger.py --data YHOO-WIKI.US.1d.parquet --cash 1000000 --cash-account
"""

from collections import deque

import numpy as np

from tradehall.backtests import BarSeen, Broker, Strategy


class Bollinger(Strategy):
    """`width`: of the bands in deviations. The size is reckoned at the close: what opens too high is refused."""

    def __init__(self, length: int = 40, width: float = 2.0) -> None:
        self.closes: deque[float] = deque(maxlen=length)
        self.width = width

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """Where the close stands between the bands."""
        self.closes.append(bar.close)
        if len(self.closes) < (self.closes.maxlen or 0):
            return
        closes = np.array(self.closes)
        mean, reach = closes.mean(), closes.std() * self.width
        units = broker.net()
        if not units and bar.close < mean - reach:
            broker.buy(int(float(broker.cash) / bar.close))
        elif units and bar.close > mean + reach:
            broker.sell(units)
