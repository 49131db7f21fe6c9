"""Past prices for tests: random walks on the tick, as bars, bars of bid and ask, or quotes."""

from decimal import Decimal
from typing import Final

import numpy as np

from tests.builders import an_instrument
from tradehall.backtests import ArrayTape, Block
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND, from_rfc3339

# A Tuesday evening: the rollover at 22:00 is two hours away.
BEGIN: Final = from_rfc3339("2025-01-14T20:00:00Z")

STARTS: Final = {"EURUSD": 1.1, "GBPUSD": 1.25, "USDJPY": 150.0, "EURJPY": 165.0, "AAPL": 200.0}


def bars_of(
    *prices: tuple[float, float, float, float], symbol: str = "AAPL", span_ns: int = NS_PER_MINUTE
) -> ArrayTape:
    """Bars as written, (open, high, low, close), one after the other."""
    columns = np.array(prices, float).reshape(-1, 4)
    at = BEGIN + np.arange(len(columns), dtype=np.int64) * span_ns
    return ArrayTape(an_instrument(symbol), Block(at, tuple(columns[:, n].copy() for n in range(4))), span_ns)


def quotes_of(*prices: tuple[float, float], symbol: str = "AAPL", every_ns: int = NS_PER_SECOND) -> ArrayTape:
    """Quotes as written, (bid, ask)."""
    columns = np.array(prices, float).reshape(-1, 2)
    at = BEGIN + np.arange(len(columns), dtype=np.int64) * every_ns
    return ArrayTape(an_instrument(symbol), Block(at, (columns[:, 0].copy(),), (columns[:, 1].copy(),)))


def random_tape(
    symbol: str, length: int, seed: int, *, kind: str = "bars", volatility: float = 5e-4, span_ns: int = NS_PER_MINUTE
) -> ArrayTape:
    """A random walk: `bars`, `quote_bars` or `quotes`; some rows are missing, some quotes share an instant."""
    dice = np.random.default_rng(seed)
    instrument = an_instrument(symbol)
    digits, tick = instrument.digits, float(instrument.tick_size)
    close = STARTS[symbol] * np.exp(np.cumsum(dice.standard_t(4, length) * volatility))
    opened = np.concatenate(([STARTS[symbol]], close[:-1])) * (1 + dice.normal(0, volatility / 2, length))
    high = np.maximum(opened, close) * (1 + np.abs(dice.normal(0, volatility, length)))
    low = np.minimum(opened, close) * (1 - np.abs(dice.normal(0, volatility, length)))
    at = BEGIN + np.sort(dice.choice(length * 5 // 4 + 1, length, replace=False)).astype(np.int64) * span_ns
    bid = tuple(np.round(column, digits) for column in (opened, high, low, close))
    spread = np.round(tick * dice.integers(1, 6, length), digits)
    if kind == "quotes":
        at = BEGIN + np.sort(dice.integers(0, length * 2, length)).astype(np.int64) * NS_PER_SECOND
        return ArrayTape(instrument, Block(at, (bid[3],), (np.round(bid[3] + spread, digits),)))
    ask = tuple(np.round(column + spread, digits) for column in bid) if kind == "quote_bars" else None
    return ArrayTape(instrument, Block(at, bid, ask), span_ns)


def a_price(text: str) -> Decimal:
    """A price as it is written."""
    return Decimal(text)
