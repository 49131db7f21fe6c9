"""Keeping trips and executions: the journal is folded a bit behind its end, and written in batches.

What only the moment knows of a decision, its stamps, is noted as it happens. The rest is done in idle turns of the
loop; where many come, by a bookkeeper, so that no order waits for it.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.idle import idle_turn
from tradehall.app.recovery import unhurried
from tradehall.app.stamps import stamps_before
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.briefing import Briefing, InTheHouse
from tradehall.app.support.clerk import PER_PIECE, Clerk, in_steps
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.engine import events as ev
from tradehall.engine.record import Record, decode_record
from tradehall.ports.bookkeeping import Bookkeeper, BookkeeperGone
from tradehall.ports.journal import Journal
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Overlay, TripStore

KEEP_EVERY_S: Final = 0.5
# Where so many wait, a bookkeeper is hired: they would take the loop ten milliseconds. He costs 40 MiB, and 0.3 s.
HIRE_AT: Final = 200

_log: Final = logging.getLogger("tradehall.support")


class TripKeeper:
    """A decision listener: `capture` notes when an order was asked for, `on_durable` that it is. Belongs to the loop.

    The fold and its rows follow the journal; what is not written when the house dies is folded again at the next start,
    without stamps. So is what a bookkeeper had in hand who is gone; then the loop goes on.
    """

    hears: Final = frozenset({ev.OrderAccepted})

    def __init__(
        self, desk: Desk, journal: Journal, store: TripStore, attribution: Attribution, overlays: Overlays,
        bookkeeper: Bookkeeper | None = None,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._journal = journal
        self._store = store
        self._overlays = overlays
        self._attribution = attribution
        self._stamps = StampQueue(desk.writer.durable_seq)
        self._one_at_a_time = asyncio.Lock()
        self._asking = 0
        self._bookkeeper = bookkeeper
        # Of the bookkeeper who was hired: what he is told, and what he has in hand.
        self._briefing: Briefing | None = None
        self._errand: asyncio.Future[int] | None = None
        # The loop's own; None while he is at work, and where what he folded was, whatever came between, not written.
        self._clerk: Clerk | None = None
        self._begin()

    def _begin(self) -> None:
        """On from where the store is."""
        where = InTheHouse(self._desk, self._overlays)
        self._clerk = Clerk(self._store, where, self._attribution, self._stamps)
        self.seq = self._clerk.seq

    # A decision listener.

    def capture(self, record: Record) -> None:
        """The stamps of an order: only this moment knows them."""
        signal, received = stamps_before(record.now)
        self._stamps.ask(record.seq, signal, received)

    def release(self, payload: None) -> None:
        """What is durable is told of once for all."""

    def on_durable(self, seq: int) -> None:
        """All decisions up to `seq` have just become so."""
        self._stamps.journal(seq, self._desk.clock.now())

    # Keeping up.

    async def run(self) -> None:
        """Keep up until cancelled."""
        while True:
            try:
                await self._catch_up(self._desk.writer.durable_seq)
            except RecordsFault as fault:
                _log.warning("round trips could not be written, trying again: %s", fault)
            await asyncio.sleep(KEEP_EVERY_S)

    async def flush(self) -> None:
        """Fold and write what is durable by now, for somebody who waits for it: without waiting for idle turns."""
        self._asking += 1
        try:
            await self._catch_up(self._desk.writer.durable_seq)
        finally:
            self._asking -= 1

    async def lay_over(self, overlays: Sequence[Overlay]) -> None:
        """These are laid over their trips now, and stand in Overlays already."""
        async with self._one_at_a_time:
            if not await self._have_carried_out(0, overlays):
                await asyncio.to_thread(self._store.lay_over, overlays)

    def close(self) -> None:
        """Let the bookkeeper go, if one was hired. Waits for what he has in hand."""
        if self._briefing is not None and self._bookkeeper is not None:
            self._bookkeeper.dismiss()

    async def _catch_up(self, until: int) -> None:
        """Fold and write records to number `until`. Those beyond may be in the journal before their stamps are here."""
        async with self._one_at_a_time:
            while self.seq < until:
                if until - self.seq >= HIRE_AT and self._briefing is None:
                    self._hire()
                if not await self._have_carried_out(until):
                    await self._keep_piece(until)

    # By the loop.

    async def _keep_piece(self, until: int) -> None:
        clerk, self._clerk = self._clerk, None
        if clerk is None:
            self._begin()
            return
        records = await asyncio.to_thread(_read, self._journal, self.seq, min(PER_PIECE, until - self.seq))
        for some in in_steps(records):
            clerk.fold(some)
            await self._pause()
        for _ in clerk.make_rows():
            await self._pause()
        await asyncio.to_thread(clerk.write)
        self._clerk, self.seq = clerk, clerk.seq

    async def _pause(self) -> None:
        await (asyncio.sleep(0) if self._asking else idle_turn())

    # By a bookkeeper.

    def _hire(self) -> None:
        if self._bookkeeper is None:
            return
        try:
            self._bookkeeper.hire()
        except OSError as error:
            _log.warning("no process can be begun to keep round trips: error=%r", str(error))
            self._bookkeeper = None
        else:
            self._briefing = Briefing(self._desk, self._overlays, self._stamps)
            self._clerk = None

    async def _have_carried_out(self, until: int, overlays: Iterable[Overlay] = ()) -> bool:
        """Whether the bookkeeper has; otherwise there is none, or no longer."""
        if self._briefing is None or self._bookkeeper is None:
            return False
        if self._errand is not None:
            await asyncio.wait([self._errand])  # Of one who went away meanwhile.
        task = self._briefing.task(until, overlays)
        self._errand = asyncio.ensure_future(asyncio.to_thread(self._bookkeeper.carry_out, task))
        self._errand.add_done_callback(_heard)
        try:
            self.seq = await asyncio.shield(self._errand)
        except BookkeeperGone as error:
            _log.warning("the process that keeps round trips has ended, the server goes on: error=%r", str(error))
            gone, self._bookkeeper, self._briefing = self._bookkeeper, None, None
            await asyncio.to_thread(gone.dismiss)
            return False
        return True


def _heard(errand: "asyncio.Future[int]") -> None:
    """Whether anybody waits for it or not."""
    if not errand.cancelled():
        errand.exception()


def _read(journal: Journal, after: int, count: int) -> list[Record]:
    return [decode_record(entry.payload) for entry in unhurried(islice(journal.entries(after), count))]
