"""Idle turns: work that may wait is done where the loop has just been round and met nobody."""

import asyncio
import time
from typing import Final

# A turn without anybody takes some 20 µs, also on a slow machine less than the least request: those take 150.
IDLE_TURN_NS: Final = 100_000
# Looked again after that, so long at most: the work comes to an end also where others never do.
LOOK_AFTER_S: Final = 0.005
PATIENCE_S: Final = 0.05


async def idle_turn() -> None:
    """Wait until nobody wants anything of the loop. What is done then shall keep it no longer than a request does."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    while loop.time() < until:
        begun = time.perf_counter_ns()
        await asyncio.sleep(0)
        if time.perf_counter_ns() - begun < IDLE_TURN_NS:
            return
        await asyncio.sleep(LOOK_AFTER_S)
