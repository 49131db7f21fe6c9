"""Writer: decisions of the loop's thread → batches of the journal's thread → news of their durability.

Everything decided while the last batch was being synced is the next batch. Nothing leaves the house
before its records are durable: neither answers, nor what listeners captured. The rows of the views follow, those of
several batches in one go where orders keep coming. A lone order is written by the loop; while orders keep coming, a
scribe writes in the place of the thread, if there is one.
"""

import sys
import threading
import time
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tradehall.app.audience import Audience, DecisionListener
from tradehall.app.batch import Batch, let_go, past_batch
from tradehall.app.busy_poll import BusyPoll
from tradehall.app.dictation import Dictation
from tradehall.app.known_ids import KnownIds
from tradehall.app.last_records import LastRecords
from tradehall.app.moment import Moment
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.projections import project
from tradehall.app.rows_behind import RowsBehind
from tradehall.app.telling import News, Telling
from tradehall.app.unwritten import UnwrittenOrders
from tradehall.domain.ids import AccountId
from tradehall.engine.record import Record, encode_record
from tradehall.engine.state import State
from tradehall.ports.journal import Journal, JournalRefused, Scribe
from tradehall.ports.views import ViewRows

# Records decided and not yet durable; beyond it the desk takes no more wishes.
IN_FLIGHT_MAX: Final = 20_000

# How long a thread that reads or folds may keep the interpreter's lock from the loop, which gives it away with each
# answer it sends. Three doors at 2,000 requests a second, by turns: p99 15.8 ms with 2 ms, 9.2 with 0.5, 9.4 with 0.2,
# which costs a tenth more. (The journal's thread alone, until a scribe has come, does best with 2.)
SWITCH_INTERVAL_S: Final = 0.0005

# Who comes so long after the last batch is alone: the loop writes for him itself, for handing over, and back, takes a
# third of what a sync does. Others shall not wait for that on a slow disk: it pauses so many times as long as it took.
ALONE_AFTER_S: Final = 0.005
PAUSE_AFTER_WRITE: Final = 10

# Each write of rows touches the ends of a dozen tables and indexes, whatever it holds: where orders keep coming, and
# nobody asks, rows wait so long for more. Three doors at 2,000 requests a second: a quarter fewer pages.
ROWS_WAIT_S: Final = 0.005

_NO_ROWS: Final = ViewRows()


class Writer:
    """One shard's way into its journal.

    `take` … `end_turn`, `when_durable` and `listen` belong to the loop's thread, and so does `turn`: what was decided
    since the last `end_turn`. `on_refused` is called there when something was surely not written: records that are not
    durable are gone, rows of those that are wait, and `resume` goes on. `on_unknown` is called in the thread that wrote
    when nobody knows; it must end the process.
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
        self.unwritten = UnwrittenOrders()
        self._last_records = LastRecords()
        self._written_seq = journal.head.seq
        self._on_refused = on_refused
        self._on_unknown = on_unknown
        self._audience = Audience()
        self._hear_durable: tuple[Callable[[int], None], ...] = ()
        self._hear_records: tuple[Callable[[Sequence[Record]], None], ...] = ()
        self._hear_rows: tuple[Callable[[int, ViewRows], None], ...] = ()
        self.turn = Batch()
        # Between the threads, under the lock.
        self._lock = threading.Lock()
        self._filling = Batch()
        self._taken = past_batch()
        self._is_idle = True
        self._is_parked = False
        self._is_stopping = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._thread: threading.Thread | None = None
        self._loop: AbstractEventLoop | None = None
        # Whoever writes: rows that are missing; whether the scribe wrote last.
        self._rows = RowsBehind()
        self._is_dictated = False
        self._telling = Telling()
        # Whether rows have waited long enough: set by the loop, taken back by whoever writes them; under the lock.
        self._rows_are_due = False
        self._rows_timer: TimerHandle | None = None
        # The loop's: why the journal takes nothing at the moment; whether it sees to what is next, and writes that
        # itself, for it is alone; from when on it may be.
        self._refusal: str | None = None
        self._is_ours = False
        self._is_alone = False
        self._ours_from = 0.0
        self._durable_at = 0.0
        self._dictation: Dictation | None = None
        self._busy_poll: BusyPoll | None = None

    # The loop's thread.

    def bind(self, loop: AbstractEventLoop) -> None:
        """Use `loop`, which is running, for futures and news."""
        self._loop = loop
        self._telling.bind(loop)

    def start(self) -> None:
        """Start the journal's thread; `bind` comes first."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def employ(self, scribe: Scribe) -> None:
        """Have `scribe` write while orders keep coming, until `stop`, which lets it go; `bind` comes first."""
        assert self._loop is not None, "bind comes first"
        self._dictation = Dictation(scribe, self._loop)

    def poll_busily(self) -> None:
        """Let the loop not sleep while lone orders come fast; `bind` comes first."""
        assert self._loop is not None, "bind comes first"
        self._busy_poll = BusyPoll(self._loop)

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
        """Call `hear` with rows that have been written, and the number of the last record that has any by now."""
        self._hear_rows += (hear,)

    def take(self, state: State, record: Record) -> None:
        """Add `record` to the turn; `state` is exactly what it was after it."""
        turn = self.turn
        turn.decided.append((record, encode_record(record)))
        self._last_records.note(state, record)
        events = record.events
        composition = type(events[0]) if len(events) == 1 else frozenset(map(type, events))
        leaves_rows, listeners = self._audience[composition]
        if leaves_rows or state.ended_now:
            project(record, state, turn.rows)
            turn.has_rows = not turn.rows.is_empty
        for capture, release in listeners:
            payload = capture(record)
            if payload is not None:
                turn.releases.append((release, payload))

    def end_turn(self) -> None:
        """Hand the turn's records, if there are any, to the journal."""
        turn = self.turn
        count = len(turn.decided)
        if not count:
            return
        self.in_flight += count
        if turn.has_rows and (ended := turn.rows.orders):
            self.unwritten.add(ended)
            for order in ended:
                terms = order.terms
                if terms.client_order_id is not None:
                    self.known_ids.add(terms.account_id, terms.client_order_id)
        with self._lock:
            filling = self._filling
            if filling.decided:
                filling.move(turn)
            else:  # The emptied one will hold the next turn.
                self._filling, self.turn = turn, filling
            if not self._is_idle:
                return
            self._is_idle = False
        if self._thread is None:
            return
        assert self._loop is not None, "start comes after bind"
        now = time.monotonic()
        # What comes while another is written is not alone, however long that takes.
        self._filling.is_alone = now >= self._durable_at + ALONE_AFTER_S
        self._is_alone = now >= self._ours_from
        if self._is_alone or self._is_scribe_here:
            self._is_ours = True
            self._loop.call_soon(self._see_to_it)
        else:
            self._wake.release()

    def _see_to_it(self) -> None:
        """Have what was decided until now written in the place of the journal's thread, if that still sleeps."""
        if not self._is_ours:
            return
        self._is_ours = False
        if self._is_alone:
            self._commit_here()
        elif self._is_scribe_here:
            self._dictate()
        else:
            self._wake.release()

    def _commit_here(self) -> None:
        begin = time.monotonic()
        while self.commit_next(self._telling.soon):
            pass
        end = time.monotonic()
        self._ours_from = end + PAUSE_AFTER_WRITE * (end - begin)

    def look(self) -> None:
        """Tell at once what the scribe has written, if it has: the loop hears of that only when it comes round."""
        if self._dictation is not None:
            self._dictation.look()

    def abort_turn(self) -> None:
        """Forget the turn's records: the decision broke off half-way."""
        self.turn = Batch()

    def when_durable(self, account_id: AccountId | None = None) -> Moment | None:
        """The moment when everything handed over is durable; None if that is past.

        With an account: None also if all that concerns that is durable. It ends in ShardUnavailable if that could not
        be written.
        """
        if account_id is not None and self._last_records.of(account_id) <= self.durable_seq:
            return None
        return self._last_batch().when_durable(self._loop)

    def keep(self) -> Moment | None:
        """As `when_durable`, for who has just decided and tells of nothing else.

        What the loop is to write it writes at once, so that he is answered before the listeners are told.
        """
        batch = self._last_batch()
        if self._is_ours and self._is_alone:
            self._see_to_it()
        return None if batch.is_kept else batch.when_durable(self._loop)

    def when_written(self, account_id: AccountId | None = None) -> Moment | None:
        """The same, when the views hold its rows too. ShardUnavailable if nothing can be written at the moment."""
        if account_id is not None and self._last_records.of(account_id) <= self._written_seq:
            return None
        batch = self._last_batch()
        if batch.is_written:
            return None
        if self._refusal is not None:
            raise ShardUnavailable(self._refusal)
        moment = batch.when_written(self._loop)
        if batch.is_durable:
            self._have_rows_written()
        return moment

    def _last_batch(self) -> Batch:
        # Without the lock: the journal's thread takes a batch before it puts an empty one in its place, and is done
        # with it only when this thread says so.
        batch = self._filling
        return batch if batch.decided else self._taken

    def resume(self) -> None:
        """Take records again after a refusal, and write what rows are missing."""
        self._refusal = None
        with self._lock:
            self._is_parked = False
        self._have_rows_written()

    def stop(self) -> None:
        """End the journal's thread, after whatever was handed over. Blocks for as long as that takes."""
        with self._lock:
            self._is_stopping = True
        if self._dictation is not None and self._dictation.is_under_way:
            self._dictation.finish()
        self._have_rows_written()
        if self._thread is not None:
            self._thread.join()
        if self._dictation is not None:
            self._dictation.end()

    def _rouse(self) -> None:
        """Let who wrote last, the scribe or the journal's thread, look whether there is something to do."""
        with self._lock:
            is_asleep, self._is_idle, self._is_ours = self._is_idle or self._is_ours, False, False
        if not is_asleep:
            return
        if self._is_dictated and self._is_scribe_here and not self._is_stopping:
            self._dictate()
        elif self._thread is not None:
            self._wake.release()

    # The scribe.

    @property
    def _is_scribe_here(self) -> bool:
        return self._dictation is not None and self._dictation.is_here

    def _dictate(self) -> None:
        """Give the scribe what is next; it is nobody else's turn."""
        assert self._dictation is not None, "it is here"
        batch = self._next_batch()
        if batch is not None:
            self._dictation.begin(*self._task(batch), done=partial(self._scribe_is_done, batch))

    def _scribe_is_done(self, batch: Batch, fault: Exception | None) -> None:
        if isinstance(fault, JournalRefused):
            with self._lock:
                self._is_parked = self._is_idle = True
            self._telling.now(partial(self._refuse, batch, fault))
            return
        if fault is not None:
            self._on_unknown(fault)
            raise fault
        assert self._loop is not None and self._dictation is not None, "bind and employ come first"
        self._is_dictated = True
        news = self._kept(batch) if batch.decided else self._rows_kept()
        if self._is_stopping:
            with self._lock:
                self._is_idle = True  # The journal's thread does what is left.
            self._telling.soon(news)
        else:
            if self._dictation.is_early and self._filling.decided:
                # What is decided until the loop comes round goes with it: more and smaller batches cost everybody.
                self._is_ours, self._is_alone = True, False
                self._loop.call_soon(self._see_to_it)
            else:
                self._dictate()
            self._telling.now(news)  # Last: what breaks in a listener does not keep the next batch from its way.

    # The journal's thread.

    def _run(self) -> None:
        while self._write_on():
            self._wake.acquire()

    def _write_on(self) -> bool:
        """Write until there is nothing to write, or that is the loop's turn; False if that was the end."""
        is_passed = False
        while not (is_passed := self._pass_on()) and self.commit_next():
            pass
        return is_passed or not self._is_stopping

    def _pass_on(self) -> bool:
        """Whether what is next is the loop's turn now, to be dictated: orders keep coming."""
        assert self._loop is not None, "start comes after bind"
        with self._lock:
            if not self._is_scribe_here or self._is_stopping or not self._filling.decided:
                return False
            self._is_ours, self._is_alone = True, False
        self._loop.call_soon_threadsafe(self._see_to_it)
        return True

    def commit_next(self, tell: Callable[[News], object] | None = None) -> bool:
        """Make the next batch durable, then write its rows unless more is waiting; False if there was nothing to do.

        The journal's thread, or whoever is in its place. `tell` brings what there is to tell to the loop's thread.
        """
        tell = tell or self._telling.post
        batch = self._next_batch()
        if batch is None:
            return False
        try:
            self._is_dictated = False
            if batch.decided:
                self.journal.append(*self._task(batch))
                tell(self._kept(batch))
            if self._must_write_rows() and not self._filling.decided:
                self.journal.write_rows(self._rows_to_write())
                tell(self._rows_kept())
        except JournalRefused as refusal:
            with self._lock:
                self._is_parked = True
            tell(partial(self._refuse, batch, refusal))
        except BaseException as error:
            self._on_unknown(error)
            raise
        return True

    def _next_batch(self) -> Batch | None:
        """What is to be written now, by whoever asks; an empty one stands for rows alone. None: there is nothing."""
        with self._lock:
            batch = self._filling
            if self._is_parked or not (batch.decided or self._must_write_rows()):
                self._is_idle = not self._is_stopping
                return None
            if not batch.decided:
                return Batch()  # Not the one that is being filled: the loop goes on with that.
            self._taken, self._filling = batch, Batch()
            return batch

    def _task(self, batch: Batch) -> tuple[list[bytes], ViewRows, int]:
        """Records of `batch`, rows of those before that are due, and how far the views are then."""
        payloads = [payload for _, payload in batch.decided]
        batch.follows_seq = self.journal.head.seq
        rows = self._rows_to_write() if self._must_write_rows() else _NO_ROWS
        return payloads, rows, self._rows.seq_beside(batch)

    def _rows_to_write(self) -> ViewRows:
        with self._lock:
            self._rows_are_due = False
        return self._rows.begin()

    def _kept(self, batch: Batch) -> News:
        batch.is_kept = True
        return partial(self._settle, batch, self._rows.end(batch))

    def _rows_kept(self) -> News:
        return partial(self._rows_written, self._rows.end())

    def _must_write_rows(self) -> bool:
        """Whether rows are written now: answers go first, and whoever makes rows has the interpreter."""
        return bool(self._rows) and (self._rows_are_due or self._is_stopping or self._thread is None)

    # News of the journal's thread, back on the loop's.

    def _settle(self, batch: Batch, written: list[Batch]) -> None:
        """The records of `batch` are durable, and with them all rows up to those of `written`."""
        if batch.follows_seq != self.durable_seq:
            self._on_unknown(error := RuntimeError(f"{batch.follows_seq} is told of after {self.durable_seq}"))
            raise error
        batch.is_durable = True
        count = len(batch.decided)
        self.in_flight -= count
        self.durable_seq += count
        self.batch_count += 1
        now = time.monotonic()
        if self._dictation is not None:
            self._dictation.note(is_alone=batch.is_alone)
        if self._busy_poll is not None:
            self._busy_poll.note(is_alone=batch.is_alone)
        self._durable_at = now
        self._ours_from = max(self._ours_from, now + ALONE_AFTER_S)
        batch.seq = self.durable_seq
        try:
            self._tell(batch, written)
        finally:
            let_go(batch.waiters)  # Last: they go on from here, and whatever breaks in a listener.

    def _tell(self, batch: Batch, written: list[Batch]) -> None:
        for release, payload in batch.releases:
            release(payload)
        for hear in self._hear_durable:
            hear(self.durable_seq)
        records = [record for record, _ in batch.decided]
        for hear_records in self._hear_records:
            hear_records(records)
        self._rows_written(written)
        if self._thread is None or self._loop is None or batch.is_written:
            return
        if batch.is_alone or batch.readers:
            self._loop.call_soon(self._have_rows_written)  # When the answers are out.
        elif self._rows_timer is None:
            self._rows_timer = self._loop.call_later(ROWS_WAIT_S, self._have_rows_written)

    def _have_rows_written(self) -> None:
        """They have waited long enough."""
        if self._rows_timer is not None:
            self._rows_timer.cancel()
            self._rows_timer = None
        with self._lock:
            self._rows_are_due = True
        self._rouse()

    def _rows_written(self, written: list[Batch]) -> None:
        try:
            for batch in written:
                batch.is_written = True
                self._written_seq = batch.seq
                self.unwritten.written(batch.rows.orders)
                for hear_rows in self._hear_rows:
                    hear_rows(batch.seq, batch.rows)
        finally:
            for batch in written:
                let_go(batch.readers)

    def _refuse(self, batch: Batch, refusal: JournalRefused) -> None:
        """Nothing is written until `resume`: what is not durable is lost, rows of what is durable are kept."""
        with self._lock:
            rest, self._filling = self._filling, Batch()
            behind = self._rows.take_back()
            self._taken = behind[-1] if behind else past_batch()
        self.abort_turn()
        self.unwritten.lost()
        for each in behind:
            self.unwritten.add(each.rows.orders)
        self.in_flight = 0
        self._on_refused(refusal)
        self._refusal = f"the journal cannot be written: {refusal}"
        for each in (*behind, batch, rest):
            let_go(each.waiters, self._refusal)
            let_go(each.readers, self._refusal)
