"""Tidying: garbage in cycles is looked for by the minute, and memory that nobody uses is given back.

The collector counts allocations, and a server whose requests leave nothing behind makes few: a connection that ended,
or the program of a deployment, could lie about for hours as a cycle.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0
# A look holds everybody up: one that takes 300 ms is followed by a rest of five minutes. Mostly the garbage takes time,
# and there would be more of it after a longer rest.
REST_PER_LOOK: Final = 1_000


class Tidying:
    """Tidies until cancelled. `give_back` is called in a thread of its own.

    `clock` counts seconds of work of this thread: what others on the machine do is no reason to look less often.
    """

    def __init__(self, give_back: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> None:
        self._give_back = give_back
        self._clock = clock
        self._rest_s = EVERY_S

    async def run(self) -> None:
        """Tidy every EVERY_S until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.tidy()

    async def tidy(self) -> None:
        """Look for garbage, if that is due and nobody folds, and give back what nobody uses."""
        self._rest_s -= EVERY_S
        # Who folds has asked the collector not to look at what he makes.
        if self._rest_s <= 0 and gc.isenabled():
            began = self._clock()
            gc.collect()
            self._rest_s = REST_PER_LOOK * (self._clock() - began)
        await asyncio.to_thread(self._give_back)
