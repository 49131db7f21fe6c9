"""The room where the studio's records change: one decision at a time, durable, then in memory, then told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from tradehall.app.records.room import Room
from tradehall.app.studio.book import EPOCH_KIND, StudioBook, read_studio_book
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordStore

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


class StudioRoom(Room[StudioBook]):
    """Keeps `book` equal to the store, and tells of every record that changed."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        super().__init__(store, clock, read_studio_book(store), epoch_kind=EPOCH_KIND)
        self._hear: tuple[Hear, ...] = ()

    def listen(self, hear: Hear) -> None:
        """Call `hear` with every change from now on, when it is durable; it must be quick and must not raise."""
        self._hear += (hear,)

    async def change(self, decide: Decision[T]) -> T:
        """Carry out a decision: durable, and in memory, on return.

        What `decide` raises is raised; it may be asked again when another process was faster. RecordsFault:
        the store cannot be written, nothing happened. A caller who gives up does not stop it half-way.
        """

        async def attempt() -> tuple[T] | None:
            wish, result = decide(self.book, self.clock.now())
            return (result,) if wish is None or await self._write(wish) else None

        return await self._settled(attempt)

    async def change_with(self, decide: Plan, write: Joined[T]) -> T:
        """Have another room write what `decide` says, in one transaction with its own changes.

        `write` gets the changes and lines, and says whether they were written beside its result. While it
        works nothing else changes here.
        """

        async def attempt() -> tuple[T] | None:
            wish = decide(self.book, self.clock.now())
            changes = self._marked(wish.changes) if wish.changes else ()
            try:
                was_written, result = await write(StudioWrite(changes, wish.audit))
            except RecordConflict:
                await self._read()
                return None
            if was_written:
                self._take_in(changes)
            return (result,)

        return await self._settled(attempt)

    async def _write(self, wish: StudioWrite) -> bool:
        """Whether it is done; not: another process was faster, and what it did has been read."""
        changes = self._marked(wish.changes)
        try:
            await asyncio.to_thread(self.store.write, changes, *wish.audit)
        except RecordConflict:
            await self._read()
            return False
        self._take_in(changes)
        return True

    def _take_in(self, changes: Sequence[RecordChange]) -> None:
        before = _kept(self.book, changes)
        self.book.apply(changes)
        self._tell(before)

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
