"""Account: one owner, currency and position mode; and what it is worth."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import HUNDRED, ZERO
from tradehall.domain.order import Order
from tradehall.domain.position import Position
from tradehall.domain.strategy import StrategyBook, TradingState


class PositionMode(StrEnum):
    """One position per instrument, or one per entry."""

    NETTING = "NETTING"
    HEDGING = "HEDGING"


# As BUY and SELL.
NETTING: Final = PositionMode.NETTING


class AccountStatus(StrEnum):
    """What an account may do."""

    ACTIVE = "ACTIVE"
    CLOSE_ONLY = "CLOSE_ONLY"
    READ_ONLY = "READ_ONLY"
    DISABLED = "DISABLED"


class MarginState(StrEnum):
    """Normal, called, or being liquidated."""

    NORMAL = "NORMAL"
    CALLED = "CALLED"
    STOPPED_OUT = "STOPPED_OUT"


class AccountTerms(Struct, frozen=True, gc=False, omit_defaults=True):
    """What an account is opened with; margin levels in percent of used margin.

    `hedge_prohibited` to `partial_close` are a group's switches: no two directions in one symbol, the oldest
    position is closed first, so many positions at most (0: any number), and whether a position may be closed in
    parts. `budget_required`: a strategy without a budget places nothing that opens. `is_cash`: it pays in full,
    fees included, spends no unrealised profit, and sells nothing that it does not hold.
    """

    account_id: AccountId
    currency: str = "USD"
    position_mode: PositionMode = PositionMode.NETTING
    leverage: Decimal = Decimal(20)
    status: AccountStatus = AccountStatus.ACTIVE
    margin_call_level: Decimal = Decimal(100)
    stop_out_level: Decimal = Decimal(50)
    orders_max: int = 1_000_000
    owner: str = ""
    name: str = ""
    group: str = ""
    hedge_prohibited: bool = False
    close_fifo: bool = False
    positions_max: int = 0
    partial_close: bool = True
    budget_required: bool = False
    is_cash: bool = False


class Exposure(Struct, gc=False):
    """All cross-margin positions of an account in one symbol, added up, so that valuing is one step.

    Quantities [units], costs [quote currency], all positive. `net_filled` [signed units] is summed from
    fills alone, isolated ones included: positions must agree with it (conservation). `position_id`: the
    newest position in the symbol, which on a netting account is the only one.
    """

    long_quantity: Decimal = ZERO
    long_cost: Decimal = ZERO
    short_quantity: Decimal = ZERO
    short_cost: Decimal = ZERO
    isolated_net: Decimal = ZERO
    net_filled: Decimal = ZERO
    position_id: PositionId | None = None


class BookUnits(Struct, frozen=True, gc=False, omit_defaults=True):
    """What is in the books of an account in one symbol [signed units]: summed from their fills, and from their parts.

    Both must agree (conservation).
    """

    filled: Decimal = ZERO
    held: Decimal = ZERO


NO_UNITS: Final = BookUnits()


class Account(Struct, gc=False, omit_defaults=True):
    """An account as it stands. Changed by `engine.state` alone.

    Money in `terms.currency`. `margin_used`: by positions; `margin_held`: by working orders.
    `ledger_total` is summed entry by entry and must equal `balance` (conservation).
    `books`: by strategy; `book_units`: what of the positions is in them, by symbol.
    """

    terms: AccountTerms
    opened_at: int = 0
    balance: Decimal = ZERO
    ledger_total: Decimal = ZERO
    margin_used: Decimal = ZERO
    margin_held: Decimal = ZERO
    margin_isolated: Decimal = ZERO
    margin_state: MarginState = MarginState.NORMAL
    orders: dict[OrderId, Order] = field(default_factory=dict)
    positions: dict[PositionId, Position] = field(default_factory=dict)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    client_ids: dict[str, OrderId] = field(default_factory=dict)
    trading_state: TradingState = TradingState.NORMAL
    state_reason: str = ""
    books: dict[str, StrategyBook] = field(default_factory=dict)
    book_units: dict[str, BookUnits] = field(default_factory=dict)


class Valuation(Struct, frozen=True, gc=False):
    """What an account is worth at one set of quotes, in its currency.

    `margin_level` [percent] is equity / used margin, None where nothing is used.
    """

    currency: str
    balance: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    margin_used: Decimal
    margin_available: Decimal
    margin_level: Decimal | None


def margin_level(equity: Decimal, margin_used: Decimal) -> Decimal | None:
    """Equity in percent of used margin; None where nothing is used."""
    return equity * HUNDRED / margin_used if margin_used else None
