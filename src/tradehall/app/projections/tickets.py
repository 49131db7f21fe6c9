"""The view of ended tickets: closed positions and parts of them, pending orders taken out, funds moved."""

from decimal import Decimal
from typing import Final

from tradehall.app.projections.facts import Facts
from tradehall.app.projections.ledger import ENTRIES_PER_RECORD_BITS
from tradehall.domain.ids import PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderRole, OrderStatus, OrderTerms, OrderType
from tradehall.domain.position import LONG, ClosedPart, Position
from tradehall.domain.rejection import RejectCode
from tradehall.engine.events import BalanceChanged, EntryKind, PositionChanged, PositionClosed
from tradehall.engine.state import State
from tradehall.ports.tickets import Ticket, TicketKind, TicketState
from tradehall.ports.views import ViewRows

# Names of the module: an enum's attribute is found slowly.
_BUY: Final = TicketKind.BUY
_SELL: Final = TicketKind.SELL
_CLOSED: Final = TicketState.CLOSED
_CLOSED_PART: Final = TicketState.CLOSED_PART
_MARKET: Final = OrderType.MARKET
_ENTRY: Final = OrderRole.ENTRY
_STOP_LOSS: Final = OrderRole.STOP_LOSS
_TAKE_PROFIT: Final = OrderRole.TAKE_PROFIT

_FUNDS: Final = {
    EntryKind.DEPOSIT: TicketKind.BALANCE_IN,
    EntryKind.WITHDRAWAL: TicketKind.BALANCE_OUT,
    EntryKind.ADJUSTMENT: TicketKind.CORRECTION,
}

_TAKEN_OUT: Final = {
    OrderStatus.CANCELLED: TicketState.CANCELLED,
    OrderStatus.EXPIRED: TicketState.EXPIRED,
}


# Rows are numbered by the place of what made them in the journal.


def project_closed_ticket(
    event: PositionClosed | PositionChanged, index: int, facts: Facts, state: State, rows: ViewRows
) -> None:
    """A row for a closing, of the whole or of a part."""
    if event.part is not None:
        is_last = type(event) is PositionClosed
        _add(facts, index, closed_ticket(state, event.position, event.part, is_last=is_last), rows)


def project_funds_ticket(event: BalanceChanged, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row for a movement of funds."""
    if event.entry in _FUNDS:
        _add(facts, index, _funds(facts, event), rows)


def project_taken_out(facts: Facts, state: State, rows: ViewRows) -> None:
    """A row for each pending order that was cancelled, expired or refused by the venue, after those of the events."""
    for index, order in enumerate(state.ended_now, start=len(facts.events)):
        if not order.filled_quantity and is_pending(order) and was_pending(order):
            _add(facts, index, taken_out(state, order), rows)


def closed_ticket(state: State, position: Position, part: ClosedPart, *, is_last: bool) -> Ticket:
    """The ticket of a closing: the last keeps the position's number, a part has that of the order that closed it."""
    instrument = state.instruments[position.symbol]
    stop_loss, take_profit = exit_prices(state, position)
    # In the order of the fields: each keyword would cost a walk through them.
    return Ticket(
        position.position_id if is_last else part.order_id,
        position.account_id,
        _BUY if position.side is LONG else _SELL,
        _CLOSED if is_last else _CLOSED_PART,
        position.symbol,
        part.quantity / instrument.contract_size,
        instrument.digits,
        position.opened_at,
        part.closed_at,
        part.entry_price,
        part.exit_price,
        stop_loss,
        take_profit,
        part.realized_pnl,
        -part.commission,
        part.swap or ZERO,  # A default is left out by identity: live and folded zeros must be one.
        position.comment if is_last else f"part of #{position.position_id}",
        0,  # It expires no more.
        position.source,
        part.reason,
        position.magic,
        position.client_order_id,
        part.order_id,
        None if is_last else position.position_id,
    )


def exit_prices(state: State, position: Position) -> tuple[Decimal | None, Decimal | None]:
    """Stop loss and take profit that rest behind a position, or went with it in the last record."""
    # The part of a strategy's book may have the position's number: its exits are not the position's.
    legs = state.reducing_orders(position.position_id)
    for order in state.ended_now:
        terms = order.terms
        if terms.position_id == position.position_id and terms.strategy_id == position.strategy_id:
            legs.append(order)
    return _prices(legs)


def resting_exit_prices(state: State, position_id: PositionId) -> tuple[Decimal | None, Decimal | None]:
    """Stop loss and take profit that rest behind an open position: one that was just removed is none."""
    return _prices(state.reducing_orders(position_id))


def _prices(legs: list[Order]) -> tuple[Decimal | None, Decimal | None]:
    if not legs:
        return None, None
    stop_loss = next((leg.terms.stop_price for leg in legs if leg.role is _STOP_LOSS), None)
    take_profit = next((leg.terms.limit_price for leg in legs if leg.role is _TAKE_PROFIT), None)
    return stop_loss, take_profit


def is_pending(order: Order) -> bool:
    """Whether the doors that speak tickets show an order by itself: no market order, exit leg, or close."""
    return order.role is _ENTRY and order.terms.type is not _MARKET


def pending_kind(order: Order) -> TicketKind:
    """Side and type of a pending order in one word."""
    return TicketKind(f"{order.terms.side}_{order.terms.type}")


def asked_price(terms: OrderTerms) -> Decimal | None:
    """Where a pending order is to open: its limit, or its stop. A trailing stop's is known while it works alone."""
    return terms.limit_price if terms.type is OrderType.LIMIT else terms.stop_price


def was_pending(order: Order) -> bool:
    """Whether an order that ended without a fill was pending before: not one that was refused when it was placed."""
    return order.status in _TAKEN_OUT or order.reject_code == RejectCode.VENUE_REJECTED


def taken_out(state: State, order: Order) -> Ticket:
    """The ticket of a pending order that ended without a fill; what the venue refused says so in its comment."""
    instrument = state.instruments[order.terms.symbol]
    terms = order.terms
    price = asked_price(terms) or ZERO
    return Ticket(
        ticket=order.order_id,
        account_id=terms.account_id,
        kind=pending_kind(order),
        state=_TAKEN_OUT.get(order.status, TicketState.CANCELLED),
        symbol=terms.symbol,
        lots=terms.quantity / instrument.contract_size,
        digits=instrument.digits,
        opened_at=order.created_at,
        closed_at=order.updated_at,
        open_price=price,
        close_price=price,
        stop_loss=terms.stop_loss,
        take_profit=terms.take_profit,
        comment=_comment_of(order),
        expires_at=terms.expires_at or 0,
        source=terms.source,
        reason=order.end_reason or "",
        magic=terms.magic,
        client_order_id=terms.client_order_id,
    )


def _comment_of(order: Order) -> str:
    if order.status is not OrderStatus.REJECTED:
        return order.terms.comment
    return f"{order.terms.comment} [ACTIVATION_CANCEL: {order.reject_message}]".lstrip()


def _funds(facts: Facts, event: BalanceChanged) -> Ticket:
    return Ticket(
        ticket=facts.seq,
        account_id=event.account_id,
        kind=_FUNDS[event.entry],
        state=TicketState.FINANCE,
        opened_at=facts.now,
        closed_at=facts.now,
        profit=event.amount,
        comment=event.comment,
    )


def _add(facts: Facts, index: int, ticket: Ticket, rows: ViewRows) -> None:
    rows.tickets.append(((facts.seq << ENTRIES_PER_RECORD_BITS) + index, ticket))
