"""Every list of every door with a million orders behind it: near pages and far ones, filters, periods."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from bench.callers import gateway_key, post
from bench.figures import Figure, Options
from bench.houses import KEYGEN, NS_PER_ORDER, write_house
from bench.servers import Server, ask, settle, tradehall
from bench.worlds import START
from tradehall.app.demo import CLIENT_ACCOUNT, HOUSE_ACCOUNT
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339

ORDERS: Final = 1_000_000
PAGE_MS: Final = 50.0
ROUNDS: Final = 40
PAGE_WITHIN_S: Final = 4.0
KEY_HEARD_WITHIN_S: Final = 3.0
# A house that was written before and is to be measured again.
KEPT: Final = "BENCH_HOUSE"


class List(NamedTuple):
    """One page: what it is called, where it is, and who asks for it."""

    what: str
    path: str
    token: str = ""


def run(options: Options) -> list[Figure]:
    """p50 and p99 of the time until the answer, and the server's CPU, per page [ms]."""
    orders = options.scaled(ORDERS)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(os.environ.get(KEPT, scratch))
        if not (data / "journal.db").exists():
            write_house(data, orders=orders)
        with tradehall(data=data, TRADEHALL_LOG_LEVEL="warning") as server:
            settle(server)
            sheet = json.loads((data / "demo.json").read_text())
            lists = [
                *_dashboard(orders, START + orders * NS_PER_ORDER // 2),
                *_support(server, sheet, orders),
                *_studio(),
                *_gateway(server, sheet, START + orders * NS_PER_ORDER // 2),
                *_client(server, sheet, orders, START + orders * NS_PER_ORDER // 2),
                *_terminal(sheet, orders, START + orders * NS_PER_ORDER // 2),
            ]
            figures = [figure for each in lists for figure in _measured(server, each, options)]
    return [Figure("orders behind the lists", orders), *figures]


def _measured(server: Server, page: List, options: Options) -> Iterator[Figure]:
    took: list[float] = []
    ask(server, page.path, page.token)
    before, deadline = server.cpu_s(), time.perf_counter() + PAGE_WITHIN_S
    while len(took) < options.scaled(ROUNDS) and time.perf_counter() < deadline:
        started = time.perf_counter()
        ask(server, page.path, page.token)
        took.append((time.perf_counter() - started) * 1_000)
    cpu = (server.cpu_s() - before) / len(took) * 1_000
    took.sort()
    yield Figure(page.what, took[len(took) // 2], "ms", PAGE_MS)
    yield Figure("  p99, CPU", took[-1], f"ms, {cpu:.1f} ms")


def _dashboard(orders: int, middle: int) -> Iterator[List]:
    half, far = orders // 2, orders - 200
    at = to_rfc3339(middle)
    filters = {
        "": "", "by status": "status=FILLED", "refused": "status=DENIED", "by symbol": "instrument_id=AAPL.SIM",
        "by side": "side=BUY", "by the rarer side": "side=SELL", "by account": f"account_id={HOUSE_ACCOUNT}",
        "by another account": f"account_id={CLIENT_ACCOUNT}", "by strategy": f"strategy_id={KEYGEN}",
        "since": f"since={at}", "until": f"until={at}",
        "by symbol and side": "instrument_id=AAPL.SIM&side=BUY",
        "by symbol and status": "instrument_id=AAPL.SIM&status=CANCELED",
        "by account and symbol": f"account_id={HOUSE_ACCOUNT}&instrument_id=AAPL.SIM",
        "by account and side": f"account_id={HOUSE_ACCOUNT}&side=BUY",
        "by account and status": f"account_id={HOUSE_ACCOUNT}&status=FILLED",
        "by account, refused": f"account_id={HOUSE_ACCOUNT}&status=DENIED",
        "by strategy and side": f"strategy_id={KEYGEN}&side=BUY",
        "by symbol, since": f"instrument_id=AAPL.SIM&since={at}",
        "by side, until": f"side=BUY&until={at}",
        "by account, since": f"account_id={HOUSE_ACCOUNT}&since={at}",
    }  # fmt: skip
    for what, asked in filters.items():
        yield List(f"orders {what}".strip(), f"/api/trading/orders?{asked}")
    for what in ("", "by status", "by symbol", "by side", "by account", "by account and side", "since"):
        yield List(f"orders {what}, half-way out", f"/api/trading/orders?{filters[what]}&offset={half // 2}")
    yield List("orders, the middle", f"/api/trading/orders?offset={half}")
    yield List("orders, the last", f"/api/trading/orders?offset={far}")
    yield List("orders, a thousand", "/api/trading/orders?limit=1000")
    yield List("orders by account, a thousand", f"/api/trading/orders?{filters['by account']}&limit=1000")
    for what in ("", "by symbol", "by side", "by account", "by strategy", "since", "until", "by symbol and side"):
        yield List(f"fills {what}".strip(), f"/api/trading/fills?{filters[what]}")
    for what in ("", "by symbol", "by side", "by account"):
        yield List(f"fills {what}, far out", f"/api/trading/fills?{filters[what]}&offset={half // 5}")
    yield List("fills, a thousand", "/api/trading/fills?limit=1000")
    for what in ("", "by symbol", "by account", "by strategy", "since", "until"):
        yield List(f"sums of fills {what}".strip(), f"/api/trading/fills/summary?{filters[what]}")
    for what in ("", "by symbol", "by account", "by strategy"):
        yield List(f"closed positions {what}".strip(), f"/api/trading/positions?status=closed&{filters[what]}")
    yield List("closed positions, far out", f"/api/trading/positions?status=closed&offset={orders // 8}")
    yield List("closed positions, a thousand", "/api/trading/positions?status=closed&limit=1000")
    for what in ("", "by strategy", "since"):
        yield List(f"summary {what}".strip(), f"/api/trading/summary?{filters[what]}")
    audit = {"": "", "refused": "outcome=refused", "by severity": "severity=WARNING", "far out": "offset=25000"}
    for what, asked in audit.items():
        yield List(f"audit trail {what}".strip(), f"/api/trading/audit?{asked}")
    for path in ("strategies", "signals", "accounts", "positions"):
        yield List(f"dashboard {path}", f"/api/trading/{path}")


def _support(server: Server, sheet: dict[str, Any], orders: int) -> Iterator[List]:
    token = sheet["support"]["admin_token"]
    users = json.loads(ask(server, "/api/support/v1/users", token))["items"]
    user = next(each["id"] for each in users if str(CLIENT_ACCOUNT) in json.dumps(each))
    of_user = f"/api/support/v1/users/{user}"
    far = orders // 10 // 100 - 2
    trades = {
        "": "", "by symbol": "symbol=AAPL", "by result": "result=loss", "by profit": "sort=net_pnl",
        "oldest first": "sort=taken_at", "far out": f"page={far}", "by symbol and side": "symbol=AAPL&side=long",
    }  # fmt: skip
    yield List("support: users", "/api/support/v1/users?size=100", token)
    for what, asked in trades.items():
        yield List(f"support: trades {what}".strip(), f"{of_user}/trades?size=100&{asked}", token)
    for path in ("strategies", "deployments", "scanners"):
        yield List(f"support: {path}", f"{of_user}/{path}?size=100", token)
    for path in ("latency", "slippage"):
        yield List(f"support: {path}", f"{of_user}/{path}?window=30d", token)
    yield List("support: audit", "/api/support/v1/audit?size=100", token)


def _gateway(server: Server, sheet: dict[str, Any], middle: int) -> Iterator[List]:
    key = gateway_key(server)
    time.sleep(KEY_HEARD_WITHIN_S)
    at, later = to_rfc3339(middle), to_rfc3339(middle + NS_PER_SECOND)
    filters = {
        "": "", "by symbol": "symbol=MSFT&", "by side": "side=SELL&", "rejected": "status=REJECTED&",
        "until": f"until={at}&", "of a second": f"since={at}&until={later}&", "since": f"since={at}&",
    }  # fmt: skip
    for what, asked in filters.items():
        yield List(f"gateway: history {what}".strip(), f"/v1/orders/history?{asked}limit=100", key)
        if "side" not in asked and "status" not in asked:
            yield List(f"gateway: trades {what}".strip(), f"/v1/trades?{asked}limit=100", key)
    yield List("gateway: orders that were cancelled, until", f"/v1/orders?status=CANCELLED&until={at}&limit=100", key)


def _client(server: Server, sheet: dict[str, Any], orders: int, middle: int) -> Iterator[List]:
    wish = {"login": CLIENT_ACCOUNT, "password": sheet["client"]["password"]}
    token = post(server, "/client/sign/in", wish)["__token"]
    second, ended = middle // NS_PER_SECOND, orders // 10
    filters = {
        "": "tradeType=2", "all": "tradeType=0", "of funds": "tradeType=4", "half-way out":
        f"tradeType=2&offset={ended // 2}", "the last": f"tradeType=2&offset={ended - 100}",
        "by symbol": "where=" + quote('[["symbol","MSFT"]]'), "by number": "where=" + quote('[["order",8300000]]'),
        "closed in a second": "whereBetween=" + quote(f'[["close_time",[{second},{second}]]]'),
        "by profit": "whereBetween=" + quote('[["profit",[-1,0]]]'),
    }  # fmt: skip
    for what, asked in filters.items():
        yield List(f"client: trades {what}".strip(), f"/client/trades?{asked}&limit=100", token)
    for what, until in {"of a second": second, "of a day": second + 86_400}.items():
        yield List(f"client: history {what}", f"/client/trades/history/login?from={second}&to={until}&limit=100", token)


def _terminal(sheet: dict[str, Any], orders: int, middle: int) -> Iterator[List]:
    key, at = sheet["terminal"]["full"], to_rfc3339(middle)
    begin = f"from={to_rfc3339(START)}"
    filters = {
        "": begin, "by symbol": f"{begin}&symbol=MSFT", "until": f"{begin}&to={at}", "since": f"from={at}",
        "half-way out": f"{begin}&offset={orders // 10}", "the last": f"{begin}&offset={orders // 5 - 100}",
    }  # fmt: skip
    for what, asked in filters.items():
        yield List(f"terminal: deals {what}".strip(), f"/v1/api/account/history?{asked}&limit=100", key)


def _studio() -> Iterator[List]:
    for path in ("strategies", "deployments", "backtests", "scanners", "marketplace"):
        yield List(f"studio: {path}", f"/api/studio/v1/{path}?size=100", "open")
