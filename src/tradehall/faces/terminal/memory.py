"""Memory: answers to wishes that no single order stands for, so that they can be repeated safely."""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final, TypeVar

from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_DAY
from tradehall.faces.terminal.errors import REFUSALS, TerminalProblem
from tradehall.ports.clock import Clock

KEPT_NS: Final = NS_PER_DAY
KEPT_MAX: Final = 10_000

T = TypeVar("T")

Key = tuple[int, str | None]


class Memory:
    """First answers by account and key, for a day; the oldest of more than KEPT_MAX are forgotten.

    It ends with the process: what an order stands for is remembered by the journal instead.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Key, tuple[int, bytes, Future[Any]]] = {}

    async def once(self, key: Key, digest: bytes, do: Callable[[], Awaitable[T]]) -> T:
        """What `do` returned the first time. TerminalProblem IDEMPOTENCY_MISMATCH for another wish under the key.

        A wish that failed may be tried again.
        """
        now = self._clock.now()
        self._forget(now)
        if (kept := self._kept.get(key)) is not None:
            _, known, future = kept
            if known != digest:
                refusal = REFUSALS[RejectCode.IDEMPOTENCY_MISMATCH]
                raise TerminalProblem(refusal.code, refusal.text)
            found: T = await asyncio.shield(future)
            return found
        future = asyncio.ensure_future(do())
        self._kept[key] = now, digest, future
        future.add_done_callback(lambda done: self._forget_failure(key, done))
        # Who gives up waiting does not stop what was begun.
        return await asyncio.shield(future)

    def _forget_failure(self, key: Key, done: Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._kept.pop(key, None)

    def _forget(self, now: int) -> None:
        while self._kept:
            oldest = next(iter(self._kept))
            at, _, future = self._kept[oldest]
            if len(self._kept) < KEPT_MAX and now - at < KEPT_NS:
                return
            if not future.done():
                return
            del self._kept[oldest]


def digest_of(wish: str) -> bytes:
    """What tells a repeat from another wish."""
    return blake2b(wish.encode(), digest_size=16).digest()
