"""Buys a lot when the close is above the volume-weighted average price, sells one when it is below.

tradehall backtest examples/backtest/vwap_momentum.py --data AAPL.US.1d.parquet --cash 1000000 --cash-account
"""

from collections import deque

from tradehall.backtests import BarSeen, Broker, Strategy


class VwapMomentum(Strategy):
    """`margin`: how far above or below; it buys no more once it holds a value of `most`."""

    def __init__(self, length: int = 5, margin: float = 0.01, lot: int = 100, most: float = 1_000_000) -> None:
        self.bars: deque[BarSeen] = deque(maxlen=length)
        self.margin, self.lot, self.most = margin, lot, most

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """Where the close stands beside the average of its last bars."""
        self.bars.append(bar)
        if len(self.bars) < (self.bars.maxlen or 0):
            return
        average = sum(one.close * one.volume for one in self.bars) / sum(one.volume for one in self.bars)
        held = float(broker.net()) * bar.close
        if bar.close > average * (1 + self.margin) and held < self.most:
            broker.buy(self.lot)
        elif bar.close < average * (1 - self.margin) and held > 0:
            broker.sell(self.lot)
