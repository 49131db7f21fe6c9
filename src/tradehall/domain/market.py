"""What a market says: quotes, depth, prints and bars."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_WEEK

_HALF: Final = Decimal("0.5")


class Quote(Struct, frozen=True, gc=False, omit_defaults=True):
    """Best bid and ask of `symbol`.

    Prices in quote currency per unit, sizes in units (None: not told, taken as unlimited).
    `at` is the venue's time, `received_at` ours; both ns UTC. A quote's age counts from `received_at`.
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    at: int
    received_at: int
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    volume: Decimal | None = None

    @property
    def mid(self) -> Decimal:
        """Middle of bid and ask, unrounded."""
        return (self.bid + self.ask) * _HALF


class Depth(Struct, frozen=True, gc=False):
    """Order book of `symbol`: (price, size) levels, best first, on both sides."""

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    at: int
    received_at: int


class Print(Struct, frozen=True, gc=False):
    """One execution reported by the market: `size` units at `price`.

    `buyer_took` tells whether the taker bought; None where the source does not say.
    """

    symbol: str
    price: Decimal
    size: Decimal
    at: int
    received_at: int
    buyer_took: bool | None = None


class Bar(Struct, frozen=True, gc=False):
    """Open, high, low, close and volume over one timeframe; `at` is the bar's start [ns UTC]."""

    symbol: str
    timeframe: "Timeframe"
    at: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Timeframe(StrEnum):
    """Span of a bar; starts are aligned to the span since 1970, weeks to Monday 00:00 UTC."""

    M1 = "1m"
    M2 = "2m"
    M5 = "5m"
    M10 = "10m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"


TIMEFRAME_NS: Final[dict[Timeframe, int]] = {
    Timeframe.M1: NS_PER_MINUTE,
    Timeframe.M2: 2 * NS_PER_MINUTE,
    Timeframe.M5: 5 * NS_PER_MINUTE,
    Timeframe.M10: 10 * NS_PER_MINUTE,
    Timeframe.M15: 15 * NS_PER_MINUTE,
    Timeframe.M30: 30 * NS_PER_MINUTE,
    Timeframe.H1: NS_PER_HOUR,
    Timeframe.H2: 2 * NS_PER_HOUR,
    Timeframe.H4: 4 * NS_PER_HOUR,
    Timeframe.H12: 12 * NS_PER_HOUR,
    Timeframe.D1: NS_PER_DAY,
    Timeframe.W1: NS_PER_WEEK,
}
assert TIMEFRAME_NS.keys() == set(Timeframe)

# 1970-01-01 was a Thursday: weeks start four days later.
_FIRST_MONDAY: Final = 4 * NS_PER_DAY


def bar_start(at: int, timeframe: Timeframe) -> int:
    """Start [ns UTC] of the bar of `timeframe` that holds the instant `at`."""
    if timeframe is Timeframe.W1:
        return at - (at - _FIRST_MONDAY) % NS_PER_WEEK
    return at - at % TIMEFRAME_NS[timeframe]


def is_sane(quote: Quote) -> bool:
    """Whether a quote may be used: positive, not crossed or locked, sizes not negative."""
    sizes_are_fine = (quote.bid_size is None or quote.bid_size >= 0) and (quote.ask_size is None or quote.ask_size >= 0)
    return 0 < quote.bid < quote.ask and sizes_are_fine
