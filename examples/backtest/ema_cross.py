"""Long while the fast average is above the slow one, flat otherwise; signals are computed ahead of time.

    tradehall backtest examples/backtest/ema_cross.py --data GOOG.US.1d.parquet --cash 10000 --fee 0.2% \
        --set fast=10 --set slow=40 --report out.html
"""

from collections.abc import Mapping

import numpy as np
import talib
from numpy.typing import NDArray

from tradehall.backtests import AllIn, BarColumns, BarSeen, Broker, Strategy


class EmaCross(Strategy):
    """Buys all that the account can pay for when the averages cross upwards, and closes when they cross back."""

    def __init__(self, fast: int = 20, slow: int = 100) -> None:
        self.fast, self.slow = fast, slow
        self.is_up: dict[str, NDArray[np.bool_]] = {}

    def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, NDArray[np.bool_]]:
        """The bars at which the averages crossed."""
        crossed = {}
        for symbol, columns in bars.items():
            is_up = talib.EMA(columns.close, self.fast) > talib.EMA(columns.close, self.slow)
            self.is_up[symbol] = is_up
            crossed[symbol] = np.append(False, is_up[1:] != is_up[:-1])
        return crossed

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """They crossed at this bar."""
        if self.is_up[bar.symbol][bar.number]:
            broker.buy(AllIn(), bar.symbol)
        else:
            broker.close(bar.symbol)
