"""The strategies' side of a fill: their books are told, their exits follow, their claims are looked at again."""

from decimal import Decimal

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.money import ZERO
from tradehall.domain.order import Hold, Order, Side
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.booking import Booking, Execution, Opening, reducible_by
from tradehall.engine.books import BookBooking, book_filled
from tradehall.engine.budgets import claim_of, may_claim, required_hold, worst_price
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.handlers.exits import drop_exits, trim_exits
from tradehall.engine.state import State


def own_pnl(order: Order, of_books: list[BookBooking]) -> Decimal:
    """What a strategy's fill realised in its own book [quote currency], gross."""
    own = [each.booking.realized_pnl for each in of_books if each.strategy_id == order.terms.strategy_id]
    return own[0] if own else ZERO


def emit_book(
    state: State, account: Account, of_book: BookBooking, execution: Execution, fill_id: int, emit: Emit
) -> None:
    """Tell what a fill did to one book: the sum of it, then part by part."""
    order = execution.order
    currency = state.instruments[order.terms.symbol].quote_currency
    emit(book_filled(order, of_book, execution, fill_id, account, currency))
    for closing in of_book.closings:
        closed = closing.part
        if closing.after is None:
            emit(ev.PartClosed(closing.before, closed.closed_at, closed.exit_price, closed.reason, closed))
        else:
            emit(ev.PartChanged(closing.after, closed))
    opening = of_book.opening
    if opening is not None:
        emit(ev.PartOpened(opening.after) if opening.before is None else ev.PartChanged(opening.after))


def opening_to_protect(account: Account, order: Order, booking: Booking, of_books: list[BookBooking]) -> Opening | None:
    """What an entry's exits stand behind: what it opened, on a netting account in its strategy's book."""
    if order.terms.strategy_id is None or account.terms.position_mode is PositionMode.HEDGING:
        return booking.opening
    return of_books[0].opening


def follow_up_books(
    state: State, account: Account, order: Order, of_books: list[BookBooking], context: Context, emit: Emit
) -> None:
    """Exits of parts that shrank shrink too; then orders that counted on closing them are looked at again."""
    if account.terms.position_mode is PositionMode.HEDGING:
        return  # Parts are positions there: their exits have followed, and no order closes what it does not name.
    for of_book in of_books:
        is_own = of_book.strategy_id == order.terms.strategy_id
        for closing in of_book.closings:
            if not (is_own and order.terms.keeps_exits):
                if closing.after is None:
                    drop_exits(state, closing.before, order.order_id, emit)
                else:
                    trim_exits(state, closing.after, emit)
            _settle_claims(
                state, account, of_book.strategy_id, order.terms.symbol, closing.before.side.exit_side, context, emit
            )


def _settle_claims(
    state: State, account: Account, strategy_id: str, symbol: str, side: Side, context: Context, emit: Emit
) -> None:
    """Orders of `side` that counted on closing what is gone hold their budget now, or go: oldest first."""
    candidates = [
        order
        for order in state.orders_of_strategy(account.terms.account_id, strategy_id)
        if may_claim(order, symbol, side)
    ]
    if not candidates:
        return
    left = reducible_by(state, account, candidates[0].terms)
    for order in candidates:
        excess = claim_of(order) - left
        left = max(ZERO, left - claim_of(order))
        if excess > 0:
            _hold_more(state, account, order, excess, context, emit)


def _hold_more(state: State, account: Account, order: Order, units: Decimal, context: Context, emit: Emit) -> None:
    """The order will open `units` more than it holds for: it holds them too, or is cancelled."""
    hold = _larger_hold(state, account, order, units, context)
    if _is_paid_for(account, order, hold):
        if hold is not None:
            emit(ev.OrderHoldChanged(account.terms.account_id, order.order_id, hold))
    else:
        why = "the position it would have closed is gone, and its strategy's budget does not pay for another"
        emit(ev.OrderCancelled(account.terms.account_id, order.order_id, why))


def _larger_hold(state: State, account: Account, order: Order, units: Decimal, context: Context) -> Hold | None:
    """What the order has to hold; None where nothing tells its price."""
    draft = OrderDraft(state, account, cmd.PlaceOrder(order.terms), context, working=order)
    draft.price_margin()
    if draft.rate is None or worst_price(draft) is None:
        return None
    return required_hold(draft, units if order.hold is None else order.hold.quantity + units)


def _is_paid_for(account: Account, order: Order, hold: Hold | None) -> bool:
    """Whether the order's strategy may hold this much in place of what the order holds now."""
    assert order.terms.strategy_id is not None, "called for orders of strategies"
    book = account.books[order.terms.strategy_id]
    if not book.allocated and not account.terms.budget_required:
        return True
    budget = None if hold is None else book.budget(hold.currency)
    if hold is None or budget is None:
        return False
    return hold.amount <= budget.available + (ZERO if order.hold is None else order.hold.amount)
