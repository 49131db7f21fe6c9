"""What a strategy sees of the market: bars and quotes as floats, for indicators."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class BarSeen(Struct, frozen=True, gc=False):
    """A bar that is over; bars of bid and ask show the bid. Prices in quote currency.

    `number`: how many bars of `symbol` came before it in this run. `at` [ns UTC]: its start.
    """

    symbol: str
    number: int
    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


class QuoteSeen(Struct, frozen=True, gc=False):
    """A quote. `number`: how many quotes of `symbol` came before it in this run. `at` [ns UTC]."""

    symbol: str
    number: int
    at: int
    bid: float
    ask: float


class BarColumns(Struct, frozen=True):
    """All bars of a symbol as columns, oldest first: what signals are computed of ahead of time."""

    symbol: str
    at: Numbers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
