"""Opening, changing and closing tickets."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from msgspec import UNSET, UnsetType

from tradehall.app.outcome import Outcome, request_digest
from tradehall.app.projections.tickets import is_pending, pending_kind
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.position import Position, PositionSide
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.commands import AnyCommand, CancelOrder, PlaceOrder
from tradehall.faces.client import requests, schemas, wishes
from tradehall.faces.client.client import Client
from tradehall.faces.client.errors import incorrect_cmd, incorrect_order, invalid_data, refused
from tradehall.faces.client.replays import KEY_LENGTH_MAX
from tradehall.faces.client.requests import body_of, needed, parameters_of
from tradehall.faces.client.translate import volume
from tradehall.faces.client.wishes import Placing
from tradehall.faces.client.words import CMD, Requested
from tradehall.faces.kit import Request, Response, json_response
from tradehall.ports.tickets import TicketKind

# Before the key of a caller, so that it cannot be mistaken for an id from another door.
KEY_PREFIX = "idempotency:"

Translate = Callable[[requests.OpenTrade, Placing], PlaceOrder]


async def open_market(client: Client, request: Request) -> Response:
    """Open a ticket at market (cmd 0 buy, 1 sell).

    200 means accepted; the record may be final already. `open_price` is a hint: a market further away than
    the house allows refuses the order.
    """
    return await _open(client, request, wishes.to_market_order)


async def open_pending(client: Client, request: Request) -> Response:
    """Place a pending ticket (cmd 2 to 5) that opens at `open_price`."""
    return await _open(client, request, wishes.to_pending_order)


async def close(client: Client, request: Request) -> Response:
    """Close an open ticket at market, all or `volume` of it; the closed part is a record of its own."""
    body = parameters_of(request, requests.CloseTrade)
    account = client.account(request, body.login)
    name = _name_of(request)

    async def work() -> Response:
        before_restart = None if name is None else _ordered_before(client, account, name)
        if before_restart is not None:
            return _ack_again(client, before_restart)
        position = _position(account, needed(body.order, "order"), "a pending ticket is cancelled, not closed")
        instrument = client.instruments[position.symbol]
        command = wishes.to_closing(body, position, instrument, name)
        await _done(client, command)
        closed = position.quantity if command.quantity is None else command.quantity
        size = volume(closed / instrument.contract_size)
        return _ack_of_position(client, position, Requested.CLOSE, close_volume=size)

    return await _once(client, request, account.terms.account_id, work)


async def cancel(client: Client, request: Request) -> Response:
    """Take a pending ticket out."""
    body = parameters_of(request, requests.CancelTrade)
    account = client.account(request, body.login)

    async def work() -> Response:
        order = _pending(account, needed(body.order, "order"), "an open ticket is closed, not cancelled")
        await _done(client, CancelOrder(account.terms.account_id, order.order_id))
        return _ack_of_order(client, order, Requested.CANCEL)

    return await _once_for_all(client, request, account.terms.account_id, work)


async def modify_open(client: Client, request: Request) -> Response:
    """Move, set or clear (0) the stops of an open ticket."""
    body = body_of(request, requests.ModifyTrade)
    account = client.account(request, body.login)

    async def work() -> Response:
        position = _position(account, needed(body.order, "order"), "this ticket is pending")
        return await _modify_position(client, body, position)

    return await _once_for_all(client, request, account.terms.account_id, work)


async def modify_pending(client: Client, request: Request) -> Response:
    """Change price, stops or expiration (0 clears) of a pending ticket."""
    body = body_of(request, requests.ModifyTrade)
    account = client.account(request, body.login)

    async def work() -> Response:
        order = _pending(account, needed(body.order, "order"), "this ticket is open")
        return await _modify_order(client, body, order)

    return await _once_for_all(client, request, account.terms.account_id, work)


async def modify(client: Client, request: Request) -> Response:
    """Change a ticket by the rules of what it is, open or pending."""
    body = body_of(request, requests.ModifyTrade)
    account = client.account(request, body.login)

    async def work() -> Response:
        number = needed(body.order, "order")
        if number in account.positions:
            return await _modify_position(client, body, account.positions[number])
        return await _modify_order(client, body, _pending(account, number, ""))

    return await _once_for_all(client, request, account.terms.account_id, work)


# ------------------------------------------------------------------ steps of the above


async def _open(client: Client, request: Request, translate: Translate) -> Response:
    body = body_of(request, requests.OpenTrade)
    account = client.account(request, body.login)
    name = _name_of(request)

    async def work() -> Response:
        instrument = client.instrument(needed(body.symbol, "symbol"))
        placing = Placing(account, instrument, name, client.options.deviation_max)
        command = translate(body, placing)
        if name is not None:
            command = _with_digest(command)
        outcome = await client.submit(command)
        return _ack_again(client, _accepted(outcome))

    return await _once(client, request, account.terms.account_id, work)


def _with_digest(command: PlaceOrder) -> PlaceOrder:
    return PlaceOrder(
        command.terms,
        request_digest(command.terms),
        lot_step=command.lot_step,
        is_strict=command.is_strict,
        expected_price=command.expected_price,
        deviation_max=command.deviation_max,
    )


def _ordered_before(client: Client, account: Account, name: str) -> Order | None:
    """The order that was placed under this name already, as after a restart."""
    found = client.desk.state.order_by_client_id(account, name)
    return found or client.desk.ended_order(account.terms.account_id, name)


def _ack_again(client: Client, order: Order) -> Response:
    """The acknowledgement of an order that was placed, or of the closing that it was; its refusal otherwise."""
    _check_standing(order)
    if order.role is not OrderRole.CLOSE:
        return _ack_of_order(client, order, Requested.OPEN)
    terms = order.terms
    assert terms.position_id is not None, "a closing names its position"
    size = volume(terms.quantity / client.instruments[terms.symbol].contract_size)
    return json_response(
        schemas.Ack(
            order=terms.position_id,
            state=Requested.CLOSE,
            login=terms.account_id,
            symbol=terms.symbol,
            cmd=CMD[TicketKind(terms.side.opposite.value)],
            volume=size,
            close_volume=size,
        )
    )


def _accepted(outcome: Outcome) -> Order:
    """The order that was placed, now or under the same key before; its refusal otherwise."""
    order, rejection = outcome.order, outcome.rejection
    if rejection is not None and (rejection.code is not RejectCode.IDEMPOTENCY_MISMATCH or order is None):
        raise refused(rejection)
    assert order is not None, "an order that was not refused exists"
    return order


def _check_standing(order: Order) -> None:
    """An order that was refused, at once or by the venue, is no acknowledgement."""
    if order.status is OrderStatus.REJECTED:
        assert order.reject_code is not None, "a refused order has its reason"
        numbers = {name: Decimal(text) for name, text in (order.reject_numbers or {}).items()}
        raise refused(Rejection(RejectCode(order.reject_code), order.reject_message or "", numbers))


async def _modify_position(client: Client, body: requests.ModifyTrade, position: Position) -> Response:
    await _done(client, wishes.to_exits(body, position))
    return _ack_of_position(client, position, Requested.OPEN_UPDATE)


async def _modify_order(client: Client, body: requests.ModifyTrade, order: Order) -> Response:
    await _done(client, wishes.to_amendment(body, order))
    return _ack_of_order(client, order, Requested.PENDING_UPDATE)


async def _done(client: Client, command: AnyCommand) -> None:
    outcome = await client.submit(command)
    if outcome.rejection is not None:
        raise refused(outcome.rejection)
    if outcome.order is not None:
        _check_standing(outcome.order)


def _position(account: Account, number: int, if_pending: str) -> Position:
    """An open ticket of the account; 409 for a pending one, 404 for all others."""
    position = account.positions.get(number)
    if position is not None:
        return position
    order = account.orders.get(number)
    if order is not None and is_pending(order):
        raise incorrect_cmd(if_pending)
    raise incorrect_order(number)


def _pending(account: Account, number: int, if_open: str) -> Order:
    """A pending ticket of the account; 409 for an open one, 404 for all others."""
    if number in account.positions:
        raise incorrect_cmd(if_open)
    order = account.orders.get(number)
    if order is None or not is_pending(order):
        raise incorrect_order(number)
    return order


def _ack_of_order(client: Client, order: Order, state: Requested) -> Response:
    terms = order.terms
    kind = pending_kind(order) if is_pending(order) else TicketKind(terms.side.value)
    size = volume(terms.quantity / client.instruments[terms.symbol].contract_size)
    return json_response(
        schemas.Ack(
            # Where positions are netted, the ticket is that of the position that the order changed.
            order=order.position_id or order.order_id,
            state=state,
            login=terms.account_id,
            symbol=terms.symbol,
            cmd=CMD[kind],
            volume=size,
        )
    )


def _ack_of_position(
    client: Client, position: Position, state: Requested, *, close_volume: int | float | UnsetType = UNSET
) -> Response:
    kind = TicketKind.BUY if position.side is PositionSide.LONG else TicketKind.SELL
    size = volume(position.quantity / client.instruments[position.symbol].contract_size)
    return json_response(
        schemas.Ack(
            order=position.position_id,
            state=state,
            login=position.account_id,
            symbol=position.symbol,
            cmd=CMD[kind],
            volume=size,
            close_volume=close_volume,
        )
    )


def _key_of(request: Request) -> str | None:
    """The Idempotency-Key of a request, None if there is none."""
    key = request.header(b"idempotency-key")
    if not key:
        return None
    if len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise invalid_data(f"Idempotency-Key must have 1 to {KEY_LENGTH_MAX} printable characters")
    return key


def _name_of(request: Request) -> str | None:
    """The client order id that a key stands for."""
    key = _key_of(request)
    return None if key is None else f"{KEY_PREFIX}{key}"


async def _once(
    client: Client, request: Request, login: AccountId, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Do the work; under a key that was used before, answer as then."""
    key = _key_of(request)
    if key is None:
        return await work()
    return await client.replays.once((login, key), client.desk.clock.now(), work)


async def _once_for_all(
    client: Client, request: Request, login: AccountId, work: Callable[[], Awaitable[Response]]
) -> Response:
    """As `_once`, for work whose key no order keeps."""
    key = _key_of(request)
    if key is None:
        return await work()
    name, now = (login, key), client.desk.clock.now()
    return await client.replays.once(name, now, lambda: client.replays.kept(name, now, request, work))
