"""The room where identity changes: one decision at a time, durable, then in memory, then told."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from tradehall.app.identity.book import Book, read_book
from tradehall.app.records import api_keys, sessions
from tradehall.app.records.api_keys import EPOCH_KIND
from tradehall.app.records.room import Room
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordStore

T = TypeVar("T")

_log: Final = logging.getLogger("tradehall.identity")


class Write(Struct, frozen=True):
    """What a decision changes, and its audit lines, at least one.

    `besides`: changes of another room's records, which that room takes in itself.
    """

    changes: Sequence[RecordChange]
    audit: Sequence[AuditLine]
    besides: Sequence[RecordChange] = ()


# A decision reads the book at `now` [ns UTC] and must not change it; no Write: nothing has to be written.
Decision = Callable[[Book, int], tuple[Write | None, T]]


class RevocationListener(Protocol):
    """Who holds sockets open for principals."""

    def on_revoked(self, ids: frozenset[str]) -> None:
        """Close what principals with these `key_id`s opened: they may do nothing any more."""
        ...


class IdentityRoom(Room[Book]):
    """Keeps `book` equal to the store, and tells whoever holds sockets open when it ends a right."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        super().__init__(store, clock, read_book(store), epoch_kind=EPOCH_KIND)
        self._listeners: tuple[RevocationListener, ...] = ()

    def listen(self, listener: RevocationListener) -> None:
        """Tell `listener` of everything revoked from now on."""
        self._listeners += (listener,)

    async def change(self, decide: Decision[T]) -> T:
        """Carry out a decision: durable, and in effect everywhere, on return.

        What `decide` raises is raised; it may be asked again when another process was faster. RecordsFault:
        the store cannot be written, nothing happened. A caller who gives up does not stop it half-way.
        RecordConflict: what another room asked for besides does not fit that room's records any more.
        """

        async def attempt() -> tuple[T] | None:
            write, result = decide(self.book, self.clock.now())
            return (result,) if write is None or await self._write(write) else None

        return await self._settled(attempt)

    def load(self) -> None:
        """Read the book anew, at once: before the loop runs."""
        self._take(read_book(self.store))

    async def _write(self, write: Write) -> bool:
        """Whether it is done; not: another process was faster, and what it did has been read."""
        changes = self._marked(write.changes)
        try:
            await asyncio.to_thread(self.store.write, (*changes, *write.besides), *write.audit)
        except RecordConflict:
            was = self.book.epoch
            await self._read()
            if write.besides and self.book.epoch == was:
                raise  # Our own records are as we thought: it is the other room that has to look again.
            return False
        self.book.apply(changes)
        self._tell(revoked_by(write.changes, self.clock.now()))
        return True

    async def _read(self) -> None:
        self._take(await asyncio.to_thread(read_book, self.store))

    def _take(self, fresh: Book) -> None:
        now = self.clock.now()
        lost = {jti for jti in self.book.sessions if jti not in fresh.sessions}
        lost |= {key.key_id for key in self.book.ring if key.is_valid(now) and not _still_valid(fresh, key.key_id, now)}
        # The same book with other pages: doors and caches hold on to it.
        vars(self.book).update({name: page for name, page in vars(fresh).items() if name != "ring"})
        self.book.ring.replace(list(fresh.ring))
        self._tell(frozenset(lost))

    def _tell(self, ids: frozenset[str]) -> None:
        if not ids:
            return
        for listener in self._listeners:
            try:
                listener.on_revoked(ids)
            except Exception:
                _log.exception("a door could not close the sockets of revoked principals")


def _still_valid(book: Book, key_id: str, now: int) -> bool:
    key = book.ring.get(key_id)
    return key is not None and key.is_valid(now)


def revoked_by(changes: Sequence[RecordChange], now: int) -> frozenset[str]:
    """Which sessions and keys are at an end after these changes."""
    ended = {change.key for change in changes if change.kind == sessions.KIND and change.body is None}
    keys = (change for change in changes if change.kind == api_keys.KIND and change.body is not None)
    return frozenset(ended | {change.key for change in keys if not api_keys.read_key(change).is_valid(now)})
