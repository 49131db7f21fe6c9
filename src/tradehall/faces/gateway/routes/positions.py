"""Positions and trades: list, read, close, move exits."""

from tradehall.app.past import Moment
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import PositionId
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.position import Position
from tradehall.engine.commands import CloseAllPositions, SetPositionExits
from tradehall.engine.events import OrderAccepted, OrderRejected
from tradehall.engine.valuation import liquidation_price, value_position
from tradehall.faces.gateway import requests, schemas, wishes
from tradehall.faces.gateway.errors import GatewayProblem, position_not_found
from tradehall.faces.gateway.gateway import Gateway
from tradehall.faces.gateway.translate import (
    number_of,
    order_id_text,
    position_id_text,
    refusal_of_order,
    refusal_of_request,
    to_handle,
    to_position,
    to_trade,
)
from tradehall.faces.kit import Request, Response, decode, decode_query, json_response, plain
from tradehall.ports.views import HistoryQuery


async def get_positions(gateway: Gateway, request: Request) -> Response:
    """List open positions, or those that were open at `as_of`."""
    query = decode_query(request, requests.PositionsQuery)
    asked = query.symbol
    symbol = None if asked is None else resolve_symbol(asked, gateway.instruments)
    moment = await gateway.moment(query.as_of)
    account = gateway.account(request, moment.state)
    found = [
        shown_position(moment, position, asked)
        for position in account.positions.values()
        if asked is None or position.symbol == symbol
    ]
    answer = json_response(found)
    await gateway.durable(account.terms.account_id)
    return answer


async def get_position(gateway: Gateway, request: Request) -> Response:
    """One open position, or one that was open at `as_of`."""
    moment = await gateway.moment(decode_query(request, requests.AsOfQuery).as_of)
    position = _find(gateway, request, moment)
    answer = json_response(shown_position(moment, position))
    await gateway.durable(position.account_id)
    return answer


async def delete_position(gateway: Gateway, request: Request) -> Response:
    """Close a position, or part of it, with an opposite reduce-only order; its handle is the answer.

    At market unless `order_type` is LIMIT. When the position is flat its exit legs are cancelled, unless
    `cancel_associated_orders` is false. With a key made for a strategy it is the strategy's part that closes.
    """
    body = decode(request, requests.ClosePositionRequest)
    position = gateway.find_position_to_change(request, request.params["position_id"])
    strategy_id = gateway.strategy_id(request, None)
    command = wishes.to_closing(body, position.account_id, position.position_id, strategy_id)
    outcome = await gateway.submit(command)
    order = outcome.order
    if order is not None and order.status is OrderStatus.REJECTED and order.reject_code is not None:
        raise refusal_of_order(order)
    if outcome.rejection is not None:
        raise refusal_of_request(outcome.rejection, _named(request.params["position_id"]))
    assert order is not None, "a close that was not refused made an order"
    return json_response(to_handle(order))


async def delete_positions(gateway: Gateway, request: Request) -> Response:
    """Close all positions, or those of one symbol, at market; a handle for each.

    With a key made for a strategy: what is the strategy's.
    """
    account_id = gateway.account(request).terms.account_id
    asked = decode_query(request, requests.SymbolQuery).symbol
    symbol = None if asked is None else resolve_symbol(asked, gateway.instruments)
    if asked is not None and symbol is None:
        return json_response([])
    strategy_id = gateway.strategy_id(request, None)
    outcome = await gateway.submit(CloseAllPositions(account_id, symbol, wishes.SOURCE, strategy_id))
    if outcome.rejection is not None and outcome.order is None:
        raise refusal_of_request(outcome.rejection, {})
    numbers = [
        event.order_id
        for event in outcome.events
        if type(event) is OrderRejected or (type(event) is OrderAccepted and event.role is OrderRole.CLOSE)
    ]
    orders = [gateway.desk.order(number) for number in numbers]
    return json_response([to_handle(order) for order in orders if order is not None])


async def patch_position(gateway: Gateway, request: Request) -> Response:
    """Move a position's resting stop-loss and take-profit, one after the other."""
    body = decode(request, requests.ModifyPositionExitsRequest)
    if body.stop_loss is None and body.take_profit is None:
        raise GatewayProblem("INVALID_REQUEST", "stop_loss or take_profit is required", {"field": "stop_loss"})
    position = gateway.find_position_to_change(request, request.params["position_id"])
    outcome = await gateway.submit(
        SetPositionExits(
            position.account_id,
            position.position_id,
            stop_loss=body.stop_loss,
            take_profit=body.take_profit,
            may_create=False,
            strategy_id=gateway.strategy_id(request, None),
        )
    )
    if outcome.rejection is not None:
        raise refusal_of_request(outcome.rejection, _named(request.params["position_id"]))
    legs = gateway.desk.state.bound_orders(position)
    result = schemas.ModifyPositionExitsResult(
        position_id=position_id_text(position.position_id),
        stop_loss=None if body.stop_loss is None else _leg(legs, OrderRole.STOP_LOSS, plain(body.stop_loss)),
        take_profit=None if body.take_profit is None else _leg(legs, OrderRole.TAKE_PROFIT, plain(body.take_profit)),
    )
    return json_response(result)


async def get_trades(gateway: Gateway, request: Request) -> Response:
    """List trades (fills of orders), newest first; without `limit` 500, 5,000 at most."""
    query = decode_query(request, requests.TradesQuery)
    since, until = wishes.instant(query.since, "since"), wishes.instant(query.until, "until")
    symbol = None if query.symbol is None else resolve_symbol(query.symbol, gateway.instruments)
    order_id = None if query.order_id is None else number_of(query.order_id, "ord")
    limit = requests.ORDERS_DEFAULT if query.limit is None else min(query.limit, requests.ORDERS_MAX)
    account_id = gateway.account(request).terms.account_id
    if not limit or (query.symbol and symbol is None) or (query.order_id and order_id is None):
        return json_response([])
    await gateway.settled(account_id)
    wanted = HistoryQuery(account_id, symbol=symbol, order_id=order_id, since=since, until=until, limit=limit)
    fills = await gateway.desk.views.fills(wanted)
    return json_response([to_trade(fill, gateway.instruments, query.symbol) for fill in fills])


# Steps of the above.


def shown_position(moment: Moment, position: Position, symbol: str | None = None) -> schemas.Position:
    """A position at the quotes of a moment."""
    state, quote_of = moment.state, moment.quotes.get
    account = state.accounts[position.account_id]
    return to_position(
        position,
        value_position(state, position, quote_of),
        state.instruments,
        liquidation_price=liquidation_price(state, account, position, quote_of),
        symbol=symbol,
    )


def _find(gateway: Gateway, request: Request, moment: Moment) -> Position:
    text = request.params["position_id"]
    position_id: PositionId | None = number_of(text, "pos")
    account = gateway.account(request, moment.state)
    position = None if position_id is None else account.positions.get(position_id)
    if position is None:
        raise position_not_found(text)
    return position


def _named(text: str) -> dict[str, str]:
    return {"resource": "position", "id": text}


def _leg(orders: list[Order], role: OrderRole, price: str) -> schemas.ExitLeg:
    numbers = [order_id_text(order.order_id) for order in orders if order.role is role]
    return schemas.ExitLeg(order_ids=numbers, trigger_price=price)
