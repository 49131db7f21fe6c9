"""Keeping trips and executions: the journal is folded a bit behind its end, and written in batches.

What only the moment knows of a decision, its stamps, is noted as it happens. The rest is done in idle turns of the
loop: where there are few it takes its time, until somebody asks.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.idle import idle_turn
from tradehall.app.recovery import unhurried
from tradehall.app.stamps import stamps_before
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.executions import ExecutionFold
from tradehall.app.support.folding import FOLD_VERSION, TripFold
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.recent_records import RecentRecords
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId, OrderId
from tradehall.engine import events as ev
from tradehall.engine.record import Record, decode_record
from tradehall.ports.journal import Journal
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Execution, FoldItem, Trip, TripStore, TripWrite

KEEP_EVERY_S: Final = 0.5
# Folded at one go, in a quarter of a millisecond.
PER_STEP: Final = 16
# Read, and written, in one piece: each is a thread's work, a connection, a transaction. What changes twice within it is
# written once: a thousand cost two thirds of what 256 and 256 and … do.
PER_PIECE: Final = 1_024

_NOTHING: Final = TripWrite({}, (), [])

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
        self._recent = RecentRecords()
        self._one_at_a_time = asyncio.Lock()
        self._asking = 0
        self._attribution = attribution
        self._begin()

    def _begin(self) -> None:
        self.seq, items = self._store.load(FOLD_VERSION)
        # Whether something was folded and, whatever came between, not written: then on from where the store is.
        self._is_torn = False
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

    def on_records(self, records: Sequence[Record]) -> None:
        """These have just become durable."""
        self._recent.add(records)

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

    async def _catch_up(self, until: int) -> None:
        """Fold and write records to number `until`. Those beyond may be in the journal before their stamps are here."""
        async with self._one_at_a_time:
            if self._is_torn:
                self._begin()
            while self.seq < until:
                self._is_torn = True
                count = min(PER_PIECE, until - self.seq)
                records = self._recent.take(self.seq, count)
                if not records:
                    records = await asyncio.to_thread(_read, self._journal, self.seq, count)
                piece = _Piece()
                for start in range(0, len(records), PER_STEP):
                    self._fold(records[start : start + PER_STEP], piece)
                    await self._pause()
                await self._write(piece)
                self._is_torn = False

    async def _pause(self) -> None:
        await (asyncio.sleep(0) if self._asking else idle_turn())

    def _fold(self, records: Sequence[Record], piece: "_Piece") -> None:
        for record in records:
            self.seq = record.seq
            self._trips.apply(record.seq, record.now, record.events)
            self._executions.apply(record, self._stamps.take(record.seq), self._trips.trip_of)
        # What is encoded of a whole piece would keep the loop for milliseconds.
        piece.add(self._trips.take(), self._executions.take())

    async def _write(self, piece: "_Piece") -> None:
        lines = []
        for part in piece.parts():
            lines.append(self._store.lines(part, {}))
            await self._pause()
        # Behind the others, for that is what counts: something may have been laid over a trip meanwhile.
        overlays = {number: each for number in piece.trips if (each := self._overlays.of(number)) is not None}
        laid_over = {number: piece.trips[number] for number in overlays}
        lines.append(self._store.lines(TripWrite(laid_over, [*piece.items.values()]), overlays))
        await asyncio.to_thread(self._store.write, self.seq, lines)


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

    def parts(self) -> Iterator[TripWrite]:
        """Trips and executions, some at a time. Orders stand in the store as they were numbered."""
        trips, rows = iter(self.trips.items()), iter(sorted(self.rows.values()))
        while (part := TripWrite(dict(islice(trips, PER_STEP)), (), [*islice(rows, PER_STEP)])) != _NOTHING:
            yield part


def _read(journal: Journal, after: int, count: int) -> list[Record]:
    return [decode_record(entry.payload) for entry in unhurried(islice(journal.entries(after), count))]
