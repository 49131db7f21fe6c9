"""Busy polling: while orders come one by one and fast, the loop does not sleep between them.

A processor that slept takes a while to wake, and its caches held what is others' meanwhile: at 100 requests a second
that is up to a quarter of a lone trade (docs/adr/0015-no-sleep-between-lone-orders.md). It takes the loop's processor
for as long as that goes on, but leaves the interpreter's lock to threads that want it.
"""

import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

# Who comes again so soon after his last order will once more: scripts that send 20 a second do, and nobody who clicks.
AGAIN_WITHIN_S: Final = 0.05
# A loop that asks for the lock half a million times a second makes statements of other threads take four times as long.
# So it sleeps a little when they have worked since its last round; so long they do where one has only been woken.
OTHERS_AT_WORK_NS: Final = 5_000
PAUSE_S: Final = 0.001


def time_of_others() -> int:
    """Processor time that the threads of this process took, but for the one that asks [ns]."""
    ours = time.thread_time_ns()
    return time.process_time_ns() - ours


class BusyPoll:
    """Belongs to `loop`: keeps it going round from the second lone order on, until none has come for so long.

    Two in a row that are not alone end it too: where orders are dense it sleeps little, and others want the processor.
    """

    def __init__(self, loop: AbstractEventLoop, time_of_others: Callable[[], int] = time_of_others) -> None:
        self._loop = loop
        self._time_of_others = time_of_others
        self._others_ns = 0
        self._until = 0.0
        self._was_alone = False
        self._is_on = False

    def note(self, *, is_alone: bool) -> None:
        """A batch was written."""
        now = self._loop.time()
        if is_alone:
            is_again, self._until = now < self._until, now + AGAIN_WITHIN_S
            if is_again and not self._is_on:
                self._is_on = True
                self._begin()
        elif not self._was_alone:
            self._until = 0.0
        self._was_alone = is_alone

    def _begin(self) -> None:
        self._others_ns = self._time_of_others()
        self._loop.call_soon(self._go_round)

    def _go_round(self) -> None:
        if self._loop.time() >= self._until:
            self._is_on = False
        elif self._time_of_others() - self._others_ns < OTHERS_AT_WORK_NS:
            self._loop.call_soon(self._go_round)
        else:
            self._loop.call_later(PAUSE_S, self._begin)
