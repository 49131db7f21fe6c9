"""Decisions and quotes in process: engine, venue and loop, without journal and doors."""

import gc
import time
from collections.abc import Callable, Sequence

from bench.figures import Figure, Options
from bench.worlds import World, limit, market
from tradehall.engine.commands import AnyCommand, CancelOrder, PlaceOrder

ACCOUNT = 700100
QUOTE_BOUND_US = 20.0


def run(options: Options) -> list[Figure]:
    """µs per order, and per quote that reaches nobody, as books and accounts grow."""
    count = options.scaled(20_000)
    figures = [
        Figure("place a LIMIT that rests", _orders(limit, count), "µs"),
        Figure("place a MARKET order that fills", _orders(market, count), "µs"),
        Figure("cancel a resting order", _cancels(count), "µs"),
    ]
    for accounts, orders in ((1, 1), (1, 10_000), (2_000, 10_000)):
        what = f"a quote, {accounts:,} accounts with positions, {orders:,} resting orders"
        figures.append(Figure(what, _quotes(accounts, orders, count), "µs", QUOTE_BOUND_US))
    return figures


def _orders(make: Callable[[int, int], PlaceOrder], count: int) -> float:
    world = World()
    world.account(ACCOUNT)
    commands = [make(ACCOUNT, number) for number in range(count)]
    return _timed(lambda: _submit_all(world, commands), count)


def _cancels(count: int) -> float:
    world = World()
    world.account(ACCOUNT)
    for number in range(count):
        world.submit(limit(ACCOUNT, number))
    commands = [CancelOrder(ACCOUNT, order_id) for order_id in world.state.orders]
    return _timed(lambda: _submit_all(world, commands), count)


def _submit_all(world: World, commands: Sequence[AnyCommand]) -> None:
    for command in commands:
        world.submit(command)


def _quotes(accounts: int, orders: int, count: int) -> float:
    world = World()
    for number in range(accounts):
        world.account(ACCOUNT + number)
        world.submit(market(ACCOUNT + number, 1))
    for number in range(orders):
        world.submit(limit(ACCOUNT + number % accounts, number))

    def move() -> None:
        for number in range(count):
            world.quote("AAPL", "149.98" if number % 2 else "149.99", "150.01")

    return _timed(move, count)


def _timed(work: Callable[[], object], count: int) -> float:
    gc.collect()
    gc.freeze()
    started = time.thread_time_ns()
    work()
    took = time.thread_time_ns() - started
    gc.unfreeze()
    return took / count / 1_000
