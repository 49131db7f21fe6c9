"""Position: what fills left open, per instrument (netting) or per entry (hedging)."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO, round_floating
from tradehall.domain.order import BUY, SELL, MarginMode, Side


class PositionSide(StrEnum):
    """Direction of a position."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def entry_side(self) -> Side:
        """Side of the orders that build it."""
        return BUY if self is LONG else SELL

    @property
    def exit_side(self) -> Side:
        """Side of the orders that reduce it."""
        return SELL if self is LONG else BUY


# As BUY and SELL.
LONG: Final = PositionSide.LONG
SHORT: Final = PositionSide.SHORT


class Position(Struct, frozen=True, gc=False, omit_defaults=True):
    """An open position as it stands; each change makes a new value.

    `quantity` [units, positive]; `cost`: sum of entry quantity x price of the open part [quote
    currency, positive]. `margin` [account currency]: fixed at entry, freed pro rata. `realized_pnl`
    [account currency]: booked by partial closes of this position, gross of commission. `commission` and
    `swap`: what the open part has paid; closed parts take their share along. `swapped_at`: the
    last rollover that charged it [ns UTC].
    """

    position_id: PositionId
    account_id: AccountId
    symbol: str
    side: PositionSide
    quantity: Decimal
    cost: Decimal
    margin: Decimal
    opened_at: int
    updated_at: int
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    swapped_at: int = 0
    leverage: Decimal | None = None
    margin_mode: MarginMode = MarginMode.CROSS
    peak_quantity: Decimal = ZERO
    strategy_id: str | None = None
    client_order_id: str | None = None
    comment: str = ""
    magic: int = 0
    source: str = ""
    symbol_asked: str | None = None

    @property
    def average_entry_price(self) -> Decimal:
        """Volume-weighted entry price of the open part [quote currency per unit], at most 10 decimals."""
        return round_floating(self.cost / self.quantity)


class ClosedPart(Struct, frozen=True, gc=False, omit_defaults=True):
    """`quantity` units of a position that one fill closed: from entry to exit, with what they cost and brought.

    Money in account currency: `realized_pnl` gross; `commission` (positive: charged) and `swap` are the
    closed units' share of what the position had paid, and the closing fill's own commission.
    """

    order_id: OrderId
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    realized_pnl: Decimal
    commission: Decimal
    swap: Decimal
    closed_at: int
    reason: str = ""


def side_opened_by(side: Side) -> PositionSide:
    """Direction of the position that an order of `side` opens."""
    return LONG if side is BUY else SHORT


def floating_pnl(*, side: PositionSide, quantity: Decimal, cost: Decimal, bid: Decimal, ask: Decimal) -> Decimal:
    """P&L [quote currency] if closed now: longs sell at the bid, shorts buy at the ask."""
    return bid * quantity - cost if side is LONG else cost - ask * quantity


def cost_share(position: Position, quantity: Decimal) -> Decimal:
    """Cost of `quantity` of the open units: average cost, exact for the last part. Asserts 0 < quantity <= open."""
    assert 0 < quantity <= position.quantity, f"quantity was {quantity}, open are {position.quantity}"
    if quantity == position.quantity:
        return position.cost
    return position.cost * quantity / position.quantity
