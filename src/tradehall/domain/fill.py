"""Fill: one execution of an order. Execution report: a venue's word, no fact until the engine says so."""

from decimal import Decimal

from msgspec import Struct

from tradehall.domain.ids import AccountId, FillId, OrderId, PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side


class Fill(Struct, frozen=True, gc=False, omit_defaults=True):
    """`quantity` units of an order executed at `price`.

    `commission` in `commission_currency` (the account's), positive when charged. `realized_pnl` in
    account currency, gross of commission, 0 where the fill opened. `bid`, `ask`, `quote_age_ns`: the
    quote it was made on, as old as it was then. `at` ns UTC. `book_pnl` [quote currency]: what it realised in
    the book of its strategy, gross.
    """

    fill_id: FillId
    order_id: OrderId
    account_id: AccountId
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: int
    commission: Decimal = ZERO
    commission_currency: str = "USD"
    realized_pnl: Decimal = ZERO
    closed_quantity: Decimal = ZERO
    is_maker: bool = False
    position_id: PositionId | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    quote_age_ns: int = 0
    venue_fill_id: str = ""
    strategy_id: str | None = None
    symbol_asked: str | None = None
    book_pnl: Decimal = ZERO


class VenueAccepted(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """The order rests at the venue."""

    order_id: OrderId


class VenueFilled(Struct, frozen=True, gc=False, tag=True, tag_field="kind", omit_defaults=True):
    """The venue executed `quantity` units at `price`; `venue_fill_id` is unique per order."""

    order_id: OrderId
    venue_fill_id: str
    quantity: Decimal
    price: Decimal
    is_maker: bool = False
    bid: Decimal | None = None
    ask: Decimal | None = None
    quote_age_ns: int = 0


class VenueTriggered(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """A stop price was touched at `price`; the order is now a market or limit order."""

    order_id: OrderId
    price: Decimal


class VenueCancelled(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """The venue took the rest of the order out: IOC and FOK remainders, reduce-only with nothing left."""

    order_id: OrderId
    reason: str


class VenueRejected(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """The venue refused the order."""

    order_id: OrderId
    code: str
    message: str


class TrailMoved(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """The best price that trailing stops of one side of `symbol` follow: highest bid (SELL), lowest ask (BUY)."""

    symbol: str
    side: Side
    price: Decimal


ExecutionReport = VenueAccepted | VenueFilled | VenueTriggered | VenueCancelled | VenueRejected | TrailMoved
