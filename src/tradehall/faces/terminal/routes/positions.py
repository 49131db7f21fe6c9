"""Positions: list, read, change their exits, close."""

from decimal import Decimal

from msgspec import Struct

from tradehall.app.outcome import Outcome
from tradehall.domain.fill import Fill
from tradehall.domain.money import ONE, ZERO
from tradehall.domain.order import Order
from tradehall.engine.commands import ClosePosition
from tradehall.engine.events import PositionChanged, PositionClosed
from tradehall.faces.kit import Request, Response, decode, decode_query
from tradehall.faces.terminal import requests, wishes
from tradehall.faces.terminal.errors import TerminalProblem, position_not_found, refusal_of, refusal_of_order
from tradehall.faces.terminal.schemas import ClosingResult, answer, listed
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import number, to_position
from tradehall.ports.deals import DealEntry, DealQuery
from tradehall.ports.views import PAGE_MAX


async def get_positions(terminal: Terminal, request: Request) -> Response:
    """Open positions, oldest first."""
    asked = decode_query(request, requests.SymbolQuery).symbol
    symbol = None if asked is None else terminal.instrument(asked).symbol
    terminal.check_connected()
    state, quote_of = terminal.desk.state, terminal.market.quotes.get
    account = terminal.account(request)
    found = [
        to_position(state, position, quote_of)
        for position in account.positions.values()
        if symbol in (None, position.symbol)
    ]
    response = respond(request, listed(found))
    await terminal.durable(account.terms.account_id)
    return response


async def get_position(terminal: Terminal, request: Request) -> Response:
    """One open position."""
    ticket = wishes.ticket(request.params["ticket"])
    terminal.check_connected()
    position = terminal.position(request, ticket)
    shown = to_position(terminal.desk.state, position, terminal.market.quotes.get)
    response = respond(request, answer(shown))
    await terminal.durable(position.account_id)
    return response


async def put_position(terminal: Terminal, request: Request) -> Response:
    """Change the stop loss and take profit of a position; 0 or null removes one."""
    ticket = wishes.ticket(request.params["ticket"])
    return await _modify(terminal, request, decode(request, requests.ModifyPositionRequest), ticket)


async def put_trade_modify(terminal: Terminal, request: Request) -> Response:
    """The same, with the ticket in the body."""
    body = decode(request, requests.ModifyTicketRequest)
    return await _modify(terminal, request, body, body.ticket)


async def delete_position(terminal: Terminal, request: Request) -> Response:
    """Close a position, or `volume` lots of it; the rest keeps the ticket. Answered after the fill."""
    ticket = wishes.ticket(request.params["ticket"])
    body, query = decode(request, requests.CloseRequest), decode_query(request, requests.CloseQuery)
    wish = requests.CloseRequest(
        volume=query.volume if body.volume is None else body.volume,
        comment=query.comment if body.comment is None else body.comment,
        client_order_id=body.client_order_id,
    )
    return await _close(terminal, request, wish, ticket)


async def post_trade_close(terminal: Terminal, request: Request) -> Response:
    """The same, with the ticket in the body."""
    body = decode(request, requests.CloseTicketRequest)
    return await _close(terminal, request, body, body.ticket)


# Steps of the above.


async def _modify(terminal: Terminal, request: Request, wish: requests.ModifyPositionRequest, ticket: int) -> Response:
    command = wishes.to_exits(wish, request.principal.account_id, ticket)
    terminal.check_connected()
    terminal.position(request, ticket)
    outcome = await terminal.submit(command)
    if outcome.rejection is not None:
        raise refusal_of(outcome.rejection)
    position = terminal.position(request, ticket)
    return respond(request, answer(to_position(terminal.desk.state, position, terminal.market.quotes.get)))


async def _close(terminal: Terminal, request: Request, wish: requests.CloseRequest, ticket: int) -> Response:
    name = wishes.client_id(request, wish.client_order_id)
    account = terminal.account(request)
    position = account.positions.get(ticket)
    instrument = None if position is None else terminal.instruments[position.symbol]
    command = wishes.to_closing(wish, account.terms.account_id, ticket, position, instrument, name)
    terminal.check_connected()
    if position is None and name is None:
        raise position_not_found(ticket)
    done = await close(terminal, command)
    left = await _left_after(terminal, done) if done.left is None else done.left
    return respond(request, answer(_result(terminal, done, left)))


class Closed(Struct, frozen=True):
    """A close that was carried out: its order, its fills, and units left open; None: it was a repeated wish."""

    ticket: int
    order: Order
    fills: list[Fill]
    left: Decimal | None


async def close(terminal: Terminal, command: ClosePosition) -> Closed:
    """Close, and wait until it is done."""
    outcome = await terminal.submit(command)
    order, ticket = outcome.order, command.position_id
    if outcome.rejection is not None:
        position = terminal.desk.state.position(command.account_id, ticket)
        size = ONE if position is None else terminal.instruments[position.symbol].contract_size
        raise refusal_of(outcome.rejection, size)
    assert order is not None, "a close that was not refused made an order"
    order = await terminal.end_of(order)
    if order.reject_code is not None:
        raise refusal_of_order(order, terminal.instruments[order.terms.symbol].contract_size)
    fills = await terminal.fills(order, outcome)
    if not fills:
        raise TerminalProblem("REJECTED", f"Rejected: {order.end_reason or 'nothing was filled'}")
    return Closed(ticket, order, fills, None if outcome.is_repeat else _left(terminal, outcome, order, ticket))


def _left(terminal: Terminal, outcome: Outcome, order: Order, ticket: int) -> Decimal:
    """What the close left, whatever others have done since."""
    for event in reversed(outcome.events):
        if type(event) is PositionClosed and event.position.position_id == ticket:
            return ZERO
        if type(event) is PositionChanged and event.position.position_id == ticket:
            return event.position.quantity
    position = terminal.desk.state.position(order.terms.account_id, ticket)
    return ZERO if position is None else position.quantity


async def _left_after(terminal: Terminal, done: Closed) -> Decimal:
    """Units that a close of some time ago left open."""
    terms = done.order.terms
    query = DealQuery(terms.account_id, ticket=done.ticket, until=done.fills[-1].at + 1, limit=PAGE_MAX)
    await terminal.settled(terms.account_id)
    deals, _ = await terminal.desk.views.deals(query)
    lots = sum((deal.lots if deal.entry is DealEntry.IN else -deal.lots for deal in deals), ZERO)
    return lots * terminal.instruments[terms.symbol].contract_size


def _result(terminal: Terminal, done: Closed, left: Decimal) -> ClosingResult:
    size = terminal.instruments[done.order.terms.symbol].contract_size
    fills = done.fills
    return ClosingResult(
        ticket=done.ticket,
        closed_volume=number(sum((fill.quantity for fill in fills), ZERO) / size),
        remaining_volume=number(left / size),
        price=average_price(fills),
        profit=number(sum((fill.realized_pnl for fill in fills), ZERO)),
        deal=fills[-1].fill_id,
    )


def average_price(fills: list[Fill]) -> float:
    """Volume-weighted."""
    if len(fills) == 1:
        return number(fills[0].price)
    quantity = sum((fill.quantity for fill in fills), ZERO)
    return number(sum((fill.quantity * fill.price for fill in fills), ZERO) / quantity)
