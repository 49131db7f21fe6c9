"""Memory: answers to wishes that no single order stands for, so that they can be repeated safely."""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec

from tradehall.domain.ids import AccountId
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_DAY
from tradehall.faces.kit.kept_answers import KeptAnswers
from tradehall.faces.kit.response import ENCODER
from tradehall.faces.terminal.errors import REFUSALS, TerminalProblem
from tradehall.ports.answers import AnswerStore, KeptAnswer
from tradehall.ports.clock import Clock

KEPT_NS: Final = NS_PER_DAY

T = TypeVar("T")

Key = tuple[AccountId, str]


class Memory:
    """First answers by account and key, for a day, also over a restart.

    What an order stands for is remembered by the journal instead.
    """

    def __init__(self, store: AnswerStore, clock: Clock) -> None:
        self._kept = KeptAnswers(store)
        self._clock = clock
        self._running: dict[Key, tuple[bytes, Future[Any]]] = {}

    async def once(self, key: Key, digest: bytes, kind: type[T], do: Callable[[], Awaitable[T]]) -> T:
        """What `do` returned the first time. TerminalProblem IDEMPOTENCY_MISMATCH for another wish under the key.

        A wish that failed may be tried again.
        """
        if key not in self._running:
            future = asyncio.ensure_future(self._answered(key, digest, kind, do))
            self._running[key] = digest, future
            future.add_done_callback(lambda done: self._ended(key, done))
        known, running = self._running[key]
        if known != digest:
            raise mismatch()
        # Who gives up waiting does not stop what was begun.
        found: T = await asyncio.shield(running)
        return found

    def _ended(self, key: Key, done: Future[Any]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # Nobody may be left who would look at it.

    async def _answered(self, key: Key, digest: bytes, kind: type[T], do: Callable[[], Awaitable[T]]) -> T:
        login, name = key
        space, since = f"terminal {login}", self._clock.now() - KEPT_NS
        kept = await self._kept.find(space, name, since=since)
        if kept is not None:
            if kept.fingerprint != digest:
                raise mismatch()
            return msgspec.json.decode(kept.body, type=kind)
        done = await do()
        answer = KeptAnswer(self._clock.now(), digest, 200, b"application/json", ENCODER.encode(done))
        await self._kept.keep(space, name, answer, since=since)
        return done


def mismatch() -> TerminalProblem:
    """The name stands for another wish already."""
    refusal = REFUSALS[RejectCode.IDEMPOTENCY_MISMATCH]
    return TerminalProblem(refusal.code, refusal.text)


def digest_of(wish: str) -> bytes:
    """What tells a repeat from another wish."""
    return blake2b(wish.encode(), digest_size=16).digest()
