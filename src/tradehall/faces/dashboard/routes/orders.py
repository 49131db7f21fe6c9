"""Orders: list, read, why one was refused; and from the page: place, preview, change, cancel."""

from typing import Final

from tradehall.app.house_orders import HouseOrderWish
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.domain.order import WORKING, Order, OrderStatus
from tradehall.engine.commands import CancelOrder, ClosePosition, PlaceOrder
from tradehall.engine.preview import preview
from tradehall.faces.dashboard import requests, wishes
from tradehall.faces.dashboard.auth import actor_of
from tradehall.faces.dashboard.dashboard import Dashboard, listed, read_instant, unavailable
from tradehall.faces.dashboard.errors import Refused, not_found, refusal_of
from tradehall.faces.dashboard.translate import order_name, to_deny_reason, to_fill, to_order, to_preview
from tradehall.faces.dashboard.words import status_word, statuses
from tradehall.faces.kit import BadRequest, Problem, ProblemKind, Request, Response, decode, decode_query, json_response
from tradehall.ports.house_views import HouseFillQuery, HouseOrderQuery

_KEY_MAX: Final = 64


async def get_orders(dashboard: Dashboard, request: Request) -> Response:
    """List orders of all accounts, newest first."""
    query = decode_query(request, requests.OrdersQuery)
    words = statuses(query.status)
    wish = HouseOrderWish(
        query=HouseOrderQuery(
            account_id=None if query.account_id is None else int(query.account_id),
            strategy_ids=dashboard.strategy_ids(query.strategy_id, query.strategy_name),
            symbol=dashboard.symbol_of(query.instrument_id),
            side=wishes.side_of(query.side),
            ends=words.ends,
            since=read_instant(query.since, "since"),
            until=read_instant(query.until, "until"),
            limit=query.limit,
            offset=query.offset,
        ),
        working=words.working,
        is_triggered=words.is_triggered,
    )
    try:
        orders, total = await dashboard.orders.page(wish)
    except ShardUnavailable as reason:
        raise unavailable(reason.reason) from None
    # Orders of one decision share their instant.
    orders.sort(key=lambda order: (order.created_at, order_name(order)), reverse=True)
    return listed([to_order(order, dashboard.instruments, dashboard.name_of) for order in orders], total)


async def get_order(dashboard: Dashboard, request: Request) -> Response:
    """One order, by its client order id or `ord_{n}`."""
    answer = _shown(dashboard, _found(dashboard, request))
    await dashboard.settled()
    return answer


async def get_order_fills(dashboard: Dashboard, request: Request) -> Response:
    """Fills of an order, oldest first."""
    order = _found(dashboard, request)
    await dashboard.settled()
    fills = dashboard.desk.views.fills_of(order.order_id)
    name = order.terms.client_order_id
    rows = [to_fill(fill, name, dashboard.instruments, dashboard.name_of) for fill in fills]
    return listed(rows, len(rows))


async def get_deny_reason(dashboard: Dashboard, request: Request) -> Response:
    """Why an order was refused: the numbers, and what would have passed."""
    order = _found(dashboard, request)
    if order.status is not OrderStatus.REJECTED or order.reject_code is None:
        raise Problem(ProblemKind.NOT_FOUND, "No deny reason for this order")
    answer = json_response(to_deny_reason(order, dashboard.desk.state.accounts.get(order.terms.account_id)))
    await dashboard.settled()
    return answer


async def post_order(dashboard: Dashboard, request: Request) -> Response:
    """Place an order.

    201 with the order, also one that was refused: DENIED, with its reason. `Idempotency-Key` serves as a
    client order id where the body has none; the same again is 200 with the first order.
    """
    command = _to_place(dashboard, request)
    outcome = await dashboard.submit(command, actor_of(request))
    order = outcome.order
    if order is None or (outcome.rejection is not None and order.status is not OrderStatus.REJECTED):
        assert outcome.rejection is not None, "a wish that made no order was refused"
        raise refusal_of(outcome.rejection)
    return _shown(dashboard, order, 200 if outcome.is_repeat else 201)


async def post_preview(dashboard: Dashboard, request: Request) -> Response:
    """Ask what would become of an order, with nothing changed: the same body and checks."""
    command = _to_place(dashboard, request)
    state = dashboard.desk.state
    found = preview(state, command, dashboard.desk.context())
    account, instrument = state.accounts[command.terms.account_id], dashboard.instruments[command.terms.symbol]
    return json_response(to_preview(found, account, instrument))


async def patch_order(dashboard: Dashboard, request: Request) -> Response:
    """Change a working order in place."""
    body = decode(request, requests.AmendRequest)
    order = _found(dashboard, request)
    command = wishes.to_amendment(body, order)
    outcome = await dashboard.carry_out(command, actor_of(request), "order.amended", ("order", f"ord_{order.order_id}"))
    return _shown(dashboard, _result(outcome))


async def delete_order(dashboard: Dashboard, request: Request) -> Response:
    """Cancel a working order; one that is cancelled already stays so."""
    order = _found(dashboard, request)
    entity = ("order", f"ord_{order.order_id}")
    if order.status is OrderStatus.CANCELLED:
        await dashboard.settled()
        return _shown(dashboard, order)
    if order.status not in WORKING:
        problem = Refused(409, "ORDER_ENDED", f"Order is {status_word(order)}: it cannot be cancelled")
        raise await dashboard.refuse(problem, actor_of(request), "order.canceled", entity)
    command = CancelOrder(order.terms.account_id, order.order_id)
    outcome = await dashboard.carry_out(command, actor_of(request), "order.canceled", entity)
    return _shown(dashboard, _result(outcome))


def placed(dashboard: Dashboard, outcome: Outcome) -> Response:
    """The order that a wish made, also a refused one."""
    if outcome.order is None:
        assert outcome.rejection is not None, "a wish that made no order was refused"
        raise refusal_of(outcome.rejection)
    return _shown(dashboard, outcome.order, 201)


async def post_close(dashboard: Dashboard, request: Request) -> Response:
    """Close what one owner holds of a position, or part of it, at market; the closing order is the answer."""
    body = decode(request, requests.CloseRequest)
    account = dashboard.account(body.account_id)
    number = wishes.position_number(request.params["position_id"])
    strategy_id = None if body.strategy_id is None else body.strategy_id.lower()
    quantity = body.quantity
    if strategy_id is None:
        position = account.positions.get(number)
        if position is None:
            raise not_found("Position")
        quantity = quantity or dashboard.loose_units(account, position)
        if not quantity:
            raise not_found("Position")
    command = ClosePosition(
        account.terms.account_id, number, quantity=quantity, source=wishes.SOURCE, strategy_id=strategy_id
    )
    return placed(dashboard, await dashboard.submit(command, actor_of(request)))


def _found(dashboard: Dashboard, request: Request) -> Order:
    login = decode_query(request, requests.AccountQuery).account_id
    return dashboard.find_order(request.params["client_order_id"], login)


def _result(outcome: Outcome) -> Order:
    assert outcome.order is not None, "an order that was changed exists"
    return outcome.order


def _shown(dashboard: Dashboard, order: Order, status: int = 200) -> Response:
    return json_response(to_order(order, dashboard.instruments, dashboard.name_of), status)


def _to_place(dashboard: Dashboard, request: Request) -> PlaceOrder:
    body = decode(request, requests.OrderRequest)
    account = dashboard.account(body.account_id)
    instrument = dashboard.instrument(body.instrument_id)
    if body.strategy_id is not None and body.strategy_id.lower() not in account.books:
        raise not_found("Strategy")
    key = request.header(b"idempotency-key")
    if len(key) > _KEY_MAX or not key.isprintable():
        raise BadRequest("Idempotency-Key", f"must have at most {_KEY_MAX} printable characters", place="header")
    return wishes.to_place_order(body, account.terms.account_id, instrument, body.client_order_id or key or None)


def fill_query(dashboard: Dashboard, query: requests.FillFilter, *, limit: int = 1, offset: int = 0) -> HouseFillQuery:
    """The fills that a filter leaves."""
    return HouseFillQuery(
        account_id=None if query.account_id is None else int(query.account_id),
        strategy_ids=dashboard.strategy_ids(query.strategy_id, query.strategy_name),
        symbol=dashboard.symbol_of(query.instrument_id),
        side=wishes.side_of(query.side),
        since=read_instant(query.since, "since"),
        until=read_instant(query.until, "until"),
        limit=limit,
        offset=offset,
    )
