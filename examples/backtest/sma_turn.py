"""Long after the fast average crossed above the slow one, short after it crossed below: never flat between.

    tradehall backtest examples/backtest/sma_turn.py --data GOOG.US.1d.parquet --cash 10000 --fee 0.2% \
        --set fast=10 --set slow=20 --report out.html
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tradehall.backtests import AllIn, BarColumns, BarSeen, Broker, Strategy


class SmaTurn(Strategy):
    """Closes what is open and goes all in on the other side at each crossing.

    `leaves_at_last_open`: what is open is closed at the open of the last bar.
    """

    def __init__(self, fast: int = 10, slow: int = 20, leaves_at_last_open: bool = False) -> None:
        self.fast, self.slow, self.leaves_at_last_open = fast, slow, leaves_at_last_open
        self.turns: dict[str, NDArray[np.int8]] = {}

    def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, NDArray[np.bool_]]:
        """The bars at which the averages crossed, and the last but one if it leaves there."""
        return {symbol: self._plan_of(symbol, columns.close) for symbol, columns in bars.items()}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """They crossed at this bar, or the end is near."""
        broker.close(bar.symbol)
        turn = self.turns[bar.symbol][bar.number]
        if turn > 0:
            self.go_long(bar, broker)
        elif turn < 0:
            self.go_short(bar, broker)

    def go_long(self, bar: BarSeen, broker: Broker) -> None:
        """Buy all that can be paid for at the price that the order meets."""
        broker.buy(AllIn(), bar.symbol)

    def go_short(self, bar: BarSeen, broker: Broker) -> None:
        """Sell as much."""
        broker.sell(AllIn(), bar.symbol)

    def _plan_of(self, symbol: str, close: NDArray[np.float64]) -> NDArray[np.bool_]:
        above = average(close, self.fast) - average(close, self.slow)
        turns = np.zeros(close.size, np.int8)
        turns[1:][(above[:-1] < 0) & (above[1:] > 0)] = 1
        turns[1:][(above[:-1] > 0) & (above[1:] < 0)] = -1
        self.turns[symbol] = turns
        looks: NDArray[np.bool_] = turns != 0
        if self.leaves_at_last_open:
            turns[-2] = 0
            looks[-2] = True
        return looks


def average(close: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Mean of the last `length` closes; NaN until there are so many."""
    means: NDArray[np.float64] = sliding_window_view(close, length).mean(axis=1)
    return np.concatenate((np.full(length - 1, np.nan), means))
