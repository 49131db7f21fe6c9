"""What every room of records has: one decision at a time, and another look where another process was faster.

Each room marks its writes with an epoch of its own: a record that changes with all others.
"""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from tradehall.ports.clock import Clock
from tradehall.ports.records import RecordChange, RecordsFault, RecordStore

# Only another process can be faster, and one look at what it did is nearly always enough.
ATTEMPTS_MAX: Final = 8


class Marked(Protocol):
    """Records in memory, and the epoch they were read at."""

    epoch: bytes | None


B = TypeVar("B", bound=Marked)
T = TypeVar("T")


class Room(ABC, Generic[B]):
    """Keeps `book` equal to the store. Belongs to one loop at a time; the store is written beside it."""

    def __init__(self, store: RecordStore, clock: Clock, book: B, *, epoch_kind: str) -> None:
        self.store = store
        self.clock = clock
        self.book = book
        self._epoch_kind = epoch_kind
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[object]] = set()

    async def reload(self) -> None:
        """Take in what another process wrote."""
        await self._undisturbed(self._reload())

    async def _reload(self) -> None:
        async with self._lock:
            if await asyncio.to_thread(self.store.get, self._epoch_kind, "") != self.book.epoch:
                await self._read()

    @abstractmethod
    async def _read(self) -> None:
        """Read the book anew, and tell of what became different."""

    async def _settled(self, attempt: Callable[[], Awaitable[tuple[T] | None]]) -> T:
        """What an attempt comes to, while nothing else changes here; after None there is another one.

        RecordsFault: there were too many. A caller who gives up does not stop it half-way.
        """
        return await self._undisturbed(self._attempted(attempt))

    async def _attempted(self, attempt: Callable[[], Awaitable[tuple[T] | None]]) -> T:
        async with self._lock:
            for _ in range(ATTEMPTS_MAX):
                if (done := await attempt()) is not None:
                    return done[0]
        raise RecordsFault(f"records could not be written: others were faster {ATTEMPTS_MAX} times")

    async def _undisturbed(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _marked(self, changes: Sequence[RecordChange]) -> tuple[RecordChange, ...]:
        """`changes`, and the epoch that follows them; written only where nobody else's came before."""
        return (*changes, RecordChange(self._epoch_kind, "", secrets.token_bytes(16), expects=self.book.epoch))


def read_at_once(store: RecordStore, epoch_kind: str, read: Callable[[], T]) -> T:
    """What `read` makes of the store, as it was at one moment."""
    while True:
        epoch = store.get(epoch_kind, "")
        found = read()
        if store.get(epoch_kind, "") == epoch:
            return found
        # Somebody wrote between two reads: what was read may not fit together.
