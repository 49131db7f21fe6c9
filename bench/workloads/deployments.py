"""A thousand deployments on the one-minute bars of fifty instruments, in one process on a real journal and records."""

import asyncio
import gc
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench.figures import Figure, Options
from tests.app.studio.world import NOON, World, opened, opens_on
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.wiring.house import COLLECT_AFTER

DEPLOYMENTS: Final = 1_000
INSTRUMENTS: Final = 50
CLOSES: Final = 5
CLOSE_S: Final = 1.0
LAG_MS: Final = 30
BEAT_S: Final = 0.001
# Of a definition that only looks: no bar closes so far above its opening.
NEVER: Final = {"above": ["close", "1000000"]}
RISING: Final = {"above": ["close", "open"]}


def run(options: Options) -> list[Figure]:
    """Seconds from the quotes that close the bars to the last decision, and the longest wait of the loop meanwhile."""
    return [
        figure
        for what, condition in (("that only look", NEVER), ("that all place an order", RISING))
        for figure in asyncio.run(_measured(what, condition, options))
    ]


async def _measured(what: str, condition: dict[str, list[str]], options: Options) -> list[Figure]:
    count = options.scaled(DEPLOYMENTS)
    with tempfile.TemporaryDirectory() as scratch:
        async with opened(Path(scratch), instruments=_instruments()) as world:
            for number in range(count):
                symbol = f"FX{number % INSTRUMENTS}"
                strategy = await world.strategy(opens_on(condition), symbol=symbol, name=f"number {number}")
                await world.deploy(strategy, size=Decimal(10))
            await _minute(world, 0)
            # As the server does when it has started.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*COLLECT_AFTER)
            closes = [await _minute(world, number) for number in range(1, CLOSES + 1)]
    worst, cpu, lag, lag_cpu = (max(each) for each in zip(*closes, strict=True))
    return [
        Figure(
            f"{count:,} deployments {what}: the slowest of {CLOSES} closes of {INSTRUMENTS} bars", worst, "s", CLOSE_S
        ),
        Figure("  CPU", cpu, "s"),
        Figure("  the longest that the loop was kept, by the clock", lag * 1_000, "ms"),
        # Neighbours on the machine do not count here, as they do by the clock.
        Figure("  the longest that the loop was kept, CPU", lag_cpu * 1_000, "ms", LAG_MS),
    ]


async def _minute(world: World, number: int) -> tuple[float, float, float, float]:
    """A minute that rises, or falls, in turns; wall and CPU [s] of its close, and of the loop's longest lag [s]."""
    begin = NOON + (number + 1) * NS_PER_MINUTE
    low, high = ("1.0870", "1.0880") if number % 2 else ("1.0880", "1.0870")
    _quotes(world, low, begin)
    _quotes(world, high, begin + NS_PER_MINUTE // 2)
    lags: list[tuple[float, float]] = []
    heart = asyncio.create_task(_beat(lags))
    await asyncio.sleep(0)
    started, cpu = time.perf_counter(), time.process_time()
    _quotes(world, high, begin + NS_PER_MINUTE)
    await world.rooms.runner.turn()
    lag, lag_cpu = (max(each) for each in zip((0.0, 0.0), *lags, strict=True))
    took = time.perf_counter() - started, time.process_time() - cpu, lag, lag_cpu
    heart.cancel()
    return took


def _quotes(world: World, price: str, at: int) -> None:
    world.clock.at = at
    bid = Decimal(price)
    for number in range(INSTRUMENTS):
        world.rooms.market.on_quote(Quote(f"FX{number}", bid, bid + Decimal("0.0001"), at, at))


async def _beat(lags: list[tuple[float, float]]) -> None:
    while True:
        asleep, cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(BEAT_S)
        lags.append((time.perf_counter() - asleep - BEAT_S, time.thread_time() - cpu))


def _instruments() -> dict[str, Instrument]:
    model = demo_instruments()["EURUSD"]
    return {f"FX{number}": replace(model, symbol=f"FX{number}") for number in range(INSTRUMENTS)}
