"""How the simulated venue behaves: liquidity, delay, slippage, ages. One value for the whole venue."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.money import ZERO
from tradehall.domain.time import NS_PER_MS

PARTIAL_FILL_PAUSE_NS: Final = 500 * NS_PER_MS


class Liquidity(StrEnum):
    """How much a quote can fill."""

    UNLIMITED = "unlimited"
    DISPLAYED = "displayed"


class VenueSettings(Struct, frozen=True, gc=False, omit_defaults=True):
    """Settings of a simulated venue; the defaults fill everything at the touch, at once.

    `liquidity`: "displayed" respects the sizes of quote and depth, what was taken is back with the next
    quote; a size that is not told counts as unlimited. `latency_ns`: from acceptance to the book.
    `slippage_ticks` [ticks] and `slippage_bps` [1/10000 of the price] add up, against the trader, on market
    and stop fills. `max_quote_age_ns`: no fill on an older quote (None: the instrument's own limit; the
    smaller of both counts). `partial_fill_ratio` in (0, 1): that share of an order fills first, the rest
    PARTIAL_FILL_PAUSE_NS later (IOC and FOK are left alone). `queueing`: limits wait behind the displayed
    size; only with "displayed". `improves_limits`: a resting limit that a quote jumps over fills at the quote,
    not at its own price (a convention of some backtests; the default is the harsher one).
    """

    liquidity: Liquidity = Liquidity.UNLIMITED
    latency_ns: int = 0
    slippage_ticks: int = 0
    slippage_bps: Decimal = ZERO
    max_quote_age_ns: int | None = None
    partial_fill_ratio: Decimal | None = None
    queueing: bool = False
    improves_limits: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with a sentence. ValueError."""
        ratio = self.partial_fill_ratio
        for claim, message in (
            (self.latency_ns >= 0, f"latency_ns was {self.latency_ns}, must not be negative"),
            (self.slippage_ticks >= 0, f"slippage_ticks was {self.slippage_ticks}, must not be negative"),
            (0 <= self.slippage_bps < 10_000, f"slippage_bps was {self.slippage_bps}, must be from 0 to below 10000"),
            (ratio is None or 0 < ratio < 1, f"partial_fill_ratio was {ratio}, must be between 0 and 1"),
            ((self.max_quote_age_ns or 1) > 0, f"max_quote_age_ns was {self.max_quote_age_ns}, must be positive"),
            (
                not self.queueing or self.liquidity == Liquidity.DISPLAYED,
                f"queueing needs displayed liquidity, which was {self.liquidity}",
            ),
        ):
            if not claim:
                raise ValueError(message)
