"""Reads of one object through every door, 200 a second on schedule, with a million orders stored.

Then each kind by itself from one connection: what it costs the server, whatever else the machine does.
"""

import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.callers import gateway_key, post
from bench.figures import Figure, Options
from bench.houses import write_house
from bench.mix import Template, written
from bench.servers import Server, ask, load, settle, tradehall
from tradehall.app.demo import CLIENT_ACCOUNT, HOUSE_ACCOUNT

ORDERS: Final = 1_000_000
RATE: Final = 200
SECONDS: Final = 60
CONNECTIONS: Final = 16
WARM_UP_S: Final = 5
ALONE_S: Final = 1.0
READ_MS: Final = 5.0
# This door reads one trade by narrowing the list of all.
LISTS: Final = {"client ended trade"}
LIST_MS: Final = 50.0
# Orders that are read, of all ages.
DRAWN: Final = 400
# A house that was written before and is to be measured again.
KEPT: Final = "BENCH_HOUSE"


def run(options: Options) -> list[Figure]:
    """p50, p95 and p99 of each kind [ms], and the server's CPU per read."""
    orders = options.scaled(ORDERS)
    with tempfile.TemporaryDirectory() as scratch, TemporaryDirectory() as lists:
        data = Path(os.environ.get(KEPT, scratch))
        if not (data / "journal.db").exists():
            write_house(data, orders=orders)
        with tradehall(data=data, TRADEHALL_LOG_LEVEL="warning") as server:
            settle(server)
            templates = _templates(server, orders)
            mixture = Path(lists) / "mix.json"
            mixture.write_bytes(written(templates))
            flags: dict[str, Any] = {"connections": CONNECTIONS, "rate": RATE, "mix": str(mixture)}
            load(server, seconds=WARM_UP_S, **flags)
            found = load(server, seconds=options.scaled(SECONDS), **flags)
            alone = {each.name: _alone(server, each, mixture) for each in templates}
    return [Figure("orders stored", orders), *_figures(found, alone)]


def _alone(server: Server, template: Template, mixture: Path) -> dict[str, Any]:
    mixture.write_bytes(written([template]))
    return load(server, connections=1, seconds=ALONE_S, mix=str(mixture))


def _figures(found: dict[str, Any], alone: dict[str, dict[str, Any]]) -> Iterator[Figure]:
    yield Figure("all: p50, p95", found["p50_ms"], f"ms, {found['p95_ms']} ms")
    yield Figure("all, a list among them: p99", found["p99_ms"], "ms")
    yield Figure("the server's CPU", found["cpu_us"], "µs/read")
    refused = sum(count for status, count in found["statuses"].items() if status != "200")
    yield Figure("answered with anything but 200", refused, promise=0)
    for name, kind in found["templates"].items():
        yield Figure(f"{name}: p99", kind["p99_ms"], "ms", LIST_MS if name in LISTS else READ_MS)
        yield Figure("  p50, p95", kind["p50_ms"], f"ms, {kind['p95_ms']} ms")
        by_itself = alone[name]
        yield Figure("  alone: p50, p99", by_itself["p50_ms"], f"ms, {by_itself['p99_ms']} ms")
        yield Figure("  alone: the server's CPU", by_itself["cpu_us"], "µs/read")


def _templates(server: Server, orders: int) -> list[Template]:
    sheet = json.loads((server.data / "demo.json").read_text())
    key = gateway_key(server)  # A running server hears of it a moment later.
    ended = _drawn(server, orders, HOUSE_ACCOUNT)
    denied = _drawn(server, orders, HOUSE_ACCOUNT, "&status=DENIED")
    return [
        *_client(server, sheet),
        *_terminal(server, sheet),
        *_gateway(server, key, ended),
        *_dashboard(sheet, ended, denied),
        *_support(server, sheet, orders),
        *_studio(server),
    ]


def _drawn(server: Server, orders: int, account: int, more: str = "") -> list[dict[str, Any]]:
    """Ended orders from all over the past of an account."""
    dice = random.Random(1)
    found: list[dict[str, Any]] = []
    total = orders // 25 if more else orders * 3 // 4
    while len(found) < DRAWN:
        asked = f"/api/trading/orders?account_id={account}&limit=20&offset={dice.randrange(total - 20)}{more}"
        found += json.loads(ask(server, asked))
    return found


def _gateway(server: Server, key: str, ended: Sequence[dict[str, Any]]) -> Iterator[Template]:
    opened = '{"symbol":"EURUSD","side":"BUY","quantity":"1000","order_type":"MARKET"}'
    resting = '{"symbol":"AAPL","side":"BUY","quantity":"0.01","order_type":"LIMIT","limit_price":"50.25"}'
    auth = {"authorization": f"Bearer {key}"}
    post(server, "/v1/orders", json.loads(opened), **auth)
    order = post(server, "/v1/orders", json.loads(resting), **auth)["id"]
    positions = json.loads(ask(server, "/v1/positions", key))
    numbers = [each["order_id"] for each in ended]

    def to(name: str, path: str, sides: Sequence[str] = ()) -> Template:
        return Template(f"gateway {name}", "GET", f"/v1{path}", [f"Authorization: Bearer {key}"], sides=list(sides))

    yield to("ended order", "/orders/{side}", numbers)
    yield to("trades of an order", "/trades?order_id={side}", numbers)
    yield to("order by its client id", "/orders/history?client_order_id={side}", _client_ids(ended))
    yield to("working order", f"/orders/{order}")
    yield to("position", "/positions/{side}", [each["id"] for each in positions])
    yield to("account", "/account")
    yield to("quote", "/quotes/EURUSD")


def _client_ids(ended: Sequence[dict[str, Any]]) -> list[str]:
    return [each["client_order_id"] for each in ended if each["client_order_id"].startswith("old-")]


def _client(server: Server, sheet: dict[str, Any]) -> Iterator[Template]:
    wish = {"login": CLIENT_ACCOUNT, "password": sheet["client"]["password"]}
    token = post(server, "/client/sign/in", wish)["__token"]
    tickets = [json.loads(ask(server, f"/client/trades?tradeType=2&limit=1&offset={place}", token))["rows"][0][0]
               for place in range(100)]  # fmt: skip

    def to(name: str, path: str, sides: Sequence[str] = ()) -> Template:
        return Template(f"client {name}", "GET", f"/client{path}", [f"Authorization: {token}"], sides=list(sides))

    yield to("profile", "/account/me")
    yield to("balance", "/account/balance")
    yield to("symbol", "/market/symbol?symbol=EURUSD")
    yield to("ended trade", "/trades?where=%5B%5B%22order%22,{side}%5D%5D", [str(each) for each in tickets])


def _terminal(server: Server, sheet: dict[str, Any]) -> Iterator[Template]:
    key = sheet["terminal"]["full"]
    auth = {"authorization": f"Bearer {key}"}
    opened = post(server, "/v1/api/trade", {"symbol": "GBPUSD", "action": "buy", "volume": 0.01}, **auth)
    pending = post(server, "/v1/api/orders", {"symbol": "GBPUSD", "type": 2, "volume": 0.01, "price": 0.5}, **auth)

    def to(name: str, path: str) -> Template:
        return Template(f"terminal {name}", "GET", f"/v1/api{path}", [f"Authorization: Bearer {key}"])

    yield to("account", "/account")
    yield to("position", f"/positions/{opened['data']['ticket']}")
    yield to("pending order", f"/orders/{pending['data']['ticket']}")
    yield to("deals of a position", f"/account/history?ticket={opened['data']['ticket']}")
    yield to("symbol", "/symbols/EURUSD")
    yield to("quote", "/quotes/EURUSD")


def _dashboard(
    sheet: dict[str, Any], ended: Sequence[dict[str, Any]], denied: Sequence[dict[str, Any]]
) -> Iterator[Template]:
    def to(name: str, path: str, sides: Sequence[str] = ()) -> Template:
        return Template(f"dashboard {name}", "GET", f"/api{path}", ["Accept: */*"], sides=list(sides))

    numbers = [each["order_id"] for each in ended]
    yield to("ended order", "/trading/orders/{side}", numbers)
    yield to("order by its client id", "/trading/orders/{side}", _client_ids(ended))
    yield to("fills of an order", "/trading/orders/{side}/fills", numbers)
    yield to("why refused", "/trading/orders/{side}/deny-reason", [each["order_id"] for each in denied])
    yield to("account", f"/trading/accounts?account_id={HOUSE_ACCOUNT}")
    yield to("budget", f"/budget/{sheet['strategy']['id']}")


def _support(server: Server, sheet: dict[str, Any], orders: int) -> Iterator[Template]:
    token = sheet["support"]["admin_token"]
    base = "/api/support/v1"
    dice = random.Random(2)

    def items(path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(ask(server, base + path, token))["items"]
        return found

    def to(name: str, path: str, sides: Sequence[str]) -> Template:
        return Template(f"support {name}", "GET", base + path, [f"Authorization: Bearer {token}"], sides=list(sides))

    user = next(each["id"] for each in items("/users") if str(CLIENT_ACCOUNT) in json.dumps(each))
    pages = [dice.randrange(orders // 10 // 100 - 2) for _ in range(20)]
    trades = [str(each["id"]) for page in pages for each in items(f"/users/{user}/trades?size=100&page={page}")]
    yield to("user", "/users/{side}", [str(user)])
    yield to("trade", "/trades/{side}", dice.sample(trades, DRAWN))


def _studio(server: Server) -> Iterator[Template]:
    base = "/api/studio/v1"
    for noun in ("strategies", "deployments"):
        found = json.loads(ask(server, f"{base}/{noun}", "open"))["items"]
        ids = [str(each["id"]) for each in found]
        yield Template(
            f"studio {noun}: one", "GET", f"{base}/{noun}/{{side}}", ["Authorization: Bearer open"], sides=ids
        )
