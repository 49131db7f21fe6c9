"""Moments: futures whose coming some need not hear of a turn of the loop later."""

from asyncio import Future
from collections.abc import Callable
from typing import Any


class Moment(Future[None]):
    """Comes, or ends in an exception; awaited as any future. An errand that waits for it puts itself `at_once`."""

    at_once: Callable[[Future[Any]], None] | None = None

    def come(self) -> None:
        """It has come: the errand goes on now, if it can; all others when the loop gets to it."""
        self.set_result(None)
        if self.at_once is not None:
            self.at_once(self)
