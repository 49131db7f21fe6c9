"""Which symbols have fallen silent."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from tradehall.domain.market import Quote
from tradehall.ports.feed import STALE_AFTER_NS_DEFAULT


class Freshness(StrEnum):
    """What became of the quotes of a symbol."""

    STALE = "STALE"
    FRESH = "FRESH"


class DataStaleness(Struct, frozen=True):
    """`symbols` fell silent together, or one of them is heard again.

    `stale_since` [ns UTC]: arrival of the oldest last quote among them; FRESH repeats that of its symbol.
    `at` [ns UTC]: when it was noticed.
    """

    event: Freshness
    symbols: tuple[str, ...]
    stale_since: int
    at: int


class StalenessWatch:
    """Knows which symbols are stale: silent for longer than `stale_after_ns`, or declared over.

    With `stale_after_ns` None silence alone proves nothing (a recording may pause for a weekend).
    A symbol that was never quoted is not stale: it is not there yet.
    """

    def __init__(self, stale_after_ns: int | None = STALE_AFTER_NS_DEFAULT) -> None:
        self.stale_after_ns = stale_after_ns
        self.stale: dict[str, int] = {}

    def check(self, quotes: Mapping[str, Quote], now: int) -> DataStaleness | None:
        """The symbols that have become stale by `now` [ns UTC], all at once."""
        if self.stale_after_ns is None:
            return None
        heard_before = now - self.stale_after_ns
        return self.declare(
            (symbol for symbol, quote in quotes.items() if quote.received_at < heard_before), quotes, now
        )

    def declare(self, symbols: Iterable[str], quotes: Mapping[str, Quote], now: int) -> DataStaleness | None:
        """Call `symbols` stale whatever their age; those never quoted or stale already are left out."""
        fallen = {s: quotes[s].received_at for s in symbols if s in quotes and s not in self.stale}
        if not fallen:
            return None
        self.stale |= fallen
        return DataStaleness(Freshness.STALE, tuple(fallen), min(fallen.values()), now)

    def refresh(self, quote: Quote) -> DataStaleness:
        """A stale symbol is heard again. KeyError if it was not stale."""
        since = self.stale.pop(quote.symbol)
        return DataStaleness(Freshness.FRESH, (quote.symbol,), since, quote.received_at)
