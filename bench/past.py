"""Made-up pasts for the backtest workloads: bars and quotes as tapes, and the same bars as a file for others."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from tradehall.backtests import ArrayTape, Block
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_MS

BEGIN: Final = 1_577_836_800_000_000_000
DIGITS: Final = 5

EURUSD: Final = Instrument("EURUSD", "EUR/USD", "made up", AssetClass.FOREX, "EUR", "USD", Decimal("0.00001"))


def bars(count: int, seed: int = 1) -> Block:
    """One-minute bars of a random walk around 1.1."""
    dice = np.random.default_rng(seed)
    close = np.round(1.1 * np.exp(np.cumsum(dice.normal(0, 1e-4, count))), DIGITS)
    opened = np.concatenate(([1.1], close[:-1]))
    high = np.round(np.maximum(opened, close) + np.abs(dice.normal(0, 5e-5, count)), DIGITS)
    low = np.round(np.minimum(opened, close) - np.abs(dice.normal(0, 5e-5, count)), DIGITS)
    at = np.arange(count, dtype=np.int64) * NS_PER_MINUTE + BEGIN
    return Block(at, (opened, high, low, close), volume=np.full(count, 100.0))


def bar_tape(block: Block) -> ArrayTape:
    """The bars as a backtest reads them."""
    return ArrayTape(EURUSD, block, NS_PER_MINUTE)


def quote_tape(count: int, seed: int = 2) -> ArrayTape:
    """Quotes every 100 ms, two ticks wide, that walk a tick at a time."""
    dice = np.random.default_rng(seed)
    ticks = 110_000 + np.cumsum(dice.integers(-1, 2, count))
    bid = ticks / 10.0**DIGITS
    ask = (ticks + 2) / 10.0**DIGITS
    at = np.arange(count, dtype=np.int64) * 100 * NS_PER_MS + BEGIN
    return ArrayTape(EURUSD, Block(at, (bid,), (ask,)))


def keep(block: Block, file: Path) -> None:
    """The bars for programs that read NumPy's own format."""
    opened, high, low, close = block.bid
    assert block.volume is not None, "bars have volumes"
    np.savez(file, at=block.at, open=opened, high=high, low=low, close=close, volume=block.volume)
