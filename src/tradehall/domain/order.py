"""Order: an instruction to buy or sell that may rest, fill, expire."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO, round_floating


class Side(StrEnum):
    """Direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return SELL if self is BUY else BUY


# As names of this module too: an Enum's members are found slowly, and these are compared on every path.
BUY: Final = Side.BUY
SELL: Final = Side.SELL


class OrderType(StrEnum):
    """How an order reaches the market."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    """How long an order stays."""

    GTC = "GTC"
    DAY = "DAY"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"


class TrailingType(StrEnum):
    """Unit of a trailing distance: price, or percent of the peak."""

    ABSOLUTE = "ABSOLUTE"
    PERCENT = "PERCENT"


class MarginMode(StrEnum):
    """Whether a position draws on the whole account or on its own margin alone."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


WORKING: Final = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})

STATUS_TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset(OrderStatus) - {OrderStatus.PENDING},
    OrderStatus.OPEN: frozenset(OrderStatus) - {OrderStatus.PENDING, OrderStatus.OPEN},
    OrderStatus.PARTIALLY_FILLED: frozenset(
        {OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
    ),
    # A venue may report a fill it made before it heard of the cancel: that fill is a fact.
    OrderStatus.CANCELLED: frozenset({OrderStatus.CANCELLED, OrderStatus.FILLED}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.EXPIRED, OrderStatus.FILLED}),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
}
assert STATUS_TRANSITIONS.keys() == set(OrderStatus)


class OrderRole(StrEnum):
    """Why an order exists: asked for by a person, or made by the house."""

    ENTRY = "ENTRY"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    CLOSE = "CLOSE"
    LIQUIDATION = "LIQUIDATION"


class OrderTerms(Struct, frozen=True, gc=False, omit_defaults=True):
    """What was asked for; an amendment replaces it by another.

    `quantity` [units]; prices in quote currency per unit; `expires_at` [ns UTC] for GTD and DAY.
    `stop_loss`, `take_profit`: exits to place as the entry fills. `position_id`: the position to act
    on (hedging accounts). `keeps_exits`: a close that leaves the exit legs be.
    `exits_live_ns`: how long after the order exits may still be placed [ns]; None: as long as it works.
    `source`: the door that asked, for the audit.
    `symbol_asked`: the caller's spelling of the symbol, where it is not the instrument's `display`.
    """

    account_id: AccountId
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_distance: Decimal | None = None
    trailing_type: TrailingType | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None
    client_order_id: str | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False
    hidden: bool = False
    display_quantity: Decimal | None = None
    oco_group_id: str | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode = MarginMode.CROSS
    position_id: PositionId | None = None
    strategy_id: str | None = None
    comment: str = ""
    magic: int = 0
    keeps_exits: bool = False
    source: str = ""
    symbol_asked: str | None = None
    exits_live_ns: int | None = None


class Hold(Struct, frozen=True, gc=False):
    """What a strategy's order keeps of its budget: `amount` of `currency`, for the `quantity` that may still open."""

    currency: str
    amount: Decimal
    quantity: Decimal


class Order(Struct, gc=False, omit_defaults=True):
    """An order as it stands: its terms and what has become of it. Changed by `engine.state` alone.

    `filled_value`: sum of fill quantity x price [quote currency], so the average is exact.
    `margin_held` [account currency]: kept back for the part that may still open exposure.
    `digest`: fingerprint of the request, to tell a repeat from another body under the same id.
    `hold`: what it keeps of its strategy's budget.
    """

    order_id: OrderId
    terms: OrderTerms
    status: OrderStatus
    created_at: int
    updated_at: int
    role: OrderRole = OrderRole.ENTRY
    filled_quantity: Decimal = ZERO
    filled_value: Decimal = ZERO
    margin_held: Decimal = ZERO
    is_triggered: bool = False
    parent_order_id: OrderId | None = None
    sibling_order_id: OrderId | None = None
    position_id: PositionId | None = None
    fill_count: int = 0
    reject_code: str | None = None
    reject_message: str | None = None
    reject_numbers: dict[str, str] | None = None
    end_reason: str | None = None
    digest: str | None = None
    venue_fill_ids: tuple[str, ...] = ()
    hold: Hold | None = None

    @property
    def remaining_quantity(self) -> Decimal:
        """Units still wanted."""
        return self.terms.quantity - self.filled_quantity

    @property
    def average_fill_price(self) -> Decimal | None:
        """Volume-weighted price of all fills, None before the first; at most 10 decimals."""
        if not self.filled_quantity:
            return None
        return round_floating(self.filled_value / self.filled_quantity)

    @property
    def is_working(self) -> bool:
        """Whether it may still fill."""
        return self.status in WORKING


def signed(side: Side, quantity: Decimal) -> Decimal:
    """`quantity` with the sign of `side`: bought is positive."""
    return quantity if side is BUY else -quantity
