"""The route table of the dashboard, and the door made of it."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

from tradehall.app.records.api_keys import READ, TRADE
from tradehall.faces.dashboard import requests, schemas
from tradehall.faces.dashboard.auth import authenticator
from tradehall.faces.dashboard.dashboard import LIMITS, READS, WRITES, Dashboard
from tradehall.faces.dashboard.errors import DashboardErrors
from tradehall.faces.dashboard.routes import budgets, fills, market, orders, trading
from tradehall.faces.dashboard.stream import DashboardStream
from tradehall.faces.kit import WEBSOCKET, Door, Request, Response, Route

TITLE: Final = "Dashboard"
DESCRIPTION: Final = (
    "What operators see and steer: strategies, orders, fills, positions, budgets, accounts and the audit trail of the "
    "whole house. Bare lists with `X-Total-Count`, JSON numbers, `{detail}`."
)
SECURITY: Final = {"bearer": {"type": "http", "scheme": "bearer"}}
EXAMPLE_ORDER: Final = {
    "account_id": "700100", "instrument_id": "EURUSD.SIM", "side": "BUY", "order_type": "MARKET", "quantity": 1000,
}  # fmt: skip
EXAMPLE_STRATEGY: Final = {
    "name": "mean_reversion", "strategy_id": "MeanReversion-001", "account_id": "700100", "instrument_id": "BTCUSD.SIM",
}  # fmt: skip

Handler = Callable[[Dashboard, Request], Awaitable[Response]]


def make_door(dashboard: Dashboard, stream: DashboardStream) -> Door:
    """The dashboard's door."""
    is_open = dashboard.settings.is_open
    return Door(
        name="dashboard",
        title=TITLE,
        description=DESCRIPTION,
        # Its routes begin with the first prefix; unknown paths below the others are its own too.
        prefixes=("/api", "/api/trading", "/api/budget"),
        routes=(*_lists(dashboard), *_budgets(dashboard), *_page(dashboard), *_wishes(dashboard), *_stream(stream)),
        errors=DashboardErrors(),
        authenticate=authenticator(dashboard.access, is_open=is_open),
        limits=LIMITS,
        security=SECURITY,
        security_is_optional=is_open,
    )


class _Table:
    """Makes routes below /api."""

    def __init__(self, dashboard: Dashboard, tag: str) -> None:
        self._dashboard = dashboard
        self._tag = tag

    def read(self, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
        errors = (404,) if "{" in path else ()
        return self._route("GET", path, handler, {200: answer}, READ, READS, errors, **more)

    def write(self, method: str, path: str, handler: Handler, answers: dict[int, Any], **more: Any) -> Route:
        return self._route(method, path, handler, answers, TRADE, WRITES, (404, 409), **more)

    def _route(
        self, method: str, path: str, handler: Handler, answers: dict[int, Any], scope: str, limit: str,
        errors: tuple[int, ...], **more: Any,
    ) -> Route:  # fmt: skip
        return Route(
            method, path, partial(handler, self._dashboard), answers=answers, scope=scope, limit=limit, errors=errors,
            tag=self._tag, root=True, **more,
        )  # fmt: skip


def _lists(dashboard: Dashboard) -> Iterator[Route]:
    read, s, q = _Table(dashboard, "trading").read, schemas, requests
    order = "/trading/orders/{client_order_id}"
    yield read("/trading/strategies", trading.get_strategies, list[s.Strategy], query=q.StrategiesQuery)
    yield read("/trading/orders", orders.get_orders, list[s.Order], query=q.OrdersQuery)
    yield read(order, orders.get_order, s.Order, query=q.AccountQuery)
    yield read(f"{order}/fills", orders.get_order_fills, list[s.Fill], query=q.AccountQuery)
    yield read(f"{order}/deny-reason", orders.get_deny_reason, s.DenyReason, query=q.AccountQuery)
    yield read("/trading/fills", fills.get_fills, list[s.Fill], query=q.FillsQuery)
    yield read("/trading/fills/summary", fills.get_fills_summary, s.FillsSummary, query=q.FillFilter)
    yield read("/trading/positions", fills.get_positions, list[s.Position], query=q.PositionsQuery)
    yield read("/trading/summary", fills.get_summary, s.Summary, query=q.SummaryQuery)
    yield read("/trading/signals", trading.get_signals, list[s.Signal], query=q.SignalsQuery)
    yield read("/trading/audit", trading.get_audit, list[s.AuditRow], query=q.AuditQuery)


def _budgets(dashboard: Dashboard) -> Iterator[Route]:
    table, s = _Table(dashboard, "budget"), schemas
    strategy = "/budget/{strategy_id}"
    entry = f"{strategy}/{{currency}}"
    yield table.read(
        "/budget/registry", budgets.get_registry, dict[str, dict[str, s.RegistryEntry]], query=requests.AsOfQuery
    )
    yield table.read(strategy, budgets.get_budget, s.BudgetSummary, query=requests.BudgetQuery)
    yield table.write(
        "PUT", entry, budgets.put_budget, {200: s.Budget, 201: s.Budget},
        body=requests.BudgetRequest, example={"allocated": 1000.0},
    )  # fmt: skip
    yield table.write("DELETE", entry, budgets.delete_budget, {204: None}, query=requests.RemoveQuery)
    yield table.read(f"{strategy}/pnl/realized", budgets.get_realized_pnl, s.RealizedPnl, query=requests.SpanQuery)


def _page(dashboard: Dashboard) -> Iterator[Route]:
    read, s, q = _Table(dashboard, "page").read, schemas, requests
    yield read("/trading/system", market.get_system, s.System)
    yield read("/trading/instruments", market.get_instruments, list[s.Instrument])
    yield read("/trading/bars", market.get_bars, list[s.Bar], query=q.BarsQuery)
    yield read("/trading/studies", market.get_studies, list[s.StudyLine], query=q.StudyQuery)
    yield read("/trading/quotes", market.get_quotes, list[s.Quote], query=q.QuotesQuery)
    yield read("/trading/accounts", market.get_accounts, list[s.Account], query=q.AccountsQuery)
    yield read("/trading/accounts/{account_id}/equity", market.get_equity, list[s.EquityPoint], query=q.EquityQuery)


def _wishes(dashboard: Dashboard) -> Iterator[Route]:
    table, s, q = _Table(dashboard, "operator"), schemas, requests
    order = "/trading/orders/{client_order_id}"
    yield table.write(
        "POST", "/trading/strategies", trading.post_strategy, {201: s.Strategy},
        body=q.StrategyRequest, example=EXAMPLE_STRATEGY,
    )  # fmt: skip
    yield table.write(
        "POST", "/trading/orders", orders.post_order, {200: s.Order, 201: s.Order},
        body=q.OrderRequest, example=EXAMPLE_ORDER,
    )  # fmt: skip
    yield Route(
        "POST", "/trading/orders/preview", partial(orders.post_preview, dashboard),
        answers={200: s.Preview}, body=q.OrderRequest, example=EXAMPLE_ORDER, scope=READ, limit=READS, errors=(404,),
        tag="operator", root=True,
    )  # fmt: skip
    yield table.write("PATCH", order, orders.patch_order, {200: s.Order}, body=q.AmendRequest, query=q.AccountQuery)
    yield table.write("DELETE", order, orders.delete_order, {200: s.Order}, query=q.AccountQuery)
    yield table.write(
        "POST", "/trading/positions/{position_id}/close", orders.post_close, {201: s.Order}, body=q.CloseRequest
    )
    state = {"body": q.StateRequest, "example": {"state": "HALTED", "reason": "a look at the fills"}}
    yield table.write("PUT", "/trading/accounts/{account_id}/state", trading.put_account_state, {200: s.State}, **state)
    yield table.write(
        "PUT", "/trading/strategies/{strategy_id}/state", trading.put_strategy_state, {200: s.State}, **state
    )
    yield table.write("POST", "/trading/kill-switch", trading.post_kill_switch, {200: s.Killed}, body=q.KillRequest)


def _stream(stream: DashboardStream) -> Iterator[Route]:
    yield Route(WEBSOCKET, "/trading/ws", stream.connect, answers={101: None}, public=True, tag="stream", root=True)
