"""Pending orders: list, read, place, change, cancel."""

from copy import copy
from typing import Final

from tradehall.app.projections.tickets import is_pending
from tradehall.domain.order import Order
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.commands import CancelOrder
from tradehall.faces.kit import Request, Response, decode, decode_query
from tradehall.faces.terminal import requests, wishes
from tradehall.faces.terminal.errors import TerminalProblem, order_not_found, refusal_of
from tradehall.faces.terminal.routes.trading import place
from tradehall.faces.terminal.schemas import CancelledOrder, answer, listed
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import STATE_WORD, to_order, type_number

ENDED_SHOWN_NS: Final = NS_PER_DAY


async def get_orders(terminal: Terminal, request: Request) -> Response:
    """Pending orders, oldest first."""
    query = decode_query(request, requests.OrdersQuery)
    wanted = None if query.type is None else wishes.type_number(query.type)
    symbol = None if query.symbol is None else terminal.instrument(query.symbol).symbol
    terminal.check_connected()
    account = terminal.account(request)
    found = [
        to_order(terminal.desk.state, order)
        for order in account.orders.values()
        if is_pending(order) and symbol in (None, order.terms.symbol) and wanted in (None, type_number(order))
    ]
    response = respond(request, listed(found))
    await terminal.durable(account.terms.account_id)
    return response


async def get_order(terminal: Terminal, request: Request) -> Response:
    """One order: pending, or ended in the last 24 hours."""
    ticket = wishes.ticket(request.params["ticket"])
    terminal.check_connected()
    order = terminal.find_order(request, ticket)
    if not order.is_working and order.updated_at < terminal.desk.clock.now() - ENDED_SHOWN_NS:
        raise order_not_found(ticket)
    response = respond(request, answer(to_order(terminal.desk.state, order)))
    await terminal.durable(order.terms.account_id)
    return response


async def post_order(terminal: Terminal, request: Request) -> Response:
    """Place a pending order; `type` 0 and 1 are executed at market, and answered as a trade is."""
    body = decode(request, requests.OrderRequest)
    return await place(terminal, request, body, wishes.kind_of(None, body.type))


async def put_order(terminal: Terminal, request: Request) -> Response:
    """Change price, exits or expiration of a pending order; 0 or null removes what can be without."""
    ticket = wishes.ticket(request.params["ticket"])
    body = decode(request, requests.ModifyOrderRequest)
    order = _pending(terminal, request, ticket)
    outcome = await terminal.submit(wishes.to_amendment(body, order))
    if outcome.rejection is not None:
        raise refusal_of(outcome.rejection, terminal.instruments[order.terms.symbol].contract_size)
    assert outcome.order is not None, "an amended order exists"
    return respond(request, answer(to_order(terminal.desk.state, outcome.order)))


async def delete_order(terminal: Terminal, request: Request) -> Response:
    """Cancel a pending order."""
    ticket = wishes.ticket(request.params["ticket"])
    order = _pending(terminal, request, ticket)
    outcome = await terminal.submit(CancelOrder(order.terms.account_id, ticket))
    if outcome.rejection is not None:
        raise refusal_of(outcome.rejection)
    return respond(request, answer(CancelledOrder(ticket, "cancelled")))


def _pending(terminal: Terminal, request: Request, ticket: int) -> Order:
    """A working order of the caller's, as it stands; 400 for one that has ended."""
    terminal.check_connected()
    order = copy(terminal.find_order(request, ticket))
    if not order.is_working:
        raise TerminalProblem("ALREADY_CLOSED", f"Order {ticket} is {STATE_WORD[order.status]} already")
    return order
