"""Events: facts, one tagged union. They carry what became true, so folding them needs no rule.

Shapes are append-only: a new field has a default, a new meaning is a new event.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradehall.domain.account import AccountTerms, MarginState
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ZERO
from tradehall.domain.order import Hold, OrderRole, OrderTerms, Side
from tradehall.domain.position import ClosedPart, Position
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import StrategyLimits, TradingState


class Event(Struct, frozen=True, gc=False, tag=True, tag_field="kind", omit_defaults=True):
    """Base of all events; the tag is the class name."""


class InstrumentListed(Event, frozen=True):
    """`instrument` is tradable under these rules from now on."""

    instrument: Instrument


class AccountOpened(Event, frozen=True):
    """An account exists; its deposit follows as BalanceChanged."""

    terms: AccountTerms


class AccountUpdated(Event, frozen=True):
    """An account's terms are now these."""

    terms: AccountTerms


class RequestRefused(Event, frozen=True):
    """A command was refused and made no order: unknown account, amend, cancel, close, funds …"""

    account_id: AccountId
    rejection: Rejection
    order_id: OrderId | None = None
    position_id: PositionId | None = None


class OrderRejected(Event, frozen=True):
    """A new order was refused: it has a number, is listed as REJECTED, and used its client id up."""

    order_id: OrderId
    terms: OrderTerms
    rejection: Rejection
    digest: str | None = None


class OrderAccepted(Event, frozen=True):
    """An order works from now on, `margin_held` [account currency] kept back for it, `hold` from a budget."""

    order_id: OrderId
    terms: OrderTerms
    margin_held: Decimal = ZERO
    role: OrderRole = OrderRole.ENTRY
    parent_order_id: OrderId | None = None
    sibling_order_id: OrderId | None = None
    digest: str | None = None
    hold: Hold | None = None


class OrderOpened(Event, frozen=True):
    """The venue has the order (only venues that take time say so)."""

    account_id: AccountId
    order_id: OrderId


class OrderAmended(Event, frozen=True):
    """The order's terms are now these; `keeps_priority` tells the venue whether it keeps its place."""

    order_id: OrderId
    terms: OrderTerms
    margin_held: Decimal = ZERO
    keeps_priority: bool = False
    hold: Hold | None = None


class OrderTriggered(Event, frozen=True):
    """The stop price was touched at `price`: a market or limit order from now on."""

    account_id: AccountId
    order_id: OrderId
    price: Decimal


class OrderFilled(Event, frozen=True):
    """`fill` happened; `margin_held` and `hold` are what the rest of the order still holds."""

    fill: Fill
    margin_held: Decimal = ZERO
    hold: Hold | None = None


class OrderCancelled(Event, frozen=True):
    """The order ended before it was filled; `reason` in plain words."""

    account_id: AccountId
    order_id: OrderId
    reason: str = "requested"


class OrderExpired(Event, frozen=True):
    """The order's time was up."""

    account_id: AccountId
    order_id: OrderId


class OrderFailed(Event, frozen=True):
    """An accepted order was refused by the venue: it ends as REJECTED."""

    account_id: AccountId
    order_id: OrderId
    rejection: Rejection


class PositionOpened(Event, frozen=True):
    """From flat."""

    position: Position


class PositionChanged(Event, frozen=True):
    """Size, cost or margin changed; the side did not. `part`: what was closed, where it shrank."""

    position: Position
    part: ClosedPart | None = None


class PositionClosed(Event, frozen=True):
    """To flat. `position`: as before the last fill, but with its final P&L.

    `exit_price` is the price of that last fill, `part` what it closed.
    """

    position: Position
    closed_at: int
    exit_price: Decimal
    reason: str = ""
    part: ClosedPart | None = None


class EntryKind(StrEnum):
    """Why a balance changed."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    SWAP = "SWAP"
    ADJUSTMENT = "ADJUSTMENT"


class BalanceChanged(Event, frozen=True):
    """A ledger entry: `amount` [account currency, signed] was booked; the balance is `balance` now."""

    account_id: AccountId
    entry: EntryKind
    amount: Decimal
    balance: Decimal
    order_id: OrderId | None = None
    position_id: PositionId | None = None
    fill_id: int | None = None
    symbol: str | None = None
    comment: str = ""


class MarginStateChanged(Event, frozen=True):
    """Margin call, stop-out, or back to normal, with the figures it was decided on."""

    account_id: AccountId
    state: MarginState
    equity: Decimal
    margin_used: Decimal
    margin_level: Decimal | None = None


class OcoDoubleExit(Event, frozen=True):
    """Two orders of one OCO group filled: the venue was faster than the cancel."""

    account_id: AccountId
    oco_group_id: str
    first_order_id: OrderId
    second_order_id: OrderId


class ReportUnmatched(Event, frozen=True):
    """A venue reported something that no order of ours explains; kept for the operator, books nothing."""

    order_id: OrderId
    reason: str


class TrailingPeakMoved(Event, frozen=True):
    """Trailing stops of `side` on `symbol` follow `price` from now on, where it is better than theirs."""

    symbol: str
    side: Side
    price: Decimal


class RolloverBooked(Event, frozen=True):
    """The swaps of the rollover at `at` [ns UTC] are in the ledger."""

    at: int


class StrategyRegistered(Event, frozen=True):
    """The strategy has a book on the account."""

    account_id: AccountId
    strategy_id: str


class BudgetSet(Event, frozen=True):
    """The strategy's budget in `currency` is `allocated` now; `before` None: it had none."""

    account_id: AccountId
    strategy_id: str
    currency: str
    allocated: Decimal
    before: Decimal | None = None
    reason: str = ""
    actor: str = ""


class BudgetRemoved(Event, frozen=True):
    """The strategy has no budget in `currency` any more; it was `before`."""

    account_id: AccountId
    strategy_id: str
    currency: str
    before: Decimal
    reason: str = ""
    actor: str = ""


class OrderHoldChanged(Event, frozen=True):
    """A working order keeps `hold` of its budget from now on: what it would have closed is gone."""

    account_id: AccountId
    order_id: OrderId
    hold: Hold


class StrategyLimitsSet(Event, frozen=True):
    """The strategy's limits are these now."""

    account_id: AccountId
    strategy_id: str
    limits: StrategyLimits
    reason: str = ""
    actor: str = ""


class TradingStateSet(Event, frozen=True):
    """The account, or one strategy of it, may do this from now on, and why."""

    account_id: AccountId
    strategy_id: str | None
    trading_state: TradingState
    before: TradingState
    reason: str = ""
    actor: str = ""


class BookFilled(Event, frozen=True):
    """A strategy's side of a fill: `quantity` of it went into the strategy's book.

    `realized_pnl` (gross) and `fees` (positive: charged) in `currency`, the quote currency; `net_pnl` is both in
    the account's. `closed_quantity` [units] closed a part. `is_own` False: the fill was of an order that the
    strategy did not place, and closed what it held: by hand, or by the house.
    """

    account_id: AccountId
    strategy_id: str
    fill_id: int
    order_id: OrderId
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    currency: str
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    net_pnl: Decimal = ZERO
    closed_quantity: Decimal = ZERO
    is_own: bool = True


class PartOpened(Event, frozen=True):
    """A part of a strategy's book, from flat. `part.strategy_id` names the book, money is in quote currency."""

    part: Position


class PartChanged(Event, frozen=True):
    """A part of a strategy's book grew or shrank. `closed`: what was closed, where it shrank."""

    part: Position
    closed: ClosedPart | None = None


class PartClosed(Event, frozen=True):
    """A part of a strategy's book is flat; the fields are those of PositionClosed, in quote currency."""

    part: Position
    closed_at: int
    exit_price: Decimal
    reason: str = ""
    closed: ClosedPart | None = None


class UnitsSplit(Event, frozen=True):
    """Each unit of `symbol` is `ratio` units now, at the cost it had; positions and parts are changed behind this."""

    account_id: AccountId
    symbol: str
    ratio: Decimal


AnyEvent = (
    InstrumentListed
    | AccountOpened
    | AccountUpdated
    | RequestRefused
    | OrderRejected
    | OrderAccepted
    | OrderOpened
    | OrderAmended
    | OrderTriggered
    | OrderFilled
    | OrderCancelled
    | OrderExpired
    | OrderFailed
    | PositionOpened
    | PositionChanged
    | PositionClosed
    | BalanceChanged
    | MarginStateChanged
    | OcoDoubleExit
    | ReportUnmatched
    | TrailingPeakMoved
    | RolloverBooked
    | StrategyRegistered
    | BudgetSet
    | BudgetRemoved
    | OrderHoldChanged
    | StrategyLimitsSet
    | TradingStateSet
    | BookFilled
    | PartOpened
    | PartChanged
    | PartClosed
    | UnitsSplit
)

Emit = Callable[[AnyEvent], None]
