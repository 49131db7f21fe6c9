"""Buys short weakness in a rise and sells short strength in a fall; leaves when the close crosses a short average.

tradehall backtest examples/backtest/rsi2.py --data DIA.US.1d.parquet --cash 1000000 --adjusted
"""

from collections import deque

from tradehall.backtests import BarSeen, Broker, Strategy


class Rsi2(Strategy):
    """`trend`, `exit`: lengths of the averages; `low`, `high`: of the RSI over `period` closes; `part` of the cash."""

    def __init__(
        self, trend: int = 200, exit: int = 5, period: int = 2, low: float = 10, high: float = 90, part: float = 0.9
    ) -> None:
        self.trend, self.exit = RunningMean(trend), RunningMean(exit)
        self.low, self.high, self.part = low, high, part
        self.rsi = Rsi(period)
        self.side_of_exit = 0.0

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """Enter or leave."""
        for indicator in (self.trend, self.exit, self.rsi):
            indicator.add(bar.close)
        before, self.side_of_exit = self.side_of_exit, bar.close - self.exit.value
        if not self.trend.is_full:
            return
        units = broker.net()
        if units:
            if before <= 0 < self.side_of_exit if units > 0 else before >= 0 > self.side_of_exit:
                broker.close()
            return
        size = int(float(broker.cash) * self.part / bar.close)
        if bar.close > self.trend.value and self.rsi.value <= self.low:
            broker.buy(size)
        elif bar.close < self.trend.value and self.rsi.value >= self.high:
            broker.sell(size)


class RunningMean:
    """Mean of the last `length` values, carried on from value to value.

    A mean that is summed anew may tell a close that is equal to it where this one, by the last digit of a float,
    tells a crossing: published runs hang on such digits.
    """

    def __init__(self, length: int) -> None:
        self.values: deque[float] = deque(maxlen=length)
        self.length, self.value = length, 0.0

    @property
    def is_full(self) -> bool:
        """Whether so many values have come."""
        return len(self.values) == self.length

    def add(self, value: float) -> None:
        """The next value."""
        if self.is_full:
            first = self.values[0]
            self.values.append(value)
            self.value = self.value + value / self.length - first / self.length
        else:
            self.values.append(value)
            self.value = sum(self.values) / len(self.values)


class Rsi:
    """Wilder's relative strength index; its first averages are those of the first `period` changes."""

    def __init__(self, period: int) -> None:
        self.period, self.value = period, 50.0
        self._last: float | None = None
        self._changes: list[float] = []
        self._gain = self._loss = 0.0

    def add(self, close: float) -> None:
        """The next close."""
        change = 0.0 if self._last is None else close - self._last
        if self._last is not None:
            self._changes.append(change)
        self._last = close
        count = len(self._changes)
        if count < self.period:
            return
        if count == self.period:
            self._gain = sum(max(0.0, one) for one in self._changes) / count
            self._loss = sum(max(0.0, -one) for one in self._changes) / count
        else:
            self._gain = (self._gain * (self.period - 1) + max(0.0, change)) / self.period
            self._loss = (self._loss * (self.period - 1) + max(0.0, -change)) / self.period
        self.value = 100.0 if not self._loss else 100 - 100 / (1 + self._gain / self._loss)
