"""Keeping trips and executions: decisions are noted when they are durable, folded a bit later, written in batches."""

import asyncio
import logging
from itertools import islice
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.stamps import stamps_before
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.executions import NO_STAMPS, ExecutionFold, Stamps
from tradehall.app.support.folding import FOLD_VERSION, FOLDED, TripFold
from tradehall.app.support.overlays import Overlays
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId
from tradehall.engine import events as ev
from tradehall.engine.record import Record, decode_record
from tradehall.ports.journal import Journal
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import TripStore, TripWrite

KEEP_EVERY_S: Final = 0.5
# Decisions that wait to be folded; beyond it they are read from the journal again, without their stamps.
WAITING_MAX: Final = 20_000
# Folded at one go, so that nobody waits for it.
PER_STEP: Final = 200
CATCH_UP_STEP: Final = 5_000

_HEARD: Final = FOLDED | {ev.OrderOpened}
_log: Final = logging.getLogger("tradehall.support")

Heard = tuple[Record, int, int]


class TripKeeper:
    """A decision listener: `capture` notes who asked when, `release` that it is durable. Belongs to the loop.

    The fold and its rows follow the journal; what is not written when the house dies is folded again at the next start.
    """

    def __init__(
        self, desk: Desk, journal: Journal, store: TripStore, attribution: Attribution, overlays: Overlays
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._store = store
        self._overlays = overlays
        self._waiting: list[tuple[Record, Stamps]] = []
        self._one_at_a_time = asyncio.Lock()
        self._attribution = attribution
        self._begin()

    def _begin(self) -> None:
        self._is_behind = True
        self.seq, items = self._store.load(FOLD_VERSION)
        state = self._desk.state
        hedging = [
            number for number, account in state.accounts.items() if account.terms.position_mode is PositionMode.HEDGING
        ]
        trips = {key: body for key, body in items.items() if not key.startswith("x")}
        ways = {key: body for key, body in items.items() if key.startswith("x")}
        self._trips = TripFold(self._attribution, self._currency_of, hedging, trips)
        self._executions = ExecutionFold(
            self._attribution, lambda: self._desk.state.instruments, self._currency_of, self._desk.quotes.get, ways
        )

    def _currency_of(self, account_id: AccountId) -> str:
        account = self._desk.state.accounts.get(account_id)
        return "USD" if account is None else account.terms.currency

    # A decision listener.

    def capture(self, record: Record) -> Heard | None:
        """What concerns trips, with the stamps that only this moment knows."""
        if _HEARD.isdisjoint(map(type, record.events)):
            return None
        return record, *stamps_before(record.now)

    def release(self, payload: Heard) -> None:
        """It is durable."""
        record, signal, received = payload
        if self._is_behind or len(self._waiting) >= WAITING_MAX:
            self._is_behind = True
            return
        self._waiting.append((record, Stamps(signal, received, self._desk.clock.now())))

    # Keeping up.

    async def run(self) -> None:
        """Keep up until cancelled."""
        while True:
            try:
                await self.flush()
            except RecordsFault as fault:
                _log.warning("round trips could not be written, trying again: %s", fault)
            await asyncio.sleep(KEEP_EVERY_S)

    async def flush(self) -> None:
        """Fold and write what is durable by now."""
        async with self._one_at_a_time:
            if self._is_behind:
                await self._catch_up()
            taken, self._waiting = self._waiting, []
            for start in range(0, len(taken), PER_STEP):
                for record, stamps in taken[start : start + PER_STEP]:
                    self._fold(record, stamps)
                await asyncio.sleep(0)
            if taken:
                await self._write()

    async def _catch_up(self) -> None:
        """Fold what the journal has beyond; from its end on, decisions are noted as they come."""
        while self.seq < self._desk.writer.durable_seq:
            batch = await asyncio.to_thread(_read, self._journal, self.seq)
            for start in range(0, len(batch), PER_STEP):
                for record in batch[start : start + PER_STEP]:
                    self._fold(record, NO_STAMPS)
                await asyncio.sleep(0)
            await self._write()
        self._waiting = []
        self._is_behind = False

    def _fold(self, record: Record, stamps: Stamps) -> None:
        if record.seq <= self.seq:
            return
        self.seq = record.seq
        self._trips.apply(record.seq, record.now, record.events)
        self._executions.apply(record, stamps, self._trips.trip_of)

    async def _write(self) -> None:
        trips, items = self._trips.take()
        rows, ways = self._executions.take()
        write = TripWrite(self.seq, trips, [*items, *ways], rows)
        overlays = {number: each for number in trips if (each := self._overlays.of(number)) is not None}
        try:
            await asyncio.to_thread(self._store.write, write, overlays)
        except RecordsFault:
            self._begin()  # What was taken is lost: as far as the store is, and on from there.
            raise


def _read(journal: Journal, after: int) -> list[Record]:
    return [decode_record(entry.payload) for entry in islice(journal.entries(after), CATCH_UP_STEP)]
