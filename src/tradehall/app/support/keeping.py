"""Keeping trips and executions: the journal is folded a bit behind its end, and written in batches.

What only the moment knows of a decision, its stamps, is noted as it happens. The rest waits while orders keep coming,
until many wait or somebody asks; while they come by the thousand it waits until somebody asks or the rush is over.
"""

import asyncio
import logging
from collections.abc import Sequence
from itertools import islice
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.recovery import unhurried
from tradehall.app.stamps import stamps_before
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.executions import ExecutionFold
from tradehall.app.support.folding import FOLD_VERSION, TripFold
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId, OrderId
from tradehall.engine import events as ev
from tradehall.engine.record import Record, decode_record
from tradehall.ports.journal import Journal
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Execution, FoldItem, Trip, TripStore, TripWrite

KEEP_EVERY_S: Final = 0.5
# Decisions a second: orders keep coming; a rush.
BUSY: Final = 200
RUSH: Final = 2_000
# Decisions that may wait while orders keep coming. Who asks then waits for them: about a second.
WAITING_MAX: Final = 20_000
# Folded at one go, in well under a millisecond, and the rest after it. A loop that is never idle lets go of the
# interpreter's lock only when its time is up, and the journal's thread asks for it some twenty times a batch: folding
# without rests, orders waited for 24 ms that wait for 2.
PER_STEP: Final = 16
REST_S: Final = 0.004
# While orders keep coming: a thousand a second are folded in a tenth of the time.
BUSY_REST_S: Final = 0.016
# Read, and written, in one piece: each is a thread's work, a connection, a transaction.
PER_PIECE: Final = 256
# Folded before it is looked again whether a rush has begun: half a second's work with its rests.
PER_LOOK: Final = 5 * PER_PIECE

_log: Final = logging.getLogger("tradehall.support")


class TripKeeper:
    """A decision listener: `capture` notes when an order was asked for, `on_durable` that it is. Belongs to the loop.

    The fold and its rows follow the journal; what is not written when the house dies is folded again at the next start,
    without stamps.
    """

    hears: Final = frozenset({ev.OrderAccepted})

    def __init__(
        self, desk: Desk, journal: Journal, store: TripStore, attribution: Attribution, overlays: Overlays
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._store = store
        self._overlays = overlays
        self._stamps = StampQueue(desk.writer.durable_seq)
        self._seen_seq = 0
        self._one_at_a_time = asyncio.Lock()
        self._asking = 0
        self._rest_s = REST_S
        self._attribution = attribution
        self._begin()

    def _begin(self) -> None:
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
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            since, looked = looked, loop.time()
            seen, self._seen_seq = self._seen_seq, self._desk.writer.durable_seq
            per_s = (self._seen_seq - seen) / max(KEEP_EVERY_S, looked - since)
            is_behind = False
            if not seen or is_time_to_fold(per_s, self._seen_seq - self.seq):
                self._rest_s = REST_S if per_s < BUSY or not seen else BUSY_REST_S
                try:
                    await self._catch_up(min(self._seen_seq, self.seq + PER_LOOK))
                    is_behind = self.seq < self._seen_seq
                except RecordsFault as fault:
                    _log.warning("round trips could not be written, trying again: %s", fault)
            if not is_behind:
                await asyncio.sleep(KEEP_EVERY_S)

    async def flush(self) -> None:
        """Fold and write what is durable by now, for somebody who waits for it: without rests."""
        self._asking += 1
        try:
            await self._catch_up(self._desk.writer.durable_seq)
        finally:
            self._asking -= 1

    async def _catch_up(self, until: int) -> None:
        """Fold and write records to number `until`. Those beyond may be in the journal before their stamps are here."""
        async with self._one_at_a_time:
            while self.seq < until:
                count = min(PER_PIECE, until - self.seq)
                records = await asyncio.to_thread(_read, self._journal, self.seq, count)
                piece = _Piece()
                for start in range(0, len(records), PER_STEP):
                    self._fold(records[start : start + PER_STEP], piece)
                    await asyncio.sleep(0 if self._asking else self._rest_s)
                await self._write(piece)

    def _fold(self, records: Sequence[Record], piece: "_Piece") -> None:
        for record in records:
            self.seq = record.seq
            self._trips.apply(record.seq, record.now, record.events)
            self._executions.apply(record, self._stamps.take(record.seq), self._trips.trip_of)
        # What is encoded of a whole piece would keep the loop for milliseconds.
        piece.add(self._trips.take(), self._executions.take())

    async def _write(self, piece: "_Piece") -> None:
        trips = piece.trips
        write = TripWrite(self.seq, trips, [*piece.items.values()], sorted(piece.rows.values()))
        overlays = {number: each for number in trips if (each := self._overlays.of(number)) is not None}
        try:
            await asyncio.to_thread(self._store.write, write, overlays)
        except RecordsFault:
            self._begin()  # What was taken is lost: as far as the store is, and on from there.
            raise


def is_time_to_fold(per_s: float, waiting: int) -> bool:
    """Whether to fold unasked, where `per_s` decisions are made a second, and `waiting` are to be folded."""
    return per_s < BUSY or (per_s < RUSH and waiting >= WAITING_MAX)


class _Piece:
    """What is written together: of a thing that changed more than once, its last state."""

    def __init__(self) -> None:
        self.trips: dict[int, Trip | None] = {}
        self.items: dict[str, FoldItem] = {}
        self.rows: dict[OrderId, Execution] = {}

    def add(
        self, trips: tuple[dict[int, Trip | None], list[FoldItem]], executions: tuple[list[Execution], list[FoldItem]]
    ) -> None:
        """What changed since."""
        self.trips |= trips[0]
        self.items |= {item.key: item for item in (*trips[1], *executions[1])}
        self.rows |= {row.order_id: row for row in executions[0]}


def _read(journal: Journal, after: int, count: int) -> list[Record]:
    return [decode_record(entry.payload) for entry in unhurried(islice(journal.entries(after), count))]
