"""The audit trail of a running house: lines of the journal's decisions, of doors, and what they prove.

Changes of records bring their lines along, in one transaction (RecordStore.write). What the journal decides is
noted here right after it is durable; a house that died in between notes it at its next start.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

from msgspec import Struct

from tradehall.app.audit_lines import concerns_audit, lines_of
from tradehall.app.records.audit import HOUSE, Actor
from tradehall.engine.record import Record, decode_record
from tradehall.ports.audit import AUDIT_GENESIS, AuditEntry, AuditQuery, AuditStore, audit_checksum
from tradehall.ports.clock import Clock
from tradehall.ports.journal import Journal
from tradehall.ports.records import AuditLine, RecordsFault

# Decisions whose lines wait for the store; beyond it they are read from the journal again when it can be written.
WAITING_MAX: Final = 20_000
# How far the journal may run ahead of what is known to hold no more lines: the next start reads that much again.
CURSOR_LAG_MAX: Final = 5_000
LINES_PER_WRITE: Final = 1_000
RETRY_S: Final = 1.0
LOOK_EVERY_S: Final = 0.25
NEWS_PER_LOOK_MAX: Final = 1_000

_log: Final = logging.getLogger("tradehall.audit")
_acting: Final[ContextVar[Actor | None]] = ContextVar("acting", default=None)

Hear = Callable[[Sequence[AuditEntry]], None]


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """What is submitted to the desk within is `actor`'s wish: the trail names them."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


class AuditTrail:
    """The trail's writer and reader. A decision listener: `capture` makes lines, `release` notes them."""

    hears: Final = None

    def __init__(self, store: AuditStore, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._waiting: list[tuple[int, list[AuditLine]]] = []
        self._is_behind = False
        self._durable = self._cursor = journal.head.seq
        self._wanted = asyncio.Event()
        self._writing = asyncio.Lock()
        self._hear: tuple[Hear, ...] = ()
        self._told = 0
        self._tasks: list[asyncio.Task[None]] = []

    # Decisions.

    def capture(self, record: Record) -> tuple[int, list[AuditLine]] | None:
        """The lines of a decision, made at once: whoever asked for it is known only now."""
        actor = _acting.get()
        if actor is None and not concerns_audit(record):
            return None
        lines = lines_of(record, actor)
        return (record.seq, lines) if lines else None

    def release(self, payload: tuple[int, list[AuditLine]]) -> None:
        """The decision is durable."""
        self._is_behind = self._is_behind or len(self._waiting) >= WAITING_MAX
        if not self._is_behind:
            self._waiting.append(payload)
        self._wanted.set()

    def on_durable(self, seq: int) -> None:
        """All decisions up to `seq` have been released."""
        self._durable = seq
        if seq - self._cursor > CURSOR_LAG_MAX:
            self._wanted.set()

    # Doors.

    async def note(self, *lines: AuditLine) -> None:
        """Note what no record and no decision tells; on the disk on return. RecordsFault if the store fails.

        What was decided before comes before it.
        """
        await self.flush()
        await asyncio.to_thread(self._store.append, lines)

    async def page(self, query: AuditQuery) -> tuple[list[AuditEntry], int]:
        """A page, newest first, and how many entries match; what was decided before is in it."""
        await self.flush()
        return await asyncio.to_thread(self._store.page, query)

    def hear(self, hear: Hear) -> None:
        """Call `hear` with all new entries, in order, whoever wrote them; it must be quick and must not raise."""
        self._hear += (hear,)

    # Its life.

    async def start(self) -> None:
        """Note what was decided and not yet noted when the house last died; then keep up."""
        await asyncio.to_thread(self._begin)
        self._cursor = max(self._cursor, self._store.cursor() or 0)
        self._told = await asyncio.to_thread(self._store.last_seq)
        await self.note(_system(self._clock.now(), "system.started"))
        self._tasks = [
            asyncio.create_task(self._write_for_ever(), name="audit"),
            asyncio.create_task(self._look_for_ever(), name="audit-news"),
        ]

    async def stop(self) -> None:
        """Note what waits. The desk has stopped."""
        with suppress(RecordsFault):  # Told below, if the store is still as it was.
            await self.flush()  # Before anything is cancelled: what a thread writes cannot be called back.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.flush()
            last = _system(self._clock.now(), "system.stopped")
            await asyncio.to_thread(self._store.append, [last], cursor=max(self._durable, self._cursor))
        except RecordsFault as fault:
            _log.warning("the last audit lines are noted at the next start: %s", fault)

    def _begin(self) -> None:
        if self._store.cursor() is None:
            # The first start with a trail: what was decided before it has its place in the journal alone.
            self._store.append((), cursor=self._journal.head.seq)
        self._catch_up()

    def _catch_up(self) -> int:
        """Note what the journal holds beyond the cursor; up to which record."""
        seq = self._store.cursor() or 0
        lines: list[AuditLine] = []
        for entry in self._journal.entries(seq):
            seq = entry.seq
            lines += lines_of(decode_record(entry.payload), None)
            if len(lines) >= LINES_PER_WRITE:
                self._store.append(lines, cursor=seq)
                lines = []
        self._store.append(lines, cursor=seq)
        return seq

    async def _write_for_ever(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self.flush()
            except RecordsFault as fault:
                _log.warning("audit lines could not be noted, trying again: %s", fault)
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> None:
        """On return what was decided before is in the store. RecordsFault if it fails."""
        async with self._writing:
            self._wanted.clear()
            if self._is_behind:
                self._is_behind = False
                self._cursor = await asyncio.to_thread(self._catch_up)
                self._waiting = [waiting for waiting in self._waiting if waiting[0] > self._cursor]
            taken = self._waiting
            if not taken and self._durable - self._cursor <= CURSOR_LAG_MAX:
                return
            # Every decision up to the last that was released, or told to be durable, is among them.
            cursor = max(self._durable, taken[-1][0] if taken else 0)
            self._waiting = []
            try:
                lines = [line for _, of_decision in taken for line in of_decision]
                await asyncio.to_thread(self._store.append, lines, cursor=cursor)
            except RecordsFault:
                self._waiting = taken + self._waiting
                self._wanted.set()
                raise
            self._cursor = cursor

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._hear:
                try:
                    await self._look()
                except RecordsFault as fault:
                    _log.warning("the audit trail could not be read, trying again: %s", fault)

    async def _look(self) -> None:
        news = await asyncio.to_thread(self._news)
        if not news:
            return
        self._told = news[-1].seq
        for hear in self._hear:
            hear(news)

    def _news(self) -> list[AuditEntry]:
        news: list[AuditEntry] = []
        for entry in self._store.entries(self._told):
            news.append(entry)
            if len(news) >= NEWS_PER_LOOK_MAX:
                break
        return news


def _system(at: int, action: str) -> AuditLine:
    return AuditLine(at, HOUSE.name, action, "system", "server")


class ChainReport(Struct, frozen=True):
    """What a look through a trail found: `count` entries up to `head`; `fault`: the first thing wrong, "" if none."""

    count: int
    head: bytes
    fault: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing was altered, moved or left out."""
        return not self.fault


def verify_chain(entries: Iterable[AuditEntry], *, after: int = 0, previous: bytes = AUDIT_GENESIS) -> ChainReport:
    """Hold entries, which follow number `after` with checksum `previous`, against their chain."""
    seq, checksum, count = after, previous, 0
    for entry in entries:
        seq += 1
        if entry.seq != seq:
            return ChainReport(count, checksum, f"entry {seq} is missing: the next one found is {entry.seq}")
        expected = audit_checksum(checksum, seq, entry.body)
        if entry.checksum != expected:
            return ChainReport(count, checksum, f"entry {seq} was altered: its checksum does not follow from it")
        checksum, count = expected, count + 1
    return ChainReport(count, checksum)
