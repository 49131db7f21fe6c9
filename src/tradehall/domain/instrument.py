"""Instrument: a symbol and its rules."""

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from tradehall.domain.calendar import Sessions
from tradehall.domain.money import ONE, ZERO

# Tick sizes whose decimals are remembered.
TICK_SIZES_MAX: Final = 256


class AssetClass(StrEnum):
    """What is traded."""

    STOCK = "STOCK"
    FOREX = "FOREX"
    CRYPTO = "CRYPTO"
    FUTURES = "FUTURES"


class FeeSide(StrEnum):
    """Which units of a fill pay its fee."""

    BOTH = "both"
    OPENING = "opening"
    CLOSING = "closing"


class Commission(Struct, frozen=True, gc=False, omit_defaults=True):
    """Fee of one fill, in `currency`: the sum of its parts, at least `minimum`, for the units that `charged` names.

    `taker_rate`, `maker_rate` [share of notional], `per_unit` [money/unit], `fixed` [money/fill].
    """

    taker_rate: Decimal = ZERO
    maker_rate: Decimal = ZERO
    per_unit: Decimal = ZERO
    fixed: Decimal = ZERO
    minimum: Decimal = ZERO
    currency: str = "USD"
    charged: FeeSide = FeeSide.BOTH


class Instrument(Struct, frozen=True, gc=False, omit_defaults=True):
    """Rules of `symbol`; prices in quote currency per unit, quantities in units.

    `symbol` has no separator (EURUSD); `display` is the spelling with one, where there is one.
    `quantity_step` None: any fraction up to 28 digits. `lot_step` [lots] is for the doors that speak lots.
    `leverage_max` [notional / margin]. `stops_level` [ticks] between the touch and a stop or target.
    `enforces_tick`: refuse order prices off the tick grid (a price between two ticks is otherwise a valid
    bound). `quote_age_ns_max`: older quotes fill nothing.
    `swap_long`, `swap_short`: quote-currency money per unit and night, negative when charged.
    """

    symbol: str
    display: str
    description: str
    asset_class: AssetClass
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    contract_size: Decimal = ONE
    quantity_min: Decimal = ZERO
    quantity_max: Decimal = Decimal(10**12)
    quantity_step: Decimal | None = None
    lot_step: Decimal = Decimal("0.01")
    leverage_max: Decimal = Decimal(500)
    notional_max: Decimal = Decimal(10**15)
    exit_quantity_min: Decimal = ZERO
    stops_level: int = 0
    enforces_tick: bool = False
    quote_age_ns_max: int = 60_000_000_000
    commission: Commission = Commission()
    swap_long: Decimal = ZERO
    swap_short: Decimal = ZERO
    sessions: Sessions = ()
    venue: str = "SIM"
    provider: str = "simulated"

    @property
    def digits(self) -> int:
        """Decimals of a price: 5 for a tick of 0.00001."""
        return _decimals(self.tick_size)


@lru_cache(maxsize=TICK_SIZES_MAX)
def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
