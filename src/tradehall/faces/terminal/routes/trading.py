"""Trading: orders at market, and closing everything."""

import asyncio
import time
from typing import Any, Final

from tradehall.app.outcome import Outcome
from tradehall.app.projections.tickets import is_pending
from tradehall.domain.account import Account
from tradehall.domain.fill import Fill
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order, Side
from tradehall.domain.time import NS_PER_MS
from tradehall.engine.commands import CancelOrder, PlaceOrder
from tradehall.faces.kit import Problem, Request, Response, decode
from tradehall.faces.terminal import requests, schemas, wishes
from tradehall.faces.terminal.errors import TerminalProblem, refusal_of, refusal_of_order
from tradehall.faces.terminal.memory import digest_of, mismatch
from tradehall.faces.terminal.routes.positions import average_price, close
from tradehall.faces.terminal.schemas import CancelledTicket, CloseAllResult, ClosedTicket, FailedTicket, answer
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import SIDE_WORD, millis, number

# Positions closed, and orders cancelled, side by side.
TOGETHER_MAX: Final = 500


async def post_trade(terminal: Terminal, request: Request) -> Response:
    """Buy or sell at market; answered after the fill. With `type` 2..5 and `price`: place a pending order."""
    body = decode(request, requests.TradeRequest)
    return await place(terminal, request, body, wishes.kind_of(body.action, body.type))


async def post_close_all(terminal: Terminal, request: Request) -> Response:
    """Close all positions, of one symbol or side where that is said; `cancel_orders` takes pending ones out too.

    Each is closed by itself: what fails is listed, and does not hold the others.
    """
    body = decode(request, requests.CloseAllRequest)
    side = None if body.side is None else wishes.side(body.side, "side")
    name = wishes.client_id(request, body.client_order_id)
    symbol = None if body.symbol is None else terminal.instrument(body.symbol).symbol
    terminal.check_connected()
    account = terminal.account(request)
    wish = f"{symbol} {side} {body.cancel_orders}"

    async def close_all() -> CloseAllResult:
        if name is not None and terminal.has_order_named(account, name):
            raise mismatch()
        return await _close_all(terminal, account, symbol, side, cancels=body.cancel_orders)

    if name is None:
        return respond(request, answer(await close_all()))
    key = (account.terms.account_id, name)
    result = await terminal.memory.once(key, digest_of(wish), CloseAllResult, close_all)
    return respond(request, answer(result))


# Placing.


async def place(
    terminal: Terminal, request: Request, wish: requests.TradeRequest | requests.OrderRequest, kind: wishes.Kind
) -> Response:
    """Place an order; the answer tells of its fill, or that it is pending."""
    started = time.perf_counter_ns()
    name = wishes.client_id(request, wish.client_order_id)
    wishes.check(wish, kind)
    instrument = terminal.instrument(wish.symbol)
    terminal.check_connected()
    quote = terminal.market.quotes.get(instrument.symbol)
    command = wishes.to_order(wish, kind, terminal.account(request), instrument, name, quote)
    outcome = await terminal.submit(command)
    order = _accepted(outcome, instrument)
    if kind.is_pending:
        return respond(request, answer(_placed(order.order_id, kind, command)))
    order = await terminal.end_of(order)
    if order.reject_code is not None:
        raise refusal_of_order(order, instrument.contract_size)
    fills = await terminal.fills(order, outcome)
    if not fills:
        raise TerminalProblem("REJECTED", f"Rejected: {order.end_reason or 'nothing was filled'}")
    took_ms = round((time.perf_counter_ns() - started) / NS_PER_MS)
    latency_ms = terminal.executions.latency_ms(order.order_id, took_ms)
    return respond(request, answer(_filled(order, instrument, fills, latency_ms)))


def _accepted(outcome: Outcome, instrument: Instrument) -> Order:
    """The order that was made, or found; the refusal that it got is raised."""
    order = outcome.order
    if outcome.rejection is not None:
        raise refusal_of(outcome.rejection, instrument.contract_size)
    assert order is not None, "an order that was not refused exists"
    if order.reject_code is not None:
        raise refusal_of_order(order, instrument.contract_size)
    return order


def _placed(ticket: int, kind: wishes.Kind, command: PlaceOrder) -> schemas.PlacedOrder:
    price = command.terms.limit_price or command.terms.stop_price
    number_of_kind: Any = kind.number
    return schemas.PlacedOrder(ticket, number_of_kind, number(price), "placed")


def _filled(order: Order, instrument: Instrument, fills: list[Fill], latency_ms: int) -> schemas.TradeResult:
    terms = order.terms
    # In the order of the fields: each keyword would cost a walk through them.
    return schemas.TradeResult(
        order.position_id or order.order_id,
        average_price(fills),
        terms.symbol,
        0 if terms.side is wishes.BUY.side else 1,
        SIDE_WORD[terms.side],
        number(order.filled_quantity / instrument.contract_size),
        number(terms.stop_loss),
        number(terms.take_profit),
        fills[-1].fill_id,
        millis(fills[-1].at),
        latency_ms,
    )


# Closing everything.


async def _close_all(
    terminal: Terminal, account: Account, symbol: str | None, side: Side | None, *, cancels: bool
) -> CloseAllResult:
    result = CloseAllResult([], [], [])
    positions = [
        position.position_id
        for position in account.positions.values()
        if symbol in (None, position.symbol) and side in (None, position.side.entry_side)
    ]
    orders = [
        order.order_id
        for order in account.orders.values()
        if cancels and is_pending(order) and symbol in (None, order.terms.symbol) and side in (None, order.terms.side)
    ]
    # Orders first: none of them may fill into what is being closed.
    for start in range(0, len(orders), TOGETHER_MAX):
        some = orders[start : start + TOGETHER_MAX]
        await asyncio.gather(*(_cancel_one(terminal, account, ticket, result) for ticket in some))
    for start in range(0, len(positions), TOGETHER_MAX):
        some = positions[start : start + TOGETHER_MAX]
        await asyncio.gather(*(_close_one(terminal, account, ticket, result) for ticket in some))
    return result


async def _close_one(terminal: Terminal, account: Account, ticket: int, result: CloseAllResult) -> None:
    command = wishes.to_closing(requests.CloseRequest(), account.terms.account_id, ticket, None, None, None)
    try:
        done = await close(terminal, command)
    except Problem as problem:
        result.failed.append(FailedTicket(ticket, problem.message))
        return
    profit = sum(fill.realized_pnl for fill in done.fills)
    result.closed.append(ClosedTicket(ticket, average_price(done.fills), number(profit or None)))


async def _cancel_one(terminal: Terminal, account: Account, ticket: int, result: CloseAllResult) -> None:
    try:
        outcome = await terminal.submit(CancelOrder(account.terms.account_id, ticket))
    except Problem as problem:
        result.failed.append(FailedTicket(ticket, problem.message))
        return
    if outcome.rejection is None:
        result.cancelled.append(CancelledTicket(ticket))
    else:
        result.failed.append(FailedTicket(ticket, refusal_of(outcome.rejection).message))
