"""An order book rebuilt from its changes."""

from bisect import bisect_left
from collections.abc import Iterable

# Prices and sizes stay the floats of the file until they are told: most levels never are.
Change = tuple[bool, float, float]
Levels = tuple[tuple[float, float], ...]


class Level2Book:
    """Price → size on both sides; a size replaces that of its level, 0 removes the level."""

    def __init__(self) -> None:
        self._bids = _Side()
        self._asks = _Side()

    def apply(self, changes: Iterable[Change], *, is_snapshot: bool) -> None:
        """Change levels: (is bid, price, size) each. A snapshot begins with an empty book."""
        if is_snapshot:
            self._bids, self._asks = _Side(), _Side()
        for is_bid, price, size in changes:
            (self._bids if is_bid else self._asks).set(price, size)

    def top(self, levels: int) -> tuple[Levels, Levels] | None:
        """Best `levels` of bids and asks; None while a side is empty or the book is crossed."""
        bids, asks = self._bids.prices, self._asks.prices
        if not bids or not asks or bids[-1] >= asks[0]:
            return None
        best_bids = bids[: -levels - 1 : -1]
        return self._bids.levels(best_bids), self._asks.levels(asks[:levels])


class _Side:
    __slots__ = ("_sizes", "prices")

    def __init__(self) -> None:
        self._sizes: dict[float, float] = {}
        self.prices: list[float] = []  # Ascending.

    def set(self, price: float, size: float) -> None:
        if size > 0:
            if price not in self._sizes:
                self.prices.insert(bisect_left(self.prices, price), price)
            self._sizes[price] = size
        elif self._sizes.pop(price, None) is not None:
            del self.prices[bisect_left(self.prices, price)]

    def levels(self, prices: list[float]) -> Levels:
        sizes = self._sizes
        return tuple([(price, sizes[price]) for price in prices])
