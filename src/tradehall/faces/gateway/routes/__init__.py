"""The route table of the gateway, and the door made of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Final

from tradehall.faces.gateway import requests, schemas
from tradehall.faces.gateway.auth import authenticator
from tradehall.faces.gateway.errors import GatewayErrors
from tradehall.faces.gateway.gateway import LIMITS, ORDERS, READS, Gateway
from tradehall.faces.gateway.routes import market, orders, positions, system
from tradehall.faces.gateway.stream import GatewayStream
from tradehall.faces.kit import WEBSOCKET, Door, Explained, Request, Response, Route, docs_door
from tradehall.faces.kit.body_rules import needs_one_of

TITLE: Final = "Trading Gateway"
DESCRIPTION: Final = (
    "Orders, positions, account and market data for algorithms, as the `tektii` SDK speaks to them. Every path "
    "of trading exists bare and under `/v1`. Decimals are strings; quantities are units."
)
SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
EXAMPLE_ORDER: Final = {"symbol": "AAPL", "side": "BUY", "quantity": "10", "order_type": "MARKET"}

Handler = Callable[[Gateway, Request], Awaitable[Response]]


def make_door(gateway: Gateway, stream: GatewayStream) -> Door:
    """The gateway's door."""
    door = Door(
        name="gateway",
        title=TITLE,
        description=DESCRIPTION,
        prefixes=("", "/v1"),
        routes=(*_trading(gateway, stream), *_root(gateway), *_stream(stream)),
        errors=GatewayErrors(stream.on_rate_limit),
        authenticate=authenticator(gateway.access),
        limits=LIMITS,
        security=SECURITY,
        security_is_optional=not gateway.access.needs_key,
    )
    if not gateway.settings.enable_swagger:
        return door
    return replace(door, routes=(*door.routes, *_documents(door, gateway.settings.version)))


def _trading(gateway: Gateway, stream: GatewayStream) -> tuple[Route, ...]:
    def to(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        def limited(request: Request) -> Awaitable[Response]:
            stream.watch_limit(request)
            return handler(gateway, request)

        return limited

    def read(path: str, handler: Handler, answer: Any, **more: Any) -> Route:
        return Route("GET", path, to(handler), answers={200: answer}, scope="read", limit=READS, **more)

    def write(method: str, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
        return Route(
            method, path, to(handler), answers={200: answer}, scope="trade", limit=ORDERS, errors=(409, 422), **more
        )

    s = schemas
    return (
        Route(
            "POST", "/orders", to(orders.post_order), body=requests.OrderRequest, example=EXAMPLE_ORDER, scope="trade",
            answers={200: s.OrderHandle, 201: s.OrderHandle}, limit=ORDERS, errors=(404, 409, 422), tag="orders",
            rules=requests.PRICES_OF_TYPES,
        ),
        Route(
            "POST", "/orders/preview", to(orders.post_preview), body=requests.OrderRequest, example=EXAMPLE_ORDER,
            answers={200: s.OrderPreview}, scope="read", limit=READS, errors=(404,), tag="orders",
            rules=requests.PRICES_OF_TYPES,
        ),
        read("/orders", orders.get_orders, list[s.Order], query=requests.OrdersAsOfQuery, tag="orders"),
        read("/orders/history", orders.get_order_history, list[s.Order], query=requests.OrdersQuery, tag="orders"),
        read("/orders/{order_id}", orders.get_order, s.Order, tag="orders"),
        read("/orders/{order_id}/explain", orders.get_explanation, Explained, tag="orders"),
        write("PATCH", "/orders/{order_id}", orders.patch_order, s.ModifyOrderResult,
              body=requests.ModifyOrderRequest, body_required=False, tag="orders"),
        write("DELETE", "/orders/{order_id}", orders.delete_order, s.CancelOrderResult, tag="orders"),
        write("DELETE", "/orders", orders.delete_orders, s.CancelAllResult, query=requests.SymbolQuery, tag="orders"),
        read("/positions", positions.get_positions, list[s.Position], query=requests.PositionsQuery, tag="positions"),
        read("/positions/{position_id}", positions.get_position, s.Position, query=requests.AsOfQuery, tag="positions"),
        write("DELETE", "/positions/{position_id}", positions.delete_position, s.OrderHandle,
              body=requests.ClosePositionRequest, body_required=False, rules=(requests.PRICE_OF_CLOSING,),
              tag="positions"),
        write("DELETE", "/positions", positions.delete_positions, list[s.OrderHandle], query=requests.SymbolQuery,
              tag="positions"),
        write("PATCH", "/positions/{position_id}", positions.patch_position, s.ModifyPositionExitsResult,
              body=requests.ModifyPositionExitsRequest, rules=(needs_one_of(["stop_loss"], ["take_profit"]),),
              tag="positions"),
        read("/trades", positions.get_trades, list[s.Trade], query=requests.TradesQuery, tag="positions"),
        read("/account", market.get_account, s.Account, query=requests.AsOfQuery, tag="account"),
        read("/quotes/{symbol}", market.get_quote, s.Quote, tag="market"),
        read("/bars/{symbol}", market.get_bars, list[s.Bar], query=requests.BarsQuery, tag="market"),
        read("/capabilities", system.get_capabilities, s.Capabilities, tag="system"),
        read("/status", system.get_status, s.ConnectionStatus, tag="system"),
        read("/circuit-breakers", system.get_breakers, s.CircuitBreakerStatus, tag="system"),
        write("POST", "/circuit-breakers/reset", system.reset_breakers, s.CircuitBreakerStatus, tag="system"),
    )  # fmt: skip


def _root(gateway: Gateway) -> tuple[Route, ...]:
    def public(path: str, handler: Handler, answers: dict[int, Any], **more: Any) -> Route:
        return Route(
            "GET", path, partial(handler, gateway), answers=answers, public=True, root=True, tag="system", **more
        )

    ready = {200: schemas.ReadyStatus, 503: schemas.ReadyStatus}
    return (
        public("/health", system.get_health, {200: schemas.Health}, query=requests.HealthQuery),
        public("/livez", system.get_live, {200: schemas.Health}),
        public("/ready", system.get_ready, ready),
        public("/readyz", system.get_ready, ready),
        public("/metrics", system.get_metrics, {200: None}),
    )


def _stream(stream: GatewayStream) -> tuple[Route, ...]:
    return (Route(WEBSOCKET, "/ws", stream.connect, answers={101: None}, scope="read", limit=READS, tag="stream"),)


def _documents(door: Door, version: str) -> tuple[Route, ...]:
    """The same pages as /docs, under the names that other gateways give them, behind the key."""
    pages = {route.path: route.handler for route in docs_door([door], title=TITLE, version=version).routes}
    return (
        Route("GET", "/swagger-ui", pages["/docs"], root=True, hidden=True),
        Route("GET", "/swagger-ui/", pages["/docs"], root=True, hidden=True),
        Route("GET", "/api-docs/openapi.json", pages["/openapi/gateway.json"], root=True, hidden=True),
    )
