"""Orders: place, preview, list, read, change, cancel."""

from copy import copy

from tradehall.app.outcome import Outcome, request_digest
from tradehall.app.past_orders import ENDED, ended_by, working_orders
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.order import Order, OrderStatus
from tradehall.domain.rejection import RejectCode
from tradehall.engine.commands import CancelAllOrders, CancelOrder, PlaceOrder
from tradehall.engine.events import OrderCancelled
from tradehall.engine.preview import preview
from tradehall.faces.gateway import requests, schemas, wishes
from tradehall.faces.gateway.errors import GatewayProblem
from tradehall.faces.gateway.gateway import Gateway
from tradehall.faces.gateway.translate import (
    order_id_text,
    refusal_of_order,
    refusal_of_request,
    to_handle,
    to_order,
    to_preview,
)
from tradehall.faces.kit import Request, Response, decode, decode_query, explained, json_response
from tradehall.ports.views import OrderQuery

_REPLAYED = ((b"idempotent-replayed", b"true"),)
_REJECTED = OrderStatus.REJECTED


async def post_order(gateway: Gateway, request: Request) -> Response:
    """Place an order.

    201 with its handle; 200 with `Idempotent-Replayed: true` when the `client_order_id` was used before for
    the same wish. A refusal by the rules is 422 and keeps its number and client id.
    """
    command = _place(gateway, request)
    outcome = await gateway.submit(command)
    gateway.counters.submitted(gateway.last_submit_ns)
    order = outcome.order
    if outcome.rejection is not None and (order is None or order.status is not _REJECTED):
        raise _refused(outcome, command.terms.symbol, command.terms.client_order_id)
    assert order is not None, "an order that was not refused exists"
    if order.status is _REJECTED and order.reject_code != RejectCode.VENUE_REJECTED:
        raise refusal_of_order(order)
    if outcome.is_repeat:
        return json_response(to_handle(order), 200, headers=_REPLAYED)
    return json_response(to_handle(order), 201)


async def post_preview(gateway: Gateway, request: Request) -> Response:
    """Ask what would become of an order, with nothing changed.

    The same body and the same checks as `POST /orders`: would it be accepted, where would it fill, fees,
    margin before and after, liquidation price; or the refusal it would get.
    """
    command = _place(gateway, request)
    found = preview(gateway.desk.state, command, gateway.desk.context())
    currency = gateway.account(request).terms.currency
    display = gateway.instruments[command.terms.symbol].display
    symbol = command.terms.symbol_asked or display
    return json_response(to_preview(command.terms, found, symbol=symbol, currency=currency))


async def get_orders(gateway: Gateway, request: Request) -> Response:
    """List working orders, newest first; with `as_of` those that worked then.

    A `status` filter that names ended states adds the matching ended orders. Without `limit` 500 are
    answered, 5,000 at most.
    """
    query = decode_query(request, requests.OrdersAsOfQuery)
    wanted = _wanted(gateway, request, query, by_creation=True)
    if wanted is None:
        return json_response([])
    moment = await gateway.moment(query.as_of)
    account, statuses = gateway.account(request, moment.state), wanted.statuses
    found = {order.order_id: copy(order) for order in working_orders(account, wanted)}
    await gateway.settled(account.terms.account_id)
    if statuses is not None and statuses & ENDED and wanted.limit:
        if query.as_of is None:
            found |= {order.order_id: order for order in await gateway.desk.views.orders(wanted)}
        else:
            found |= {order.order_id: order for order in await ended_by(gateway.desk.views, wanted, moment)}
        # What ended while we waited is no longer what it was asked for as.
        found = {number: order for number, order in found.items() if order.status in statuses}
    newest = sorted(found.values(), key=lambda order: (order.created_at, order.order_id), reverse=True)
    return json_response(_shown(gateway, newest[: wanted.limit], query.symbol))


async def get_order_history(gateway: Gateway, request: Request) -> Response:
    """List ended orders, the last ended first.

    Without `limit` 500 are answered, 5,000 at most.
    """
    query = decode_query(request, requests.OrdersQuery)
    wanted = _wanted(gateway, request, query, by_creation=False)
    if wanted is None or not wanted.limit or (wanted.statuses is not None and not wanted.statuses & ENDED):
        return json_response([])
    await gateway.settled(wanted.account_id)
    orders = await gateway.desk.views.orders(wanted)
    return json_response(_shown(gateway, orders, query.symbol))


async def get_order(gateway: Gateway, request: Request) -> Response:
    """One order, working or ended."""
    order = gateway.find_order(request, request.params["order_id"])
    answer = json_response(to_order(order, gateway.instruments))
    await gateway.durable(order.terms.account_id)
    return answer


async def get_explanation(gateway: Gateway, request: Request) -> Response:
    """Why an order became what it is: its life step by step, from the journal.

    The request, each check with its figures, the quotes used and their age, the venue's reports, fees, ledger entries,
    what the streams were told; refused orders too. `redecided` tells whether the rules, on the state of then, decide
    the same again.
    """
    order = gateway.find_order(request, request.params["order_id"])
    await gateway.settled(order.terms.account_id)
    return json_response(await explained(gateway.explainer, order, for_owner=True))


async def patch_order(gateway: Gateway, request: Request) -> Response:
    """Change a working order in place; it keeps its id.

    `stop_loss` and `take_profit` of a filled entry move its exit legs. The answer is the order, and holds it
    once more under `order`.
    """
    text = request.params["order_id"]
    body = decode(request, requests.ModifyOrderRequest)
    order = gateway.find_order_to_change(request, text)
    if order.status in ENDED and gateway.desk.state.order(order.order_id) is None:
        raise _not_modifiable(order)
    command = wishes.to_amendment(body, order.terms.account_id, order.order_id)
    outcome = await gateway.submit(command)
    if outcome.rejection is not None:
        raise refusal_of_request(outcome.rejection, {"order_id": text})
    assert outcome.order is not None, "an amended order exists"
    shown = to_order(outcome.order, gateway.instruments)
    fields = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return json_response(schemas.ModifyOrderResult(**fields, order=shown))


async def delete_order(gateway: Gateway, request: Request) -> Response:
    """Cancel an order; one that is cancelled already stays so."""
    order = gateway.find_order_to_change(request, request.params["order_id"])
    if order.status in ENDED:
        await gateway.durable(order.terms.account_id)
        if order.status is not OrderStatus.CANCELLED:
            raise _not_modifiable(order)
    else:
        outcome = await gateway.submit(CancelOrder(order.terms.account_id, order.order_id))
        order = outcome.order or order
        if outcome.rejection is not None:
            raise _not_modifiable(order)
    return json_response(schemas.CancelOrderResult(success=True, order=to_order(order, gateway.instruments)))


async def delete_orders(gateway: Gateway, request: Request) -> Response:
    """Cancel all working orders, or those of one symbol.

    With a key made for a strategy: those of the strategy.
    """
    account_id: AccountId = gateway.account(request).terms.account_id
    asked = decode_query(request, requests.SymbolQuery).symbol
    symbol = None if asked is None else resolve_symbol(asked, gateway.instruments)
    count = 0
    if asked is None or symbol is not None:
        strategy_id = gateway.strategy_id(request, None)
        outcome = await gateway.submit(CancelAllOrders(account_id, symbol, strategy_id=strategy_id))
        if outcome.rejection is not None:
            raise refusal_of_request(outcome.rejection, {})
        count = sum(1 for event in outcome.events if type(event) is OrderCancelled)
    return json_response(schemas.CancelAllResult(cancelled_count=count, failed_count=0, failed_order_ids=None))


# Steps of the above.


def _place(gateway: Gateway, request: Request) -> PlaceOrder:
    body = decode(request, requests.OrderRequest)
    wishes.check_order(body)
    gateway.check_open()
    account = gateway.account(request)
    instrument = gateway.instrument(body.symbol)
    strategy_id = gateway.strategy_id(request, body.strategy_id)
    terms = wishes.to_terms(body, account, instrument, strategy_id, gateway.settings.exits_live_ns)
    return PlaceOrder(terms, None if terms.client_order_id is None else request_digest(terms))


def _refused(outcome: Outcome, symbol: str, client_order_id: str | None) -> GatewayProblem:
    rejection = outcome.rejection
    assert rejection is not None, "only a refused wish comes here"
    details: dict[str, object] = {}
    if rejection.code is RejectCode.IDEMPOTENCY_MISMATCH:
        order_id = None if outcome.order is None else order_id_text(outcome.order.order_id)
        details = {"client_order_id": client_order_id, "order_id": order_id}
    elif rejection.code is RejectCode.SYMBOL_UNKNOWN:
        details = {"symbol": symbol}
    return refusal_of_request(rejection, details)


def _not_modifiable(order: Order) -> GatewayProblem:
    text = order_id_text(order.order_id)
    return GatewayProblem("ORDER_NOT_MODIFIABLE", f"Order {text} is {order.status}", {"order_id": text})


def _wanted(gateway: Gateway, request: Request, query: requests.OrdersQuery, *, by_creation: bool) -> OrderQuery | None:
    """The filters in the house's words; None when they name a symbol that nothing has."""
    side = None if query.side is None else wishes.SIDES[query.side]
    statuses = wishes.statuses(query.status)
    since, until = wishes.instant(query.since, "since"), wishes.instant(query.until, "until")
    symbol = None if query.symbol is None else resolve_symbol(query.symbol, gateway.instruments)
    if query.symbol is not None and symbol is None:
        return None
    return OrderQuery(
        account_id=gateway.account(request).terms.account_id,
        symbol=symbol,
        statuses=statuses,
        side=side,
        client_order_id=query.client_order_id,
        oco_group_id=query.oco_group_id,
        since=since,
        until=until,
        limit=requests.ORDERS_DEFAULT if query.limit is None else min(query.limit, requests.ORDERS_MAX),
        by_creation=by_creation,
    )


def _shown(gateway: Gateway, orders: list[Order], symbol: str | None) -> list[schemas.Order]:
    instruments = gateway.instruments
    return [to_order(order, instruments, symbol) for order in orders]
