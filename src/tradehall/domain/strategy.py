"""What an account keeps of a strategy that trades on it: its book, its budgets, its limits.

A strategy is named by a UUID text, its keygen. Money of books and budgets is in the quote currency of the
instrument, in which it settles, unless something else is said.
"""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from tradehall.domain.ids import PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.position import Position
from tradehall.domain.time import NS_PER_SECOND


class TradingState(StrEnum):
    """What an account or a strategy may do: anything, only reduce, or place nothing."""

    NORMAL = "NORMAL"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"


class StrategyLimits(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a strategy may do at most; None: no limit.

    `loss_max`, `daily_loss_max` [account currency, positive]: the loss, since the strategy was registered
    or since 00:00 UTC, at which the strategy falls to `on_loss`: what was realised, less fees, and what
    is floating now. `orders_max`: new orders, not counting those that only reduce, in `orders_interval_ns`
    from the first of them on.
    """

    positions_max: int | None = None
    daily_loss_max: Decimal | None = None
    loss_max: Decimal | None = None
    orders_max: int | None = None
    orders_interval_ns: int = 60 * NS_PER_SECOND
    on_loss: TradingState = TradingState.HALTED


class Budget(Struct, frozen=True, gc=False):
    """What a strategy may tie up in one currency: `reserved` by working orders and open positions."""

    currency: str
    allocated: Decimal
    reserved: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be reserved; negative after the allocation was lowered below what is reserved."""
        return self.allocated - self.reserved


class BookResult(Struct, frozen=True, gc=False):
    """What a strategy's fills in one currency came to: `realized_pnl` gross of `fees` (positive: charged)."""

    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    fill_count: int = 0


class StrategyBook(Struct, gc=False, omit_defaults=True):
    """A strategy's book on one account, as it stands. Changed by `engine.state_evolve` alone.

    `parts`: what its fills left open, by number (that of the order which opened the part), oldest first.
    On a netting account a part is the strategy's share of the account's position, at most one per symbol;
    on a hedging account it is the strategy's position. A part is a Position with money in quote
    currency, whose `margin` is the capital it ties: cost / leverage.

    By currency: `allocated` (an entry for each budget), `reserved`, `results`. In account currency, net of
    fees: `net_pnl` since it was registered, `day_pnl` on `day` (days since 1970, UTC).
    `window_at`, `window_orders`: the orders counted against `limits.orders_max`.
    """

    strategy_id: str
    registered_at: int = 0
    allocated: dict[str, Decimal] = field(default_factory=dict)
    reserved: dict[str, Decimal] = field(default_factory=dict)
    results: dict[str, BookResult] = field(default_factory=dict)
    parts: dict[PositionId, Position] = field(default_factory=dict)
    limits: StrategyLimits = StrategyLimits()
    trading_state: TradingState = TradingState.NORMAL
    state_reason: str = ""
    net_pnl: Decimal = ZERO
    day_pnl: Decimal = ZERO
    day: int = 0
    window_at: int = 0
    window_orders: int = 0

    def budget(self, currency: str) -> Budget | None:
        """The budget in one currency; None without an entry."""
        allocated = self.allocated.get(currency)
        return None if allocated is None else Budget(currency, allocated, self.reserved.get(currency, ZERO))

    def budgets(self) -> list[Budget]:
        """All entries, by currency."""
        return [Budget(name, self.allocated[name], self.reserved.get(name, ZERO)) for name in sorted(self.allocated)]
