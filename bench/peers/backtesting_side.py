"""The same cross in backtesting.py: indicators ahead of time by its own `I`, `next` at every bar. Prints JSON."""

import json
import sys
import time
from typing import Any

import backtesting
import numpy as np
import pandas as pd

file, fast, slow, units = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
past = np.load(file)
bars = pd.DataFrame(
    {name.capitalize(): past[name] for name in ("open", "high", "low", "close", "volume")},
    index=pd.to_datetime(past["at"]),
)


def ema(close: Any, span: int) -> Any:
    return pd.Series(close).ewm(span=span, adjust=False).mean()


class Cross(backtesting.Strategy):  # type: ignore[misc]  # Any where backtesting.py is not installed.
    def init(self) -> None:
        self.fast = self.I(ema, self.data.Close, fast)
        self.slow = self.I(ema, self.data.Close, slow)
        self.was_up = False

    def next(self) -> None:
        is_up = self.fast[-1] > self.slow[-1]
        if is_up is not self.was_up and len(self.data) > slow:
            self.position.close()
            self.buy(size=units) if is_up else self.sell(size=units)
        self.was_up = is_up


test = backtesting.Backtest(bars, Cross, cash=100_000, margin=0.05)
started = time.process_time()
found = test.run()
took = time.process_time() - started
print(
    json.dumps(
        {
            "version": backtesting.__version__,
            "bars_per_s": len(bars) / took,
            "fills": 2 * len(found._trades),
            "is_event_driven": True,
        }
    )
)
