"""Orders over HTTP, durable before the answer, beside a bare stub of the same server in the same run."""

from statistics import median
from typing import Any

from bench.figures import Figure, Options
from bench.servers import load, stub, tradehall


def run(options: Options) -> list[Figure]:
    """Closed loop at 64 connections and at one, open loop at 1,000 a second; CPU in multiples of the stub."""
    seconds = 2 if options.is_quick else 5
    rounds = 1 if options.is_quick else 3
    with stub() as bare, tradehall() as server:
        load(server, seconds=1)  # Warm, both of them.
        load(bare, seconds=1)
        pairs = [(load(bare, seconds=seconds), load(server, seconds=seconds)) for _ in range(rounds)]
        market = load(server, seconds=seconds, bodies="market")
        alone = load(server, seconds=seconds, connections=1)
        steady = load(server, seconds=2 * seconds, rate=1000)
    ours = [mine for _, mine in pairs]
    ratio = median(mine["cpu_us"] / its["cpu_us"] for its, mine in pairs)
    for figures in (*ours, market, alone, steady):
        assert set(figures["statuses"]) == {"201"}, f"not every order was accepted: {figures['statuses']}"
    return [
        Figure("bare stub, 64 connections", _middle([its for its, _ in pairs], "per_second"), "requests/s"),
        Figure("bare stub, CPU", _middle([its for its, _ in pairs], "cpu_us"), "µs/request"),
        Figure("LIMIT orders, 64 connections", _middle(ours, "per_second"), "orders/s", 8_000, at_least=True),
        Figure("the same, p99", _middle(ours, "p99_ms"), "ms"),
        Figure("the same, CPU of all threads", _middle(ours, "cpu_us"), "µs/order"),
        Figure("the same, CPU in stubs", ratio, "×", 4.0),
        Figure("MARKET orders with their fills, 64 connections", market["per_second"], "orders/s"),
        Figure("MARKET orders, CPU of all threads", market["cpu_us"], "µs/order"),
        Figure("one connection, p50", alone["p50_ms"], "ms", 1.0),
        Figure("1,000 orders/s on schedule, p99", steady["p99_ms"], "ms", 5.0),
    ]


def _middle(runs: list[dict[str, Any]], name: str) -> float:
    return float(median(run[name] for run in runs))
