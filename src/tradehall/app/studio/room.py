"""The room where the studio's records change: one decision at a time, durable, then in memory, then told."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from tradehall.app.studio.book import EPOCH_KIND, StudioBook, read_studio_book
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordsFault, RecordStore

# Only another process can be faster, and one look at what it did is nearly always enough.
ATTEMPTS_MAX: Final = 8

T = TypeVar("T")

_log: Final = logging.getLogger("tradehall.studio")


class StudioWrite(Struct, frozen=True):
    """What a decision changes, and its audit lines, at least one."""

    changes: Sequence[RecordChange]
    audit: Sequence[AuditLine]


class Changed(Struct, frozen=True):
    """A record of `kind` was `before` (None: there was none) and is `after` (None: it was removed)."""

    kind: str
    before: Any
    after: Any


# A decision reads the book at `now` [ns UTC] and must not change it; no write: nothing has to be written.
Decision = Callable[[StudioBook, int], tuple[StudioWrite | None, T]]
# What is to be written with another room's changes; no changes: nothing is.
Plan = Callable[[StudioBook, int], StudioWrite]
Joined = Callable[[StudioWrite], Awaitable[tuple[bool, T]]]
Hear = Callable[[Sequence[Changed]], None]


class StudioRoom:
    """Keeps `book` equal to the store. Belongs to one loop at a time; the store is written beside it."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.book = read_studio_book(store)
        self._lock = asyncio.Lock()
        self._hear: tuple[Hear, ...] = ()
        self._running: set[asyncio.Task[object]] = set()

    def listen(self, hear: Hear) -> None:
        """Call `hear` with every change from now on, when it is durable; it must be quick and must not raise."""
        self._hear += (hear,)

    async def change(self, decide: Decision[T]) -> T:
        """Carry out a decision: durable, and in memory, on return.

        What `decide` raises is raised; it may be asked again when another process was faster. RecordsFault:
        the store cannot be written, nothing happened. A caller who gives up does not stop it half-way.
        """
        return await self._undisturbed(self._change(decide))

    async def change_with(self, decide: Plan, write: Joined[T]) -> T:
        """Have another room write what `decide` says, in one transaction with its own changes.

        `write` gets the changes and lines, and says whether they were written beside its result. While it
        works nothing else changes here.
        """
        return await self._undisturbed(self._change_with(decide, write))

    async def reload(self) -> None:
        """Take in what another process wrote."""
        await self._undisturbed(self._reload())

    async def _undisturbed(self, work: "Awaitable[T]") -> T:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _reload(self) -> None:
        async with self._lock:
            if await asyncio.to_thread(self.store.get, EPOCH_KIND, "") != self.book.epoch:
                await self._read()

    async def _change(self, decide: Decision[T]) -> T:
        async with self._lock:
            for _ in range(ATTEMPTS_MAX):
                write, result = decide(self.book, self.clock.now())
                if write is None:
                    return result
                epoch = RecordChange(EPOCH_KIND, "", secrets.token_bytes(16), expects=self.book.epoch)
                changes = (*write.changes, epoch)
                try:
                    await asyncio.to_thread(self.store.write, changes, *write.audit)
                except RecordConflict:
                    await self._read()
                    continue
                before = _kept(self.book, changes)
                self.book.apply(changes)
                self._tell(before)
                return result
        raise RecordsFault(f"records could not be written: others were faster {ATTEMPTS_MAX} times")

    async def _change_with(self, decide: Plan, write: Joined[T]) -> T:
        async with self._lock:
            for _ in range(ATTEMPTS_MAX):
                wish = decide(self.book, self.clock.now())
                epoch = RecordChange(EPOCH_KIND, "", secrets.token_bytes(16), expects=self.book.epoch)
                changes = (*wish.changes, epoch) if wish.changes else ()
                try:
                    was_written, result = await write(StudioWrite(changes, wish.audit))
                except RecordConflict:
                    await self._read()
                    continue
                if was_written and changes:
                    before = _kept(self.book, changes)
                    self.book.apply(changes)
                    self._tell(before)
                return result
        raise RecordsFault(f"records could not be written: others were faster {ATTEMPTS_MAX} times")

    async def _read(self) -> None:
        fresh = await asyncio.to_thread(read_studio_book, self.store)
        old = {(shelf.kind, key): record for shelf in self.book.shelves for key, record in shelf.items()}
        # The same book with other pages: services hold on to it.
        vars(self.book).update(vars(fresh))
        new = {(shelf.kind, key) for shelf in self.book.shelves for key, _ in shelf.items()}
        self._tell({name: old.get(name) for name in old.keys() | new})

    def _tell(self, before: dict[tuple[str, int], Any]) -> None:
        shelves = {shelf.kind: shelf for shelf in self.book.shelves}
        news = [Changed(kind, was, shelves[kind].get(key)) for (kind, key), was in sorted(before.items())]
        news = [each for each in news if each.before != each.after]
        for hear in self._hear if news else ():
            try:
                hear(news)
            except Exception:
                _log.exception("somebody could not take in a change of the studio's records")


def _kept(book: StudioBook, changes: Sequence[RecordChange]) -> dict[tuple[str, int], Any]:
    """The records of these changes as they are now."""
    shelves = {shelf.kind: shelf for shelf in book.shelves}
    named = [(change.kind, int(change.key)) for change in changes if change.kind in shelves]
    return {(kind, key): shelves[kind].get(key) for kind, key in named}
