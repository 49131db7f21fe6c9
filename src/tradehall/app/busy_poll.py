"""Busy polling: while orders come one by one and fast, the loop does not sleep between them.

A processor that slept takes a while to wake, and its caches held what is others' meanwhile: at 100 requests a second
that is a quarter of a lone trade (docs/adr/0015-no-sleep-between-lone-orders.md). It takes the loop's processor for as
long as that goes on, and keeps nobody from his turn: each round of the loop does first what there is to do.
"""

from asyncio import AbstractEventLoop
from typing import Final

# Who comes again so soon after his last order will once more: scripts that send 20 a second do, and nobody who clicks.
AGAIN_WITHIN_S: Final = 0.05


class BusyPoll:
    """Belongs to `loop`: keeps it going round from the second lone order in a row on, until none has come for so long.

    Where orders are not alone it sleeps little, and others want the processor.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._until = 0.0
        self._is_on = False

    def note(self, *, is_alone: bool) -> None:
        """A batch was written."""
        now = self._loop.time()
        is_again = now < self._until
        self._until = now + AGAIN_WITHIN_S if is_alone else 0.0
        if is_alone and is_again and not self._is_on:
            self._go_round()

    def _go_round(self) -> None:
        self._is_on = self._loop.time() < self._until
        if self._is_on:
            self._loop.call_soon(self._go_round)
