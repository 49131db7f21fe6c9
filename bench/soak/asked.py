"""What the doors are asked in a soak, beside the trades of `bench.workloads.doors`: lists, budgets, reads."""

from collections.abc import Sequence
from typing import Any, Final

from bench.mix import Template
from bench.workloads import doors

# What support reads, by its path below the door's; one that the server does not have is left out, and told.
SUPPORT_READS: Final = (
    "/users", "/users?q=caller", "/audit", "/users/{user}", "/users/{user}/strategies", "/users/{user}/deployments",
    "/users/{user}/scanners", "/users/{user}/trades", "/users/{user}/latency", "/users/{user}/slippage",
)  # fmt: skip
SUPPORT: Final = "/api/support/v1"


def trading(gateway: Sequence[str], people: Sequence[str], terminals: Sequence[str]) -> list[Template]:
    """Orders, trades and reads at three doors. What is opened is closed more eagerly, so that nothing piles up."""
    templates = [
        *doors.gateway([f"Authorization: Bearer {key}" for key in gateway]),
        *doors.client([f"Authorization: {token}" for token in people]),
        *doors.terminal([f"Authorization: Bearer {key}" for key in terminals]),
    ]
    for template in templates:
        if template.pool and not template.keeps:
            template.weight += 2
    return templates


def gateway_reads(callers: Sequence[str]) -> list[Template]:
    """Lists, bars, previews."""
    limit = '{"symbol":"AAPL","side":"BUY","quantity":"0.01","order_type":"LIMIT","limit_price":"50.25"}'

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(f"gateway {name}", method, f"/v1{path}", list(callers), weight, **more)

    return [
        to("orders", "GET", "/orders", 2),
        to("history", "GET", "/orders/history?limit=50", 2),
        to("trades", "GET", "/trades?limit=50", 2),
        to("bars", "GET", "/bars/EURUSD?timeframe=1m&limit=100", 1),
        to("preview", "POST", "/orders/preview", 2, body=limit),
    ]


def belongings(people: Sequence[str]) -> list[Template]:
    """Alerts, settings, lists and candles of people."""
    alert = '{"symbol":"EURUSD","side":0,"condition":0,"repeat_mode":0,"target_price":{side},"message":"one of a soak"}'

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(f"client {name}", method, f"/client{path}", list(people), weight, **more)

    return [
        to("alert", "PUT", "/price_alert", 3, body=alert, sides=["1.09", "2.5"], pool="alerts", keeps=r"\[\[([0-9]+)"),
        to("alert gone", "DELETE", "/price_alert/{ticket}", 4, pool="alerts", instead="client alerts"),
        to("alerts", "GET", "/price_alert/list", 1),
        to("alert logs", "GET", "/price_alert/logs", 1),
        to("notices", "GET", "/notify/list", 1),
        to("setting", "PUT", "/settings", 1, body='{"key":"layout","value":{n}}'),
        to("modify", "PUT", "/trade/modify", 2, body='{"order":{ticket},"sl":0.9,"tp":0}', pool="trades",
           instead="client alerts"),
        to("history", "GET", "/trades?tradeType=3", 1),
        to("watch list", "GET", "/market/watch/list", 1),
        to("candles", "GET", "/quotes/candles?symbol=EURUSD&count=100", 1),
    ]  # fmt: skip


def dashboard(token: str, budgeted: str) -> list[Template]:
    """An operator's lists, orders, and the budget of the strategy `budgeted`."""
    order = (
        '{"account_id":"700002","instrument_id":"GBPUSD.SIM","side":"BUY","order_type":"LIMIT","quantity":1000,'
        '"price":0.5,"client_order_id":"board-{n}"}'
    )

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(
            f"dashboard {name}", method, f"/api{path}", [f"Authorization: Bearer {token}"], weight, **more
        )  # fmt: skip

    lists = {
        "strategies": "/trading/strategies",
        "orders": "/trading/orders?limit=50",
        "refused": "/trading/orders?status=DENIED&limit=20",
        "fills": "/trading/fills?limit=50",
        "sums": "/trading/fills/summary",
        "positions": "/trading/positions?status=open&limit=50",
        "closed": "/trading/positions?status=closed&limit=50",
        "summary": "/trading/summary",
        "signals": "/trading/signals?limit=50",
        "audit": "/trading/audit?limit=50",
        "accounts": "/trading/accounts",
        "quotes": "/trading/quotes",
        "bars": "/trading/bars?symbol=EURUSD&timeframe=1m&limit=100",
        "budgets": "/budget/registry",
    }
    return [
        *(to(name, "GET", path, 1) for name, path in lists.items()),
        to("budget", "PUT", f"/budget/{budgeted}/USD", 1, body='{"allocated":{side}}', sides=["2000", "2500"]),
        to("order", "POST", "/trading/orders", 2, body=order, pool="board",
           keeps='"client_order_id":"([^"]+)"'),
        to("cancel", "DELETE", "/trading/orders/{ticket}?account_id=700002", 3, pool="board",
           instead="dashboard quotes"),
    ]  # fmt: skip


def studio(token: str, deployments: Sequence[str]) -> list[Template]:
    """An operator's lists, definitions judged, and how deployments fare."""
    definition = (
        '{"definition":{"inputs":{"fast":{"indicator":"EMA","of":"close","period":20}},'
        '"rules":[{"when":{"crosses_above":["close","fast"]},"do":[{"open":"long"}]}]}}'
    )

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        callers = [f"Authorization: Bearer {token}"]
        return Template(f"studio {name}", method, f"/api/studio/v1{path}", callers, weight, **more)

    return [
        *(to(name, "GET", f"/{name}", 1) for name in ("strategies", "deployments", "scanners", "backtests")),
        to("marketplace", "GET", "/marketplace", 1),
        to("validate", "POST", "/strategies/validate", 2, body=definition),
        *(to(name, "GET", "/deployments/{side}/" + name, 2, sides=list(deployments))
          for name in ("why", "signals", "equity")),
    ]  # fmt: skip


def support(token: str, users: Sequence[str], known: set[str]) -> tuple[list[Template], list[str]]:
    """A support desk's reads, and what was left out because the server does not have it.

    `known`: the paths of the door's document.
    """
    found: list[Template] = []
    missing: list[str] = []
    for path in SUPPORT_READS:
        if SUPPORT + path.partition("?")[0] not in known:
            missing.append(path)
            continue
        callers, sides = [f"Authorization: Bearer {token}"], list(users) if "{user}" in path else []
        asked = SUPPORT + path.replace("{user}", "{side}")
        found.append(Template(f"support {path}", "GET", asked, callers, 2, sides=sides))
    return found, missing
