"""Traits: what an order is, as bits; and which checks are about which.

Most orders ask for nothing special. A check that is `about` some traits holds for every order that has none of
them, so that such an order is not asked; the list for each set of traits is worked out once and kept.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from tradehall.domain.account import Account, AccountStatus
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import OrderType, TimeInForce
from tradehall.domain.strategy import TradingState
from tradehall.engine.commands import PlaceOrder

MARKET: Final = 1
LIMIT: Final = 2
STOP: Final = 4
STOP_LIMIT: Final = 8
TRAILING_STOP: Final = 16
TIMED: Final = 32  # Another time in force than GTC, or an expiry.
EXITS: Final = 64  # A stop loss, a take profit.
REDUCING: Final = 128  # It names a position, or is reduce-only.
STRATEGYS: Final = 256
STRICT: Final = 512  # It has to be on its side of the market, or near an expected price.
UNUSUAL: Final = 1024  # Post-only, a leverage of its own, an iceberg, other prices than a LIMIT or MARKET has.
RULED: Final = 2048  # Its account has rules of its own, or may not trade as it likes.
MEETING: Final = 4096  # It meets a position.
STEPPED: Final = 8192  # Quantities lie on a step, of the instrument or of the door.
GRIDDED: Final = 16384  # The instrument enforces its tick.

WAITING: Final = STOP | STOP_LIMIT | TRAILING_STOP
PRICED: Final = LIMIT | WAITING
ANY: Final = MARKET | PRICED

# The trait of each type, and whether it has a limit price.
_OF_TYPE: Final = {
    OrderType.MARKET: (MARKET, False),
    OrderType.LIMIT: (LIMIT, True),
    OrderType.STOP: (STOP, False),
    OrderType.STOP_LIMIT: (STOP_LIMIT, True),
    OrderType.TRAILING_STOP: (TRAILING_STOP, False),
}
assert _OF_TYPE.keys() == set(OrderType)

# As names of this module: an Enum's members are found slowly, and this is asked of every order.
_GTC: Final = TimeInForce.GTC
_ACTIVE: Final = AccountStatus.ACTIVE
_NORMAL: Final = TradingState.NORMAL


def traits_of(command: PlaceOrder, account: Account, instrument: Instrument) -> int:
    """What the order is, and what of it, of its account and of its instrument is not as usual.

    It says which fields are set and which rules there are, never whether these are kept: that is for the checks.
    """
    terms, rules = command.terms, account.terms
    traits, has_limit = _OF_TYPE[terms.type]
    if terms.time_in_force is not _GTC or terms.expires_at is not None:
        traits |= TIMED
    if terms.stop_loss is not None or terms.take_profit is not None:
        traits |= EXITS
    if terms.position_id is not None or terms.reduce_only:
        traits |= REDUCING
    if terms.strategy_id is not None:
        traits |= STRATEGYS
    if command.is_strict or command.expected_price is not None:
        traits |= STRICT
    if (
        terms.post_only
        or terms.leverage is not None
        or terms.display_quantity is not None
        or terms.stop_price is not None
        or terms.trailing_distance is not None
        or (terms.limit_price is None) is has_limit
    ):
        traits |= UNUSUAL
    if (
        rules.status is not _ACTIVE
        or rules.positions_max
        or rules.hedge_prohibited
        or account.trading_state is not _NORMAL
    ):
        traits |= RULED
    if instrument.quantity_step is not None or command.lot_step is not None:
        traits |= STEPPED
    return traits | GRIDDED if instrument.enforces_tick else traits


C = TypeVar("C", bound=Callable[..., object])

_ABOUT: Final[dict[Callable[..., object], int]] = {}


def about(traits: int) -> Callable[[C], C]:
    """Say of a check that it holds for every order with none of `traits`. Others are asked about any order."""

    def note(check: C) -> C:
        _ABOUT[check] = traits
        return check

    return note


def concerns(check: Callable[..., object], traits: int) -> bool:
    """Whether a check may fail for an order with these traits."""
    return bool(_ABOUT.get(check, ANY) & traits)
