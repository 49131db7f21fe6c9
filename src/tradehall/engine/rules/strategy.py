"""Claims about the strategy of an order: is it known, may it trade, does its budget pay for what would open?

Those about trading states also hold for orders of no strategy: an account can be halted too.
"""

from decimal import Decimal

from tradehall.domain.account import PositionMode
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderType
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.strategy import Budget, StrategyBook, TradingState
from tradehall.engine.budgets import affordable_units, opening_in_book, required_hold, worst_price
from tradehall.engine.draft import OrderDraft
from tradehall.engine.rules.group import too_many_positions
from tradehall.engine.rules.quantity import finest_grid, quantity_that_passes
from tradehall.engine.traits import RULED, STRATEGYS, about


@about(STRATEGYS)
def strategy_is_known(draft: OrderDraft) -> Rejection | None:
    """Strategies are registered with the account first."""
    strategy_id = draft.terms.strategy_id
    if strategy_id is None or strategy_id in draft.account.books:
        return None
    return strategy_unknown(strategy_id)


def strategy_unknown(strategy_id: str) -> Rejection:
    """The refusal of everything that names a strategy that is not registered with the account."""
    return Rejection(RejectCode.STRATEGY_UNKNOWN, f"strategy {strategy_id} is not known")


@about(STRATEGYS | RULED)
def trading_is_not_halted(draft: OrderDraft) -> Rejection | None:
    """A halted account or strategy places nothing but closes of what it has, and changes nothing that may open."""
    if draft.terms.position_id is not None or not _has_state(draft, TradingState.HALTED):
        return None
    who, reason = _held_back(draft, TradingState.HALTED)
    return Rejection(RejectCode.TRADING_HALTED, f"{who} is halted{reason}")


@about(STRATEGYS | RULED)
def trading_may_increase(draft: OrderDraft) -> Rejection | None:
    """Where trading only reduces, nothing is placed that adds; what works already may become less."""
    if not _has_state(draft, TradingState.REDUCE_ONLY):
        return None
    if draft.working is not None and draft.quantity <= draft.working.remaining_quantity:
        return None
    opening = ZERO
    if draft.account.trading_state is TradingState.REDUCE_ONLY:
        opening = draft.opening_quantity
    book = _book(draft)
    if book is not None and book.trading_state is TradingState.REDUCE_ONLY:
        opening = max(opening, opening_in_book(draft))
    if not opening:
        return None
    who, reason = _held_back(draft, TradingState.REDUCE_ONLY)
    closing = draft.quantity - opening
    return Rejection(
        RejectCode.TRADING_REDUCING,
        f"{who} may only reduce{reason}",
        {"opening_quantity": opening} | ({"would_pass": closing} if closing else {}),
    )


@about(STRATEGYS)
def orders_are_not_too_frequent(draft: OrderDraft) -> Rejection | None:
    """A strategy places so many orders in an interval, and no more; it can always reduce."""
    book = _book(draft)
    if book is None or book.limits.orders_max is None or draft.terms.reduce_only:
        return None
    most, interval = book.limits.orders_max, book.limits.orders_interval_ns
    wait = book.window_at + interval - draft.context.now
    if wait <= 0 or book.window_orders < most:
        return None
    return Rejection(
        RejectCode.ORDER_RATE_EXCEEDED,
        f"strategy {book.strategy_id} has placed {book.window_orders} orders, the most it may in {interval} ns",
        {"orders": Decimal(book.window_orders), "orders_max": Decimal(most), "retry_after_ns": Decimal(wait)},
    )


@about(STRATEGYS)
def parts_are_below_max(draft: OrderDraft) -> Rejection | None:
    """A strategy has at most so many positions, counting those that its working orders may open."""
    book = _book(draft)
    if book is None or book.limits.positions_max is None or not opening_in_book(draft):
        return None
    most, count = book.limits.positions_max, _positions_besides(draft, book)
    if count < most:
        return None
    return too_many_positions(f"strategy {book.strategy_id}", count, most)


def _positions_besides(draft: OrderDraft, book: StrategyBook) -> int:
    """Positions that the strategy has or may get without the order."""
    opening = [
        order
        for order in draft.state.orders_of_strategy(draft.terms.account_id, book.strategy_id)
        if order.hold is not None and order is not draft.working
    ]
    if draft.account.terms.position_mode is PositionMode.HEDGING:
        # An order that has filled in part is counted by the position it opened.
        return len(book.parts) + sum(order.order_id not in book.parts for order in opening)
    symbols = {part.symbol for part in book.parts.values()} | {order.terms.symbol for order in opening}
    return len(symbols - {draft.terms.symbol})


@about(STRATEGYS)
def budget_is_priced(draft: OrderDraft) -> Rejection | None:
    """What takes the market is reckoned against a budget at the quote: there must be one."""
    terms = draft.terms
    if terms.strategy_id is None or draft.quote is not None or not _needs_budget(draft):
        return None
    if terms.type not in (OrderType.MARKET, OrderType.TRAILING_STOP) or not opening_in_book(draft):
        return None
    return Rejection(RejectCode.BUDGET_UNPRICED, f"there is no quote of {terms.symbol} to size the order by")


@about(STRATEGYS)
def budget_is_configured(draft: OrderDraft) -> Rejection | None:
    """A strategy with budgets, or that has to have one, opens only in the currencies of its budgets."""
    book, currency = _book(draft), draft.instrument.quote_currency
    if book is None or currency in book.allocated or not _needs_budget(draft):
        return None
    held = None if draft.working is None else draft.working.hold
    if opening_in_book(draft) <= (ZERO if held is None else held.quantity):
        return None
    return Rejection(
        RejectCode.BUDGET_NOT_CONFIGURED,
        f"strategy {book.strategy_id} has no budget in {currency}",
        currency=currency,
    )


@about(STRATEGYS)
def budget_is_sufficient(draft: OrderDraft) -> Rejection | None:
    """What the order adds to its strategy's book is paid for by what its budget has left."""
    book = _book(draft)
    if book is None:
        return None
    if worst_price(draft) is None:
        # Nothing is capped, or budget_is_priced had spoken: what is amended keeps what it holds.
        draft.hold = None if draft.working is None else draft.working.hold
        return None
    opening = opening_in_book(draft)
    hold = required_hold(draft, opening)
    draft.hold = hold
    budget = None if hold is None else book.budget(hold.currency)
    if hold is None or budget is None:
        return None
    held = draft.working.hold.amount if draft.working is not None and draft.working.hold is not None else ZERO
    if hold.amount <= held or hold.amount <= budget.available + held:
        return None
    return _budget_exceeded(draft, budget, held, opening)


def _budget_exceeded(draft: OrderDraft, budget: Budget, held: Decimal, opening: Decimal) -> Rejection:
    """The refusal of more than is available; what an amended order holds already counts as available."""
    hold, available = draft.hold, budget.available + held
    assert hold is not None, "only what needs capital can need too much"
    units = affordable_units(draft, opening, available, finest_grid(draft))
    free = draft.terms.quantity - opening
    return Rejection(
        RejectCode.BUDGET_EXCEEDED,
        f"{hold.amount} {budget.currency} is required, {available} of the budget is available",
        {
            "required": hold.amount,
            "allocated": budget.allocated,
            "reserved": budget.reserved - held,
            "available": available,
        }
        | quantity_that_passes(draft, free + units),
        budget.currency,
    )


def _book(draft: OrderDraft) -> StrategyBook | None:
    strategy_id = draft.terms.strategy_id
    return None if strategy_id is None else draft.account.books[strategy_id]


def _needs_budget(draft: OrderDraft) -> bool:
    book = _book(draft)
    return book is not None and (bool(book.allocated) or draft.account.terms.budget_required)


def _has_state(draft: OrderDraft, state: TradingState) -> bool:
    book = _book(draft)
    return draft.account.trading_state is state or (book is not None and book.trading_state is state)


def _held_back(draft: OrderDraft, state: TradingState) -> tuple[str, str]:
    """Who is held back, and why, in words."""
    account, book = draft.account, _book(draft)
    if account.trading_state is state or book is None:
        who, reason = f"account {account.terms.account_id}", account.state_reason
    else:
        who, reason = f"strategy {book.strategy_id}", book.state_reason
    return who, f": {reason}" if reason else ""
