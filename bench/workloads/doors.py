"""All three doors at once, 2,000 requests a second on schedule, from so many callers that none meets a limit."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, Options
from bench.mix import Template, written
from bench.servers import Server, load, tradehall

RATE = 2_000
# A session may write ten times a second, and read thirty; a key of the terminal has a hundred of either.
PEOPLE = 40
GATEWAY_KEYS = 4
HOUSE_ACCOUNT = "700100"
CONNECTIONS = 64
WARM_UP_S = 10


def run(options: Options) -> list[Figure]:
    """Statuses, p99 of all and of the slowest kind, memory."""
    seconds = 10 if options.is_quick else 60
    with tradehall(TRADEHALL_RATE_LIMITS="on") as server, TemporaryDirectory() as scratch:
        mixture = Path(scratch) / "mix.json"
        mixture.write_bytes(written([*_gateway(server), *_people(server)]))
        flags: dict[str, Any] = {"connections": CONNECTIONS, "rate": RATE, "mix": str(mixture)}
        load(server, seconds=WARM_UP_S, **flags)  # Caches are full after that.
        before = server.rss_mib()
        found = load(server, seconds=seconds, **flags)
        grown = server.rss_mib() - before
    return [*_statuses(found), *_times(found, seconds), Figure("memory grown meanwhile", grown, "MiB", 16.0)]


def _statuses(found: dict[str, Any]) -> list[Figure]:
    count = {
        family: sum(number for status, number in found["statuses"].items() if status[0] == family) for family in "245"
    }
    # What is closed by another person's session, or filled before it was cancelled, is refused in order.
    return [
        Figure("requests", found["requests"]),
        Figure("answered with 2xx", 100 * count["2"] / found["requests"], "%", 99.0, at_least=True),
        Figure("answered with 4xx", count["4"]),
        Figure("answered with 429: too many", found["statuses"].get("429", 0), promise=0),
        Figure("answered with 5xx", count["5"], promise=0),
    ]


def _times(found: dict[str, Any], seconds: float) -> list[Figure]:
    slowest = max(found["templates"], key=lambda name: float(found["templates"][name]["p99_ms"]))
    return [
        Figure("answers a second", found["requests"] / seconds, "requests/s"),
        Figure("all, p50", found["p50_ms"], "ms"),
        Figure("all, p99", found["p99_ms"], "ms", 15.0),
        Figure(f"the slowest kind, {slowest}: p99", found["templates"][slowest]["p99_ms"], "ms"),
        Figure("the longest", found["max_ms"], "ms"),
        Figure("the server's CPU", found["cpu_us"], "µs/request"),
    ]


# What is sent, by door. Weights are parts of 200, so 10 of them are 100 requests a second.


def _gateway(server: Server) -> list[Template]:
    keys = [_gateway_key(server) for _ in range(GATEWAY_KEYS)]
    callers = [f"Authorization: Bearer {key}" for key in keys]
    market = '{"symbol":"AAPL","side":"{side}","quantity":"0.01","order_type":"MARKET","client_order_id":"x{n}"}'
    limit = '{"symbol":"AAPL","side":"BUY","quantity":"0.01","order_type":"LIMIT","limit_price":"51.25"}'

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(f"gateway {name}", method, path, callers, weight, **more)

    return [
        to("market", "POST", "/v1/orders", 16, body=market, sides=["BUY", "SELL"]),
        to("limit", "POST", "/v1/orders", 14, body=limit, pool="limits", keeps='"id":"(ord_[0-9]+)"'),
        to("cancel", "DELETE", "/v1/orders/{ticket}", 14, pool="limits", instead="gateway account"),
        to("account", "GET", "/v1/account", 12),
        to("quote", "GET", "/v1/quotes/EURUSD", 12),
        to("positions", "GET", "/v1/positions", 12),
    ]


def _people(server: Server) -> list[Template]:
    tokens = [_sign_up(server, number) for number in range(PEOPLE)]
    keys = [_terminal_key(server, token) for token in tokens]
    return [
        *_client([f"Authorization: {token}" for token in tokens]),
        *_terminal([f"Authorization: Bearer {k}" for k in keys]),
    ]


def _client(callers: list[str]) -> list[Template]:
    bought = '{"cmd":0,"symbol":"EURUSD","volume":1,"sl":0,"tp":0}'

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(f"client {name}", method, f"/client{path}", callers, weight, **more)

    return [
        to("open", "POST", "/trade/open", 10, body=bought, pool="trades", keeps='"order":([0-9]+)'),
        to("close", "POST", "/trade/close", 10, body='{"order":{ticket}}', pool="trades", instead="client balance"),
        to("balance", "GET", "/account/balance", 20),
        to("trades", "GET", "/trades?tradeType=1", 10),
        to("symbol", "GET", "/market/symbol?symbol=EURUSD", 10),
    ]


def _terminal(callers: list[str]) -> list[Template]:
    bought = '{"symbol":"GBPUSD","action":"buy","volume":0.01}'
    limit = '{"symbol":"GBPUSD","type":2,"volume":0.01,"price":0.5}'

    def to(name: str, method: str, path: str, weight: int, **more: Any) -> Template:
        return Template(f"terminal {name}", method, f"/v1/api{path}", callers, weight, **more)

    tickets = {"keeps": '"ticket":([0-9]+)'}
    return [
        to("trade", "POST", "/trade", 12, body=bought, pool="positions", **tickets),
        to("close", "DELETE", "/positions/{ticket}", 12, pool="positions", instead="terminal account"),
        to("limit", "POST", "/orders", 6, body=limit, pool="pending", **tickets),
        to("cancel", "DELETE", "/orders/{ticket}", 6, pool="pending", instead="terminal quote"),
        to("account", "GET", "/account", 12),
        to("positions", "GET", "/positions", 6),
        to("quote", "GET", "/quotes/EURUSD", 6),
    ]


# Who sends it.


def _gateway_key(server: Server) -> str:
    command = ["keys", "create", "--account", HOUSE_ACCOUNT, "--data", str(server.data), "--json"]
    made = subprocess.run([sys.executable, "-m", "tradehall", *command], check=True, capture_output=True, text=True)
    return str(json.loads(made.stdout)["secret"])


def _sign_up(server: Server, number: int) -> str:
    wish = {"name": f"Caller {number}", "email": f"caller{number}@example.test", "password": f"a password of {number}"}
    return str(_post(server, "/client/sign/up", wish)["__token"])


def _terminal_key(server: Server, token: str) -> str:
    made = _post(server, "/v1/keys", {"name": "load", "scope": "full"}, authorization=token)
    return str(made["data"]["key"])


def _post(server: Server, path: str, body: dict[str, Any], **headers: str) -> Any:
    headers["content-type"] = "application/json"
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
