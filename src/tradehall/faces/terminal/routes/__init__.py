"""The route table of the terminal door, and the door made of it."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

from tradehall.faces.kit import WEBSOCKET, Door, Request, Response, Route
from tradehall.faces.terminal import requests, schemas
from tradehall.faces.terminal.auth import ANY, READ, TICKET, TRADE, authenticator
from tradehall.faces.terminal.auth import OWNER as BY_OWNER
from tradehall.faces.terminal.errors import TerminalErrors
from tradehall.faces.terminal.routes import account, keys, market, orders, positions, trading
from tradehall.faces.terminal.stream import TerminalStream
from tradehall.faces.terminal.terminal import KEY, LIMITS, OWNER, Terminal

TITLE: Final = "Terminal"
DESCRIPTION: Final = (
    "REST and a WebSocket for scripts, bots and webhook bridges of a terminal's owner: tickets, lots, sl and tp as "
    "JSON numbers, `{success, data}` or `{success, error, code}`."
)
SECURITY: Final = {"bearer": {"type": "http", "scheme": "bearer"}}
EXAMPLE_TRADE: Final = {"symbol": "EURUSD", "action": "buy", "volume": 0.1, "sl": 1.0, "tp": 2.0}
EXAMPLE_ORDER: Final = {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.0}
EXAMPLE_KEY: Final = {"name": "bot", "scope": "trade"}

Handler = Callable[[Terminal, Request], Awaitable[Response]]


def make_door(terminal: Terminal, stream: TerminalStream) -> Door:
    """The terminal's door."""
    return Door(
        name="terminal",
        title=TITLE,
        description=DESCRIPTION,
        # Its routes begin with the first prefix; unknown paths below the others are its own too.
        prefixes=("/v1", "/v1/api", "/v1/keys"),
        routes=(*_endpoints(terminal), *_keys(terminal, stream), *_outside(terminal, stream)),
        errors=TerminalErrors(),
        authenticate=authenticator(terminal.access),
        limits=LIMITS,
        security=SECURITY,
    )


def _endpoints(terminal: Terminal) -> Iterator[Route]:
    """The 17, and their aliases, which the documents leave out."""
    table = _Table(terminal)
    yield from _account(table)
    yield from _positions(table)
    yield from _orders(table, "/orders", hidden=False)
    yield from _orders(table, "/order", hidden=True)
    yield from _trading(table)
    yield from _market(table)


class _Table:
    """Makes routes below /v1/api."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def route(self, method: str, path: str, handler: Handler, answer: Any, scope: str, **more: Any) -> Route:
        if "{ticket}" in path:
            more["params"] = {"ticket": requests.Ticket}
        return Route(
            method, f"/api{path}", partial(handler, self._terminal), answers={200: answer}, scope=scope, limit=KEY,
            root=True, errors=(404,), **more,
        )  # fmt: skip


def _account(table: _Table) -> Iterator[Route]:
    one, many, tag, to = schemas.Answer, schemas.Listed, {"tag": "account"}, table.route
    yield to("GET", "/account", account.get_account, one[schemas.Account], READ, query=requests.Query, **tag)
    yield to(
        "GET", "/account/history", account.get_history, many[schemas.Deal], READ, query=requests.HistoryQuery, **tag
    )


def _positions(table: _Table) -> Iterator[Route]:
    one, many, to = schemas.Answer[schemas.Position], schemas.Listed[schemas.Position], table.route
    closing, tag, hidden = schemas.Answer[schemas.ClosingResult], {"tag": "positions"}, {"hidden": True}
    ticket = "/positions/{ticket}"
    exits = {"body": requests.ModifyPositionRequest, "rules": (requests.A_CHANGE_OF_POSITION,), **tag}
    exits_of = {"body": requests.ModifyTicketRequest, **tag, **hidden}
    close = {"body": requests.CloseRequest, "query": requests.CloseQuery, "body_required": False, **tag}
    close_of = {"body": requests.CloseTicketRequest, **tag, **hidden}
    yield to("GET", "/positions", positions.get_positions, many, READ, query=requests.SymbolQuery, **tag)
    yield to("GET", ticket, positions.get_position, one, TICKET, query=requests.Query, **tag)
    yield to("PUT", ticket, positions.put_position, one, TRADE, **exits)
    yield to("PATCH", ticket, positions.put_position, one, TRADE, **exits, **hidden)
    yield to("PUT", "/trade/modify", positions.put_trade_modify, one, TRADE, **exits_of)
    yield to("PATCH", "/trade/modify", positions.put_trade_modify, one, TRADE, **exits_of)
    yield to("DELETE", ticket, positions.delete_position, closing, TRADE, **close)
    yield to("POST", f"{ticket}/close", positions.delete_position, closing, TRADE, **close, **hidden)
    yield to("POST", "/trade/close", positions.post_trade_close, closing, TRADE, **close_of)


def _orders(table: _Table, base: str, *, hidden: bool) -> Iterator[Route]:
    one, many, to = schemas.Answer[schemas.Order], schemas.Listed[schemas.Order], table.route
    placed, cancelled = schemas.Answer[schemas.PlacedOrFilled], schemas.Answer[schemas.CancelledOrder]
    tag, ticket = {"tag": "orders", "hidden": hidden}, f"{base}/{{ticket}}"
    wish = {"body": requests.OrderRequest, "rules": (requests.PRICE_OF_TYPE,), "example": EXAMPLE_ORDER, **tag}
    change = {"body": requests.ModifyOrderRequest, "rules": (requests.A_CHANGE_OF_ORDER,), **tag}
    yield to("GET", base, orders.get_orders, many, READ, query=requests.OrdersQuery, **tag)
    yield to("GET", ticket, orders.get_order, one, TICKET, query=requests.Query, **tag)
    yield to("POST", base, orders.post_order, placed, TRADE, **wish)
    yield to("PUT", ticket, orders.put_order, one, TRADE, **change)
    yield to("PATCH", ticket, orders.put_order, one, TRADE, **change | {"hidden": True})
    yield to("DELETE", ticket, orders.delete_order, cancelled, TRADE, **tag)


def _trading(table: _Table) -> Iterator[Route]:
    to, tag = table.route, {"tag": "trading"}
    rules = (requests.ACTION_OR_TYPE, requests.PRICE_OF_TYPE)
    wish = {"body": requests.TradeRequest, "rules": rules, "example": EXAMPLE_TRADE, **tag}
    everything = {"body": requests.CloseAllRequest, "body_required": False, **tag}
    result = schemas.Answer[schemas.CloseAllResult]
    yield to("POST", "/trade", trading.post_trade, schemas.Answer[schemas.PlacedOrFilled], TRADE, **wish)
    yield to("POST", "/trade/close-all", trading.post_close_all, result, TRADE, **everything)


def _market(table: _Table) -> Iterator[Route]:
    one, many, to, tag = schemas.Answer, schemas.Listed, table.route, {"tag": "market"}
    candles = {"query": requests.CandlesQuery, **tag}
    yield to("GET", "/symbols", market.get_symbols, many[schemas.ListedSymbol], ANY, query=requests.SymbolsQuery, **tag)
    yield to("GET", "/symbols/{symbol}", market.get_symbol, one[schemas.Symbol], ANY, query=requests.Query, **tag)
    yield to("GET", "/quotes/{symbol}", market.get_quote, one[schemas.Quote], ANY, query=requests.Query, **tag)
    yield to("GET", "/candles/{symbol}", market.get_candles, many[schemas.Candle], ANY, **candles)


def _keys(terminal: Terminal, stream: TerminalStream) -> Iterator[Route]:
    def route(method: str, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
        status = 201 if (method, path) == ("POST", "") else 200
        return Route(
            method, f"/keys{path}", partial(handler, terminal), answers={status: answer}, scope=BY_OWNER, limit=OWNER,
            tag="keys", root=True, **more,
        )  # fmt: skip

    async def patch(terminal: Terminal, request: Request) -> Response:
        return await keys.patch_key(terminal, request, stream.on_revoked)

    patch.__doc__ = keys.patch_key.__doc__
    one, many = schemas.Answer, schemas.Listed
    yield route("GET", "", keys.get_keys, many[schemas.Key], query=requests.KeysQuery)
    yield route(
        "POST", "", keys.post_key, one[schemas.NewKey], body=requests.NewKeyRequest, example=EXAMPLE_KEY, errors=(404,)
    )
    yield route("POST", "/{id}/rotate", keys.post_rotation, one[schemas.NewKey])
    yield route(
        "PATCH", "/{id}", patch, one[schemas.Key], body=requests.ChangeKeyRequest, rules=(requests.A_CHANGE_OF_KEY,)
    )
    yield route("DELETE", "/{id}", keys.delete_key, one[schemas.Key])


def _outside(terminal: Terminal, stream: TerminalStream) -> Iterator[Route]:
    yield Route(
        "GET", "/health", partial(account.get_health, terminal), answers={200: schemas.Answer[schemas.HealthStatus]},
        public=True, root=True, tag="system",
    )  # fmt: skip
    yield Route(WEBSOCKET, "/api/ws", stream.connect, answers={101: None}, public=True, root=True, tag="stream")
