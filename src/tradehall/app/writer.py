"""Writer: decisions of the loop's thread → batches of the journal's thread → news of their durability.

Everything decided while the last batch was being synced is the next batch. Nothing leaves the house
before its batch is durable: neither answers, nor what listeners captured.
"""

import sys
import threading
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from tradehall.app.known_ids import KnownIds
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.projections import project
from tradehall.domain.ids import AccountId
from tradehall.domain.order import Order
from tradehall.engine.record import Record, encode_record
from tradehall.engine.state import State
from tradehall.ports.journal import Journal, JournalRefused
from tradehall.ports.views import OrderRow, ViewRows

# Records decided and not yet durable; beyond it the desk takes no more wishes.
IN_FLIGHT_MAX: Final = 20_000

# How long the busy loop may keep the interpreter's lock from the journal's thread, which asks for it some twenty
# times a batch. Measured over HTTP, in turns: 0.1 ms costs 133 us of CPU an order, 0.5 ms 118, 2 ms and more 101 to
# 108; the p99 of 1,000 orders/s on schedule is best at 2 ms.
SWITCH_INTERVAL_S: Final = 0.002

# Compositions of decisions whose listeners are remembered; there are some dozens.
COMPOSITIONS_MAX: Final = 1_024

_decode_order: Final = msgspec.json.Decoder(Order).decode


class DecisionListener(Protocol):
    """Who needs the state as each decision left it, and may only tell once it is durable.

    Who needs no more than the records is told of whole batches: `Writer.hear_records`. `hears`: it hears of decisions
    with an event of these kinds; None: of every decision.
    """

    @property
    def hears(self) -> frozenset[type] | None:
        """See above; it never changes."""
        ...

    def capture(self, record: Record) -> object | None:
        """Called at once, with the state exactly as after `record`; what it returns comes back in release."""
        ...

    def release(self, payload: Any) -> None:
        """The record of `payload` is durable. In the order of the records; must not raise."""
        ...


Capture = Callable[[Record], object | None]
Release = Callable[[Any], None]


class Audience(dict[frozenset[type], tuple[tuple[Capture, Release], ...]]):
    """Who hears of a decision, by the kinds of its events; worked out once for each composition."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: tuple[DecisionListener, ...] = ()

    def admit(self, listener: DecisionListener) -> None:
        """One more, told after those before."""
        self._listeners += (listener,)
        self.clear()

    def __missing__(self, kinds: frozenset[type]) -> tuple[tuple[Capture, Release], ...]:
        if len(self) >= COMPOSITIONS_MAX:
            self.clear()
        found = (each for each in self._listeners if each.hears is None or not each.hears.isdisjoint(kinds))
        self[kinds] = made = tuple((each.capture, each.release) for each in found)
        return made


class Batch:
    """What is made durable together: whole turns, so that a wish and the venue's answer are never parted."""

    __slots__ = ("is_done", "payloads", "records", "releases", "rows", "waiters")

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.records: list[Record] = []
        self.rows = ViewRows()
        self.releases: list[tuple[Release, object]] = []
        self.waiters: list[Future[None]] = []
        self.is_done = False

    def move(self, turn: "Batch") -> None:
        """Append `turn`, which is empty then."""
        self.payloads += turn.payloads
        self.records += turn.records
        self.rows.move(turn.rows)
        self.releases += turn.releases
        turn.payloads.clear()
        turn.records.clear()
        turn.releases.clear()


class Writer:
    """One shard's way into its journal.

    `begin` … `end_turn`, `when_durable` and `listen` belong to the loop's thread. `on_refused` is called
    there when a batch was surely not written: all that is not durable is gone, and `resume` takes records
    again. `on_unknown` is called in the journal's thread when nobody knows: it must end the process.
    """

    def __init__(
        self,
        journal: Journal,
        on_refused: Callable[[JournalRefused], None],
        on_unknown: Callable[[BaseException], None],
    ) -> None:
        self.journal = journal
        self.in_flight = 0
        self.durable_seq = journal.head.seq
        self.batch_count = 0
        self.known_ids = KnownIds()
        self._on_refused = on_refused
        self._on_unknown = on_unknown
        self._audience = Audience()
        self._hear_durable: tuple[Callable[[int], None], ...] = ()
        self._hear_records: tuple[Callable[[Sequence[Record]], None], ...] = ()
        self._hear_rows: tuple[Callable[[int, ViewRows], None], ...] = ()
        self._turn = Batch()
        # Between the threads, under the lock.
        self._lock = threading.Lock()
        self._filling = Batch()
        self._taken = Batch()
        self._taken.is_done = True
        self._is_idle = True
        self._is_parked = False
        self._is_stopping = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._thread: threading.Thread | None = None
        self._loop: AbstractEventLoop | None = None
        # Client ids of ended orders that the state may have forgotten and the views do not know yet.
        self._undurable_orders: dict[tuple[AccountId, str], OrderRow] = {}

    # The loop's thread.

    def bind(self, loop: AbstractEventLoop) -> None:
        """Use `loop`, which is running, for futures and news."""
        self._loop = loop

    def start(self) -> None:
        """Start the journal's thread; `bind` comes first."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def listen(self, listener: DecisionListener) -> None:
        """Tell `listener` of every decision from now on."""
        self._audience.admit(listener)

    def hear_durable(self, hear: Callable[[int], None]) -> None:
        """Call `hear` with the number of the last durable record, once per batch."""
        self._hear_durable += (hear,)

    def hear_records(self, hear: Callable[[Sequence[Record]], None]) -> None:
        """Call `hear` with the records of each batch, in order, when they are durable and all listeners told."""
        self._hear_records += (hear,)

    def hear_rows(self, hear: Callable[[int, ViewRows], None]) -> None:
        """Call `hear` with the number of the last durable record and the rows of the batch, once per batch."""
        self._hear_rows += (hear,)

    def take(self, record: Record, state: State) -> None:
        """Add `record` to the turn; `state` is exactly what it was after it."""
        turn = self._turn
        turn.payloads.append(encode_record(record))
        turn.records.append(record)
        project(record, state, turn.rows)
        for capture, release in self._audience[frozenset(map(type, record.events))]:
            payload = capture(record)
            if payload is not None:
                turn.releases.append((release, payload))

    def end_turn(self) -> bool:
        """Hand the turn's records to the journal; False if there were none."""
        turn = self._turn
        if not turn.payloads:
            return False
        self.in_flight += len(turn.payloads)
        for row in turn.rows.orders:
            if row.client_order_id is not None:
                self._undurable_orders[row.account_id, row.client_order_id] = row
                self.known_ids.add(row.account_id, row.client_order_id)
        with self._lock:
            filling = self._filling
            if filling.payloads:
                filling.move(turn)
            else:  # The emptied one will hold the next turn.
                self._filling, self._turn = turn, filling
            is_idle, self._is_idle = self._is_idle, False
        if is_idle and self._thread is not None:
            self._wake.release()
        return True

    def abort_turn(self) -> None:
        """Forget the turn's records: the decision broke off half-way."""
        self._turn = Batch()

    def when_durable(self) -> "Future[None] | None":
        """A future that is done when everything handed over is durable; None if it already is.

        It ends in ShardUnavailable if that could not be written.
        """
        assert self._loop is not None, "bind the writer first"
        # Without the lock: the journal's thread takes a batch before it puts an empty one in its place, and is done
        # with it only when this thread says so.
        batch = self._filling
        if not batch.payloads:
            batch = self._taken
        if batch.is_done:
            return None
        future = self._loop.create_future()
        batch.waiters.append(future)
        return future

    def undurable_order(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """An ended order that the views do not hold yet."""
        row = self._undurable_orders.get((account_id, client_order_id))
        return None if row is None else _decode_order(row.body)

    def resume(self) -> None:
        """Take records again after a refusal."""
        with self._lock:
            self._is_parked = False

    def stop(self) -> None:
        """End the journal's thread, after whatever was handed over. Blocks for as long as that takes."""
        with self._lock:
            self._is_stopping = True
            is_idle, self._is_idle = self._is_idle, False
        if self._thread is not None:
            if is_idle:
                self._wake.release()
            self._thread.join()

    # The journal's thread.

    def _run(self) -> None:
        while True:
            while self.commit_next():
                pass
            if self._is_stopping:
                return
            self._wake.acquire()

    def commit_next(self) -> bool:
        """Make the next batch durable; False if there was none. The journal's thread, or a test in its place."""
        with self._lock:
            batch = self._filling
            if not batch.payloads or self._is_parked:
                self._is_idle = not self._is_stopping
                return False
            self._taken, self._filling = batch, Batch()
        try:
            self.journal.append(batch.payloads, batch.rows)
        except JournalRefused as refusal:
            with self._lock:
                self._is_parked = True
            self._post(self._refuse, batch, refusal)
        except BaseException as error:
            self._on_unknown(error)
            raise
        else:
            self._post(self._settle, batch)
        return True

    def _post(self, news: Callable[..., None], *facts: object) -> None:
        assert self._loop is not None, "bind the writer first"
        self._loop.call_soon_threadsafe(news, *facts)

    # News of the journal's thread, back on the loop's.

    def _settle(self, batch: Batch) -> None:
        batch.is_done = True
        count = len(batch.payloads)
        self.in_flight -= count
        self.durable_seq += count
        self.batch_count += 1
        for row in batch.rows.orders:
            if row.client_order_id is not None:
                key = (row.account_id, row.client_order_id)
                if self._undurable_orders.get(key) is row:
                    del self._undurable_orders[key]
        for release, payload in batch.releases:
            release(payload)
        for waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(None)
        for hear in self._hear_durable:
            hear(self.durable_seq)
        for hear_records in self._hear_records:
            hear_records(batch.records)
        for hear_rows in self._hear_rows:
            hear_rows(self.durable_seq, batch.rows)

    def _refuse(self, batch: Batch, refusal: JournalRefused) -> None:
        with self._lock:
            rest, self._filling = self._filling, Batch()
        self.abort_turn()
        self._undurable_orders.clear()
        self.in_flight = 0
        self._on_refused(refusal)
        for lost in (batch, rest):
            lost.is_done = True
            for waiter in lost.waiters:
                if not waiter.done():
                    waiter.set_exception(ShardUnavailable(f"the journal cannot be written: {refusal}"))
