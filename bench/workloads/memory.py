"""Bytes of memory per account, resting order and finished order: differences of this process's own size."""

import gc
from collections.abc import Callable

from bench.figures import Figure, Options
from bench.servers import rss_bytes
from bench.worlds import World, limit
from tradehall.domain.account import PositionMode
from tradehall.engine.commands import CancelOrder

ACCOUNT = 800_000


def run(options: Options) -> list[Figure]:
    """100,000 accounts, 100,000 resting orders, then all of them finished."""
    count = options.scaled(100_000)
    world = World()

    def accounts() -> None:
        for number in range(count):
            world.account(ACCOUNT + number, PositionMode.HEDGING)

    def orders() -> None:
        for number in range(count):
            world.submit(limit(ACCOUNT + number % 100, number, client_id=f"order-{number}"))

    def finish() -> None:
        for order_id, order in list(world.state.orders.items()):
            world.submit(CancelOrder(order.terms.account_id, order_id))

    per_account, per_order = _growth(accounts) / count, _growth(orders) / count
    before = rss_bytes()
    finish()
    orders()
    finish()
    per_finished = max(0, rss_bytes() - before) / (2 * count)
    return [
        Figure(f"an idle account, of {count:,}", per_account, "bytes", 1_024),
        Figure(f"a resting order, of {count:,}", per_order, "bytes", 2_048),
        Figure("a finished order", per_finished, "bytes", 300),
    ]


def _growth(work: Callable[[], None]) -> int:
    gc.collect()
    before = rss_bytes()
    work()
    gc.collect()
    return rss_bytes() - before
