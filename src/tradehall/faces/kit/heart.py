"""A heart: what a door does again and again as long as it is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Heart:
    """Calls `beat` every `every_s` from `start` to `stop`, first when that time is over."""

    def __init__(self, name: str, every_s: float, beat: Callable[[], Awaitable[None] | None]) -> None:
        self._name = name
        self._every_s = every_s
        self._beat = beat
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat; needs a running loop."""
        self._task = asyncio.create_task(self._beat_for_ever(), name=self._name)

    def stop(self) -> None:
        """Beat no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            going = self._beat()
            if going is not None:
                await going
