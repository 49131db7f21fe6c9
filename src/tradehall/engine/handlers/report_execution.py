"""A venue's word becomes fact here, once: repeated reports change nothing, impossible ones are kept."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec

from tradehall.domain import fill as report
from tradehall.domain.account import Account
from tradehall.domain.ids import OrderId
from tradehall.domain.instrument import FeeSide
from tradehall.domain.money import ONE, ZERO, round_margin
from tradehall.domain.order import STATUS_TRANSITIONS, WORKING, Order, OrderRole, OrderStatus
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.booking import Booking, Execution, book, positions_met, reducible_quantity
from tradehall.engine.books import BookBooking, book_strategies
from tradehall.engine.budgets import hold_after_fill
from tradehall.engine.context import Context
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.events import Emit
from tradehall.engine.fees import commission_of, leverage_of
from tradehall.engine.handlers.books import emit_book, follow_up_books, opening_to_protect, own_pnl
from tradehall.engine.handlers.exits import EXIT_ROLES, drop_exits, place_exits, trim_exits
from tradehall.engine.handlers.place_order import cancel_group
from tradehall.engine.state import State


def report_execution(state: State, command: cmd.ReportExecution, context: Context, emit: Emit) -> None:
    """Hand a report to the function of its kind."""
    said = command.report
    if isinstance(said, report.TrailMoved):
        emit(ev.TrailingPeakMoved(said.symbol, said.side, said.price))
        return
    order = state.order(said.order_id)
    if order is None:
        emit(
            ev.ReportUnmatched(said.order_id, f"no order {said.order_id} is remembered for this {type(said).__name__}")
        )
        return
    _REPORTS[type(said)](state, order, said, context, emit)


def _accepted(state: State, order: Order, said: report.VenueAccepted, context: Context, emit: Emit) -> None:
    if order.is_working:
        emit(ev.OrderOpened(order.terms.account_id, order.order_id))


def _triggered(state: State, order: Order, said: report.VenueTriggered, context: Context, emit: Emit) -> None:
    if order.is_working and not order.is_triggered:
        emit(ev.OrderTriggered(order.terms.account_id, order.order_id, said.price))


def _cancelled(state: State, order: Order, said: report.VenueCancelled, context: Context, emit: Emit) -> None:
    if order.is_working:
        emit(ev.OrderCancelled(order.terms.account_id, order.order_id, said.reason))


def _rejected(state: State, order: Order, said: report.VenueRejected, context: Context, emit: Emit) -> None:
    """The venue's own rules may refuse an order that ours let pass."""
    if not order.is_working:
        return
    rejection = Rejection(RejectCode.VENUE_REJECTED, f"{said.code}: {said.message}")
    if OrderStatus.REJECTED in STATUS_TRANSITIONS[order.status]:
        emit(ev.OrderFailed(order.terms.account_id, order.order_id, rejection))
    else:
        # What has filled stays filled: only the rest was refused.
        emit(ev.OrderCancelled(order.terms.account_id, order.order_id, f"rejected by the venue, {rejection.message}"))
    cancel_group(state, state.accounts[order.terms.account_id], order.terms, order.order_id, emit)


def _filled(state: State, order: Order, said: report.VenueFilled, context: Context, emit: Emit) -> None:
    if said.venue_fill_id in order.venue_fill_ids:
        return
    if (reason := _impossible(state, order, said)) is not None:
        emit(ev.ReportUnmatched(order.order_id, reason))
        return
    account = state.accounts[order.terms.account_id]
    execution = _execution(state, account, order, said, context)
    booking = book(state, account, execution)
    of_books = book_strategies(state, account, execution, booking) if account.books else []
    was_working = order.status in WORKING
    fill = _fill(state, execution, booking, said, account.terms.currency)
    if of_books:
        fill = msgspec.structs.replace(fill, book_pnl=own_pnl(order, of_books))
    hold = None if order.hold is None else hold_after_fill(order, order.hold, fill.quantity)
    emit(ev.OrderFilled(fill, _margin_still_held(order, booking, fill, account.terms.currency), hold))
    _emit_positions(booking, emit)
    _emit_ledger(account, booking, fill, emit)
    for of_book in of_books:
        emit_book(state, account, of_book, execution, fill.fill_id, emit)
    _follow_up(state, account, order, booking, of_books, was_working, emit)
    if of_books:
        follow_up_books(state, account, order, of_books, context, emit)


def _impossible(state: State, order: Order, said: report.VenueFilled) -> str | None:
    """Why a fill cannot be ours: more than was wanted, on a refused order, or a reduce-only order that would open."""
    if said.quantity <= ZERO or said.price <= ZERO:
        return f"fill {said.venue_fill_id} of {said.quantity} at {said.price} is no fill"
    if order.status is _REJECTED:
        return f"fill {said.venue_fill_id} of the rejected order {order.order_id}"
    if said.quantity > order.terms.quantity - order.filled_quantity:
        return f"fill {said.venue_fill_id} of {said.quantity} exceeds the remaining {order.remaining_quantity}"
    if order.terms.reduce_only and said.quantity > (most := reducible_quantity(state, order)):
        return f"fill {said.venue_fill_id} of {said.quantity} exceeds the {most} that reduce-only may close"
    return None


def _execution(state: State, account: Account, order: Order, said: report.VenueFilled, context: Context) -> Execution:
    instrument, currency, charged = state.instruments[order.terms.symbol], account.terms.currency, said.quantity
    if instrument.commission.charged is not _BOTH:
        charged = _charged_units(state, account, order, charged, instrument.commission.charged)
    commission = commission_of(instrument, charged, said.price, said.is_maker, currency, context.quote)
    rate = conversion_rate(instrument.quote_currency, currency, context.quote) or ONE
    leverage = leverage_of(order.terms, account, instrument)
    return Execution(order, said.quantity, said.price, rate, leverage, commission, context.now)


def _charged_units(state: State, account: Account, order: Order, quantity: Decimal, charged: FeeSide) -> Decimal:
    """Units of a fill that pay its fee, where not all do."""
    met = sum((position.quantity for position in positions_met(state, account, order.terms)), ZERO)
    closing = min(quantity, met)
    return closing if charged is FeeSide.CLOSING else quantity - closing


_BOTH: Final = FeeSide.BOTH


def _fill(state: State, execution: Execution, booking: Booking, said: report.VenueFilled, currency: str) -> report.Fill:
    order, terms = execution.order, execution.order.terms
    # By position: for each keyword a Struct goes through its fields.
    return report.Fill(
        state.next_fill_id,
        order.order_id,
        terms.account_id,
        terms.symbol,
        terms.side,
        said.quantity,
        said.price,
        execution.now,
        execution.commission,
        currency,
        booking.realized_pnl if booking.closings else ZERO,
        booking.closed_quantity if booking.closings else ZERO,
        said.is_maker,
        booking.position_id,
        said.bid,
        said.ask,
        said.quote_age_ns,
        said.venue_fill_id,
        terms.strategy_id,
        terms.symbol_asked,
    )


def _margin_still_held(order: Order, booking: Booking, fill: report.Fill, currency: str) -> Decimal:
    """The share of what the order opened goes over to the position; what only closed takes nothing along."""
    if not order.margin_held:
        return ZERO
    left = order.terms.quantity - order.filled_quantity - fill.quantity
    if not left:
        return ZERO
    opened = ZERO if booking.opening is None else booking.opening.quantity
    # Closing comes first: once a fill opens, all that is left of the order will open too.
    return round_margin(order.margin_held * left / (left + opened), currency) if opened else order.margin_held


def _emit_positions(booking: Booking, emit: Emit) -> None:
    for closing in booking.closings:
        if closing.after is None:
            part = closing.part
            emit(ev.PositionClosed(closing.before, part.closed_at, part.exit_price, part.reason, part))
        else:
            emit(ev.PositionChanged(closing.after, closing.part))
    opening = booking.opening
    if opening is not None:
        emit(ev.PositionOpened(opening.after) if opening.before is None else ev.PositionChanged(opening.after))


def _emit_ledger(account: Account, booking: Booking, fill: report.Fill, emit: Emit) -> None:
    for closing in booking.closings:
        if closing.part.realized_pnl:
            position_id = closing.before.position_id
            _book_entry(account, ev.EntryKind.REALIZED_PNL, closing.part.realized_pnl, fill, position_id, emit)
    if fill.commission:
        _book_entry(account, ev.EntryKind.COMMISSION, -fill.commission, fill, fill.position_id, emit)


def _book_entry(
    account: Account,
    entry: ev.EntryKind,
    amount: Decimal,
    fill: report.Fill,
    position_id: int | None,
    emit: Emit,
) -> None:
    emit(
        ev.BalanceChanged(
            fill.account_id,
            entry,
            amount=amount,
            balance=account.balance + amount,
            order_id=fill.order_id,
            position_id=position_id,
            fill_id=fill.fill_id,
            symbol=fill.symbol,
        )
    )


def _follow_up(
    state: State,
    account: Account,
    order: Order,
    booking: Booking,
    of_books: list[BookBooking],
    was_working: bool,
    emit: Emit,
) -> None:
    """What a fill sets off: legs behind what opened, mates of a filled leg, legs of what closed, OCO."""
    opening = opening_to_protect(account, order, booking, of_books) if of_books else booking.opening
    if opening is not None and order.role is _ENTRY:
        place_exits(state, order, opening.after, opening.quantity, emit)
    if order.status is _FILLED:
        if order.role in EXIT_ROLES:
            for sibling in _siblings(state, order):
                emit(ev.OrderCancelled(order.terms.account_id, sibling, "the other exit filled"))
        if not was_working:
            _report_double_exit(state, order, emit)
        cancel_group(state, account, order.terms, order.order_id, emit)
    if order.terms.keeps_exits:
        return
    for closing in booking.closings:
        if closing.after is None:
            drop_exits(state, closing.before, order.order_id, emit)
        else:
            trim_exits(state, closing.after, emit)


_ENTRY: Final = OrderRole.ENTRY
_FILLED: Final = OrderStatus.FILLED
_REJECTED: Final = OrderStatus.REJECTED


def _siblings(state: State, order: Order) -> list[OrderId]:
    """The working legs that an exit names as its other, or that name it."""
    return [
        leg.order_id
        for leg in state.bound_with(order)
        if order.order_id == leg.sibling_order_id or leg.order_id == order.sibling_order_id
    ]


def _report_double_exit(state: State, order: Order, emit: Emit) -> None:
    """The venue filled an order after its OCO group had been cancelled for another's fill."""
    group = order.terms.oco_group_id
    if group is None:
        return
    for other in state.ended.values():
        is_mate = other.terms.oco_group_id == group and other.terms.account_id == order.terms.account_id
        if is_mate and other.order_id != order.order_id and other.status is OrderStatus.FILLED:
            emit(ev.OcoDoubleExit(order.terms.account_id, group, other.order_id, order.order_id))
            return


_REPORTS: Final[dict[type, Callable[[State, Order, Any, Context, Emit], None]]] = {
    report.VenueAccepted: _accepted,
    report.VenueFilled: _filled,
    report.VenueTriggered: _triggered,
    report.VenueCancelled: _cancelled,
    report.VenueRejected: _rejected,
}
assert _REPORTS.keys() | {report.TrailMoved} == set(get_args(report.ExecutionReport))
