"""Slices: long work on the loop's thread a little at a time, so that neither orders nor quotes wait for it."""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeVar

from tradehall.ports.history import Ahead, Steps

# How long one slice keeps the loop from others, its last step excepted.
SLICE_NS_MAX: Final = 800_000
# News that are told one after the other before anybody looks at the clock.
TOLD_AT_ONCE_MAX: Final = 25

T = TypeVar("T")


class Pauses:
    """Lets others of the loop have their turn whenever a slice of long work is used up."""

    def __init__(self, slice_ns: int = SLICE_NS_MAX) -> None:
        self._slice_ns = slice_ns
        self._until = time.perf_counter_ns() + slice_ns

    async def pause_if_due(self) -> None:
        """Call it after each small piece of the work: the longest piece is how far a slice is overdrawn."""
        if time.perf_counter_ns() > self._until:
            await asyncio.sleep(0)
            self._until = time.perf_counter_ns() + self._slice_ns


async def tell_in_slices(news: Sequence[T], tell: Callable[[Sequence[T]], None]) -> None:
    """Tell all of it, some at a time."""
    pauses = Pauses()
    for start in range(0, len(news), TOLD_AT_ONCE_MAX):
        tell(news[start : start + TOLD_AT_ONCE_MAX])
        await pauses.pause_if_due()


class Slices:
    """Runs steps of work, whoever asks for it: one slice per turn of the loop, one step in a thread at a time.

    Works asked for together take turns, so that a short one does not wait for a long one.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, steps: Steps[T]) -> T:
        """What `steps` return; what they raise is raised. Short work is done without giving up the loop."""
        result: list[T] = []
        stops = _kept(steps, result)
        ahead: Ahead | None = Ahead.SHORT
        while not result:
            # The turn is kept while others of the loop have theirs.
            async with self._turn:
                if ahead is Ahead.FILE:
                    ahead = await asyncio.to_thread(next, stops, None)
                elif (ahead := _slice(stops)) is Ahead.SHORT:
                    await asyncio.sleep(0)
        return result[0]


def _kept(steps: Steps[T], result: list[T]) -> Generator[Ahead, None, None]:
    result.append((yield from steps))


def _slice(stops: Generator[Ahead, None, None]) -> Ahead | None:
    """Go on for one slice; what comes next, None at the end."""
    until = time.perf_counter_ns() + SLICE_NS_MAX
    for ahead in stops:
        if ahead is Ahead.FILE or time.perf_counter_ns() > until:
            return ahead
    return None
