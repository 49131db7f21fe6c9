"""The same cross in vectorbt: no events, arrays from beginning to end. Prints JSON."""

import json
import sys
import time

import numpy as np
import pandas as pd
import vectorbt as vbt

file, fast, slow, units = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
past = np.load(file)
close = pd.Series(past["close"], index=pd.to_datetime(past["at"]))
opened = pd.Series(past["open"], index=close.index)


def run() -> int:
    up = close.ewm(span=fast, adjust=False).mean() > close.ewm(span=slow, adjust=False).mean()
    crossed = up.ne(up.shift(fill_value=False)).shift(fill_value=False)
    after = up.shift(fill_value=False)
    portfolio = vbt.Portfolio.from_signals(
        opened, entries=crossed & after, short_entries=crossed & ~after, size=units, init_cash=100_000, freq="1min"
    )
    portfolio.total_return()
    return int(portfolio.orders.count())


run()  # Compiles.
started = time.process_time()
fills = run()
took = time.process_time() - started
print(
    json.dumps({"version": vbt.__version__, "bars_per_s": len(close) / took, "fills": fills, "is_event_driven": False})
)
