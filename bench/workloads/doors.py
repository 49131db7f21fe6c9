"""Three doors at once, 2,000 requests a second on schedule, from so many callers that none meets a limit."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.callers import gateway_key, sign_up, terminal_key
from bench.figures import Figure, Options
from bench.mix import Template, written
from bench.servers import Server, load, tradehall

RATE = 2_000
# A session may write ten times a second, and read thirty; a key of the terminal has a hundred of either.
PEOPLE = 40
GATEWAY_KEYS = 4
CONNECTIONS = 64
WARM_UP_S = 30


def run(options: Options) -> list[Figure]:
    """Statuses, p99 of all and of the slowest kind, memory."""
    seconds = 10 if options.is_quick else 60
    with tradehall(TRADEHALL_RATE_LIMITS="on") as server, TemporaryDirectory() as scratch:
        mixture = Path(scratch) / "mix.json"
        mixture.write_bytes(written(_templates(server)))
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


def _templates(server: Server) -> list[Template]:
    keys = [gateway_key(server) for _ in range(GATEWAY_KEYS)]
    tokens = [sign_up(server, number).token for number in range(PEOPLE)]
    terminals = [terminal_key(server, token) for token in tokens]
    return [
        *gateway([f"Authorization: Bearer {key}" for key in keys]),
        *client([f"Authorization: {token}" for token in tokens]),
        *terminal([f"Authorization: Bearer {key}" for key in terminals]),
    ]


# What is sent, by door. Weights are parts of 200, so 10 of them are 100 requests a second.


def gateway(callers: list[str]) -> list[Template]:
    """Orders, cancels and reads at the gateway; `callers` are header lines."""
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


def client(callers: list[str]) -> list[Template]:
    """Trades and reads of people who have signed in."""
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


def terminal(callers: list[str]) -> list[Template]:
    """Trades, pending orders and reads of keys of the terminal."""
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
