"""Waiting for work, but not for ever; and waking for small work, but not too often."""

import asyncio


async def rest(wake: asyncio.Event, *, within_s: float) -> None:
    """Until somebody wakes, or the time is over; the next rest is a new one."""
    try:
        async with asyncio.timeout(within_s):
            await wake.wait()
    except TimeoutError:
        pass
    wake.clear()


class Pace:
    """Wakes at once who has not begun for `every_s`, and who has as soon as that time is over.

    So what may wait a moment is done at once where it is rare, and many at a time where it is not.
    """

    def __init__(self, wake: asyncio.Event, *, every_s: float) -> None:
        self._wake = wake
        self._every_s = every_s
        self._begun_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """There is something to do."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._begun_at + self._every_s), self._wake.set)

    def begin(self) -> None:
        """All that was asked for until now is being done."""
        self._begun_at = asyncio.get_running_loop().time()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
