"""Tickets of an account, open, pending and ended, in one list: for the doors that speak tickets."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.projections.ledger import ENTRIES_PER_RECORD_BITS
from tradehall.app.projections.tickets import asked_price, is_pending, pending_kind, resting_exit_prices
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderType, Side
from tradehall.domain.position import LONG, Position
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.state import State
from tradehall.engine.trailing import trailing_stop_price
from tradehall.engine.valuation import value_position
from tradehall.ports.tickets import (
    Ticket,
    TicketKind,
    TicketQuery,
    TicketState,
    TicketTotals,
    matches,
    place_in_list,
    ticket_row,
)
from tradehall.ports.views import PAGE_MAX

# Names of the module: an enum's attribute is found slowly, and lists are long.
_BUY: Final = TicketKind.BUY
_SELL: Final = TicketKind.SELL
_OPEN: Final = TicketState.OPEN
_LIVE: Final = frozenset({TicketState.OPEN, TicketState.PENDING})


def open_ticket(state: State, position: Position, quote_of: QuoteOf) -> Ticket:
    """The ticket of an open position, valued at the latest quote; its profit is floating."""
    instrument = state.instruments[position.symbol]
    value = value_position(state, position, quote_of)
    stop_loss, take_profit = resting_exit_prices(state, position.position_id)
    # In the order of the fields: each keyword would cost a walk through them.
    return Ticket(
        position.position_id,
        position.account_id,
        _BUY if position.side is LONG else _SELL,
        _OPEN,
        position.symbol,
        position.quantity / instrument.contract_size,
        instrument.digits,
        position.opened_at,
        0,  # It is not closed.
        position.average_entry_price,
        value.current_price,
        stop_loss,
        take_profit,
        value.unrealized_pnl,
        -position.commission,
        position.swap,
        position.comment,
        0,  # It does not expire.
        position.source,
        "",  # Why it was closed.
        position.magic,
        position.client_order_id,
    )


def pending_ticket(state: State, order: Order, quote_of: QuoteOf) -> Ticket:
    """The ticket of a pending order: `open_price` is where it would open, `close_price` the present quote."""
    instrument = state.instruments[order.terms.symbol]
    terms = order.terms
    return Ticket(
        ticket=order.order_id,
        account_id=terms.account_id,
        kind=pending_kind(order),
        state=TicketState.PENDING,
        symbol=terms.symbol,
        lots=order.remaining_quantity / instrument.contract_size,
        digits=instrument.digits,
        opened_at=order.created_at,
        open_price=entry_price(state, order) or ZERO,
        close_price=_present_price(quote_of(terms.symbol), terms.side),
        stop_loss=terms.stop_loss,
        take_profit=terms.take_profit,
        comment=terms.comment,
        expires_at=terms.expires_at or 0,
        source=terms.source,
        magic=terms.magic,
        client_order_id=terms.client_order_id,
    )


def entry_price(state: State, order: Order) -> Decimal | None:
    """Where a pending order would open: its limit, its stop, or a trailing stop's present stop."""
    terms = order.terms
    return asked_price(terms) if terms.type is not OrderType.TRAILING_STOP else trailing_stop_price(state, order)


def live_tickets(state: State, account: Account, quote_of: QuoteOf) -> Iterator[Ticket]:
    """Open and pending tickets of an account."""
    for position in account.positions.values():
        yield open_ticket(state, position, quote_of)
    for order in account.orders.values():
        if is_pending(order):
            yield pending_ticket(state, order, quote_of)


def find_live(state: State, account_id: AccountId, ticket: int, quote_of: QuoteOf) -> Ticket | None:
    """An open or pending ticket of the account; an open position hides the order that opened it."""
    account = state.accounts.get(account_id)
    if account is None:
        return None
    position = account.positions.get(ticket)
    if position is not None:
        return open_ticket(state, position, quote_of)
    order = account.orders.get(ticket)
    return pending_ticket(state, order, quote_of) if order is not None and is_pending(order) else None


async def list_tickets(desk: Desk, query: TicketQuery) -> tuple[list[Ticket], TicketTotals]:
    """A page of tickets and the sums over all of its filter; durable when this returns.

    All tickets are as they were at one moment, whatever happens while the lists are read. ShardUnavailable as
    from `desk.settled`.
    """
    live = _live(desk, query)
    # What ends from here on is still among the live ones.
    query = replace(query, key_below=(desk.state.seq + 1) << ENTRIES_PER_RECORD_BITS)
    await (desk.settled if _wants_ended(query) else desk.durable)(query.account_id)
    # Even if all live tickets came first, so many ended ones would come before the page.
    skipped = max(0, query.offset - len(live))
    ended, totals = await _ended(desk, query, skipped)
    page = sorted([*live, *ended], key=lambda t: place_in_list(t.opened_at, t.ticket), reverse=True)
    start = query.offset - skipped
    return page[start : start + query.limit], _add_up(totals, live)


def _live(desk: Desk, query: TicketQuery) -> list[Ticket]:
    states = query.states
    if states is not None and not states & _LIVE:
        return []
    found = live_tickets(desk.state, desk.state.accounts[query.account_id], desk.quotes.get)
    if not query.clauses and query.closed_since is None and query.closed_until is None:
        return [ticket for ticket in found if states is None or ticket.state in states]
    return [ticket for ticket in found if matches(ticket_row(0, ticket), query)]


def _wants_ended(query: TicketQuery) -> bool:
    return query.states is None or not query.states <= _LIVE


async def _ended(desk: Desk, query: TicketQuery, skipped: int) -> tuple[list[Ticket], TicketTotals]:
    if not _wants_ended(query):
        return [], TicketTotals()
    # Live tickets may come first: all ended ones up to the end of the page are candidates.
    candidates = replace(query, limit=query.offset - skipped + query.limit, offset=skipped)
    ended = await desk.views.tickets(candidates)
    if not skipped and len(ended) < min(candidates.limit, PAGE_MAX):
        return ended, _add_up(TicketTotals(), ended)  # All there are.
    return ended, await desk.views.ticket_totals(query)


def _add_up(totals: TicketTotals, live: list[Ticket]) -> TicketTotals:
    return TicketTotals(
        count=totals.count + len(live),
        profit=sum((t.profit for t in live), totals.profit),
        net_profit=sum((t.net_profit for t in live), totals.net_profit),
        commission=sum((t.commission for t in live), totals.commission),
        swap=sum((t.swap for t in live), totals.swap),
        lots=sum((t.lots for t in live), totals.lots),
    )


def _present_price(quote: Quote | None, side: Side) -> Decimal:
    if quote is None:
        return ZERO
    return quote.ask if side is Side.BUY else quote.bid
