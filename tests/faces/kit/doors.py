"""A door to test the kit with, and the app around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tradehall.faces.kit import (
    STATUS,
    App,
    BadRequest,
    Door,
    Limit,
    Problem,
    ProblemKind,
    Request,
    Response,
    Route,
    WireDecimal,
    WirePositive,
    decode,
    decode_query,
    json_response,
    plain,
)


class ErrorBody(Struct):
    code: str
    message: str
    details: dict[str, Any] | None = None


class PlainDialect:
    """`{code, message, details}`; `accent` goes before each code, to tell two doors apart."""

    body = ErrorBody

    def __init__(self, accent: str = "") -> None:
        self._accent = accent

    def render(self, problem: Problem, request: Request) -> Response:
        details = problem.details
        if isinstance(problem, BadRequest):
            details = {"field": problem.field, "found": problem.found, "place": problem.place}
        code = f"{self._accent}{problem.code or problem.kind}"
        body = ErrorBody(code, problem.message, dict(details) if details else None)
        return json_response(body, problem.status, code=code)

    def status(self, kind: ProblemKind) -> int:
        return STATUS[kind]


class OrderRequest(Struct):
    symbol: str
    quantity: WirePositive
    limit_price: WireDecimal | None = None
    legs: list[dict[str, int]] = []


class OrderQuery(Struct):
    status: list[str] = []
    limit: int = 100
    since: str | None = None


class OrderHandle(Struct):
    id: str
    quantity: str


class Echo(Struct):
    params: dict[str, str]
    query: OrderQuery
    principal: str | None


async def post_order(request: Request) -> Response:
    """Place an order.

    It fills, or it rests.
    """
    wish = decode(request, OrderRequest)
    request.note(symbol=wish.symbol)
    return json_response(OrderHandle("ord_1", plain(wish.quantity)), 201)


async def echo(request: Request) -> Response:
    """Say what was asked."""
    return json_response(Echo(request.params, decode_query(request, OrderQuery), request.principal))


async def explode(request: Request) -> Response:
    """Fail as no handler should."""
    raise RuntimeError("a bug")


def authenticate(request: Request, route: Route) -> str:
    key = request.header(b"x-api-key")
    if not key:
        raise Problem(ProblemKind.UNAUTHENTICATED, "A key is missing", code="MISSING_KEY")
    if route.scope == "trade" and key == "reader":
        raise Problem(ProblemKind.FORBIDDEN, "This key may only read")
    request.account = request.rate_key = key
    return key


ROUTES = (
    Route(
        "POST",
        "/orders",
        post_order,
        body=OrderRequest,
        answers={201: OrderHandle},
        scope="trade",
        limit="write",
    ),
    Route("GET", "/orders", echo, query=OrderQuery, answers={200: Echo}),
    Route("GET", "/orders/history", echo, query=OrderQuery, answers={200: Echo}),
    Route("GET", "/orders/{order_id}", echo, query=OrderQuery, answers={200: Echo}),
    Route("GET", "/quotes/{symbol}", echo, query=OrderQuery, answers={200: Echo}),
    Route("GET", "/accounts/{account}/fills", echo, query=OrderQuery, answers={200: Echo}),
    Route("GET", "/health", echo, answers={200: Echo}, public=True, hidden=True),
    Route("GET", "/boom", explode, public=True, hidden=True),
)


def a_door(**changes: Any) -> Door:
    declared: Mapping[str, Any] = {
        "name": "gateway",
        "title": "Gateway",
        "prefixes": ("", "/v1"),
        "routes": ROUTES,
        "errors": PlainDialect(),
        "authenticate": authenticate,
        "limits": {"write": Limit(per_second=1, burst=3)},
        "security": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
    }
    return Door(**{**declared, **changes})


def an_app(*doors: Door, **arguments: Any) -> App:
    return App(doors or (a_door(),), **arguments)
