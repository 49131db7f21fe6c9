"""The house: the rooms of a running server behind its doors, made in order, opened in order, closed in reverse."""

import asyncio
import gc
import logging
import os
from collections.abc import Coroutine, Iterator
from contextlib import closing
from typing import Any, Final

from tradehall.adapters.bookkeeper_process import BookkeeperProcess
from tradehall.adapters.clock import SystemClock
from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.heap import give_back
from tradehall.adapters.processors import processors
from tradehall.adapters.sqlite.alerts import SqliteAlerts
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.chores import chore_command
from tradehall.adapters.sqlite.equity import SqliteEquity
from tradehall.adapters.sqlite.inspection import SqliteInspection, scratch_views
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.alerts import Alerts
from tradehall.app.audit import AuditTrail
from tradehall.app.audit_export import AuditExports
from tradehall.app.bars import BarBook
from tradehall.app.chores import Chores
from tradehall.app.demo import DEMO_ACCOUNTS, DEMO_DEPOSIT, HOUSE_ACCOUNT
from tradehall.app.demo_people import DemoPeople, demo_people
from tradehall.app.demo_strategy import demo_strategy
from tradehall.app.desk import Desk
from tradehall.app.equity import EquityHistory
from tradehall.app.explain import Explainer
from tradehall.app.fill_sums import FillSums
from tradehall.app.house_counts import HouseCounts
from tradehall.app.key_watch import KeyWatch
from tradehall.app.market import MarketBoard
from tradehall.app.past import Past
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.strategies import Strategy
from tradehall.app.recovery import Progress, no_progress, rebuild_views, recover
from tradehall.app.snapshots import Snapshots
from tradehall.app.tidying import Tidying
from tradehall.app.verification import audit_at_start
from tradehall.config import Config
from tradehall.engine.commands import AnyCommand, ListInstrument, OpenAccount
from tradehall.engine.state import State
from tradehall.wiring.auditing import make_signer
from tradehall.wiring.bookkeeping_job import bookkeeping_command
from tradehall.wiring.explaining import STREAMS
from tradehall.wiring.feeds import make_feed
from tradehall.wiring.people import make_access, make_identity, read_sheet
from tradehall.wiring.recording import Recording, make_loop
from tradehall.wiring.refusals import StartRefused
from tradehall.wiring.studio import StudioRooms
from tradehall.wiring.support import SupportRooms

FIRST_QUOTE_WITHIN_S: Final = 10.0
FIRST_QUOTE_LOOK_S: Final = 0.01
STALENESS_EVERY_S: Final = 1.0
# Requests leave little garbage in cycles: to look for it every 700 objects, as by default, costs 3 % of an order.
COLLECT_AFTER: Final = (20_000, 20, 50)
BARS_EVERY_S: Final = 0.25
# With fewer, a server that polls would take the only one from those who ask it.
PROCESSORS_TO_POLL: Final = 2
# A start that folded more records than this leaves a snapshot, so that the next one need not.
SNAPSHOT_AFTER_RECORDS: Final = 20_000

_log: Final = logging.getLogger("tradehall.house")


class House:
    """Everything behind the doors of one server.

    Made outside of any loop; when this returns, the journal is recovered. JournalRefused (another server has
    the folder), JournalDamaged, RecordsFault, FeedError, RecordingRefused and DataFolderRefused say why not.
    `open` and `close` belong to the running loop.
    """

    def __init__(self, config: Config, *, demo: bool, progress: Progress = no_progress) -> None:
        self.config = config
        self.clock = SystemClock()
        self.folder = DataFolder(config.data)
        self.folder.make()
        self._store = SqliteStore(self.folder.path, end_process)
        self.records = SqliteRecords(self.folder.records)
        self._snapshots = Snapshots(self.folder.snapshots)
        self.feed = make_feed(config, self.clock, self.folder)
        bars = BarBook(self.feed.history, self.feed.bar_grace_ns)
        self.market = MarketBoard(self.feed.instruments, self.feed.history, self.clock, self.feed.stale_after_ns, bars)
        self.recording = None if config.record is None else Recording(config.record, self.clock.now())
        self.desk = self._make_desk(progress)
        self.past = Past(self._store.journal, self._snapshots, self.market, self.clock)
        audit = SqliteAudit(self.records)
        self.trail = AuditTrail(audit, self._store.journal, self.clock)
        self.exports = AuditExports(self.trail, audit, make_signer(self.folder), self.clock)
        self.desk.listen(self.trail)
        self.desk.writer.hear_durable(self.trail.on_durable)
        self.explainer = Explainer(self.desk, self.past, self._snapshots, self.trail, STREAMS)
        self.equity = EquityHistory(self.desk, SqliteEquity(self.records))
        self.desk.listen(self.equity)
        self.fill_sums = FillSums(self.desk.views)
        self.counts = HouseCounts(self.desk)
        self.keys = ApiKeys(self.records, self.clock, actor="server")
        self.identity = make_identity(config, self.folder, self.records, self.clock, demo=demo)
        self.access = make_access(config, self.identity, self.clock)
        self.key_watch = KeyWatch(self.records, self.keys, self.access, reload=self._reload_records)
        self.key_watch.load()
        self.studio = StudioRooms(
            self.records, self._store.journal, self.desk, self.market, self.identity, self.keys, self.feed.instruments
        )
        bookkeeper = BookkeeperProcess(bookkeeping_command(self.folder.path))
        self.support = SupportRooms(self.folder.support, self._store.journal, self.studio, self.trail, bookkeeper)
        self.alerts = Alerts(SqliteAlerts(self.records), self.clock, self.feed.instruments)
        self.chores = Chores(chore_command(self.folder.path), end_damaged, self.desk.state.seq)
        self._is_demo = demo
        self.demo_people: DemoPeople | None = None
        self.demo_strategy: Strategy | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.failure: Exception | None = None

    async def _reload_records(self) -> None:
        """Another process wrote: the command line, or a program that it supervises."""
        # Deployments first: an account on which one is to close positions is disabled when that is done.
        await self.studio.room.reload()
        await self.identity.reload()

    def _make_desk(self, progress: Progress) -> Desk:
        store, quotes, settings = self._store, self.market.quotes, self.config.venue_settings()
        rebuild_views(store.journal, store.view_store, progress)
        with closing(SqliteInspection(self.folder.path)) as files:
            audit_at_start(files, scratch_views())

        return Desk(
            state=self._recovered(progress),
            make_loop=lambda state, on_record: make_loop(state, settings, quotes, on_record, self.recording),
            restore=lambda: recover(store.journal, self._snapshots),
            store=store,
            quotes=quotes,
            clock=self.clock,
            on_unknown=end_process,
        )

    def _recovered(self, progress: Progress) -> State:
        folded = 0

        def count(done: int, total: int) -> None:
            nonlocal folded
            folded = total
            progress(done, total)

        state = recover(self._store.journal, self._snapshots, count, self._store.view_store)
        if folded > SNAPSHOT_AFTER_RECORDS:
            self._keep(state)
        return state

    # Opening.

    async def open(self) -> None:
        """Take wishes: instruments listed, accounts open, quotes coming in.

        What prevents that is raised, and kept in `failure`.
        """
        try:
            await self._open()
        except Exception as error:
            self.failure = error
            raise

    async def _open(self) -> None:
        if self.recording is not None:
            self.recording.start()
            self.market.subscribe(self.recording.tape)  # Before the desk: what it is told is on the board already.
        await self.trail.start()
        await self.desk.start()
        self.desk.writer.employ(self._store.scribe)
        if self.config.busy_poll and processors() >= PROCESSORS_TO_POLL:
            self.desk.writer.poll_busily()
        for command in self._furnishing():
            outcome = await self.desk.submit(command)
            if outcome.rejection is not None:
                raise StartRefused(f"{type(command).__name__} was refused: {outcome.rejection.message}")
        await self.identity.attach(self.desk)
        if self._is_demo:
            self.demo_people = await demo_people(self.identity, read_sheet(self.folder))
            self.demo_strategy = await demo_strategy(
                self.studio.strategies, self.studio.deployments, self.desk.state.instruments
            )
        self.market.subscribe(self.desk)
        await self.alerts.start()
        self.market.subscribe(self.alerts)  # After the desk: an alert tells of a quote that has done its work.
        self.studio.open(self._begin)
        self.support.open(self._begin)
        self._begin("identity", self.identity.run())
        self._begin("mail", self.identity.post.run())
        self._begin("feed", self.feed.run(self.market))
        self._begin("staleness", self._watch_staleness())
        self._begin("bars", self._prepare_bars())
        self._begin("bars that are over", self._close_bars())
        self._begin("keys", self.key_watch.run())
        self._begin("equity", self.equity.run())
        self._begin("fill sums", self.fill_sums.run())
        self._begin("counts", self.counts.run())
        self._begin("tidying", Tidying(give_back).run())
        self.desk.writer.hear_durable(self.chores.hear_durable)
        self.chores.start_audit()
        await self._first_quote()
        # What lives as long as the server need not be looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)

    def _furnishing(self) -> Iterator[AnyCommand]:
        """What this start adds to the state: new or changed instruments, missing accounts."""
        state = self.desk.state
        for symbol, instrument in self.feed.instruments.items():
            if state.instruments.get(symbol) != instrument:
                yield ListInstrument(instrument)
        accounts = [(self.config.account_terms(HOUSE_ACCOUNT), self.config.account_deposit)]
        accounts += [(terms, DEMO_DEPOSIT) for terms in DEMO_ACCOUNTS if self._is_demo]
        for terms, deposit in accounts:
            if terms.account_id not in state.accounts:
                yield OpenAccount(terms, deposit)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_tell_of_failure)
        self._tasks.append(task)

    async def _first_quote(self) -> None:
        """Wait until the feed has spoken, so that whoever sees us ready can trade."""
        deadline = asyncio.get_running_loop().time() + FIRST_QUOTE_WITHIN_S
        while not self.market.quotes:
            if asyncio.get_running_loop().time() > deadline:
                _log.warning("no quote came within %d s; going on without", FIRST_QUOTE_WITHIN_S)
                return
            await asyncio.sleep(FIRST_QUOTE_LOOK_S)

    async def _watch_staleness(self) -> None:
        while True:
            await asyncio.sleep(STALENESS_EVERY_S)
            self.market.check_staleness(self.clock.now())

    async def _close_bars(self) -> None:
        while True:
            await asyncio.sleep(BARS_EVERY_S)
            self.market.close_bars(self.clock.now())

    async def _prepare_bars(self) -> None:
        while True:
            await self.market.prepare_bars()
            await asyncio.sleep(BARS_EVERY_S)

    # Closing.

    async def stop_trading(self) -> None:
        """Take no more wishes and make everything durable; reading goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.chores.stop()
        await self.alerts.stop()
        await self.studio.close()
        await self.desk.stop()

    async def close(self) -> None:
        """Leave a snapshot, note what the audit and the keys still have to say, let go of the files.

        After the last request.
        """
        await self.trail.stop()
        head = self._store.journal.head.seq
        is_durable = self.desk.state.seq == head
        if self.recording is not None:
            self.recording.stop(durable_seq=head if is_durable else None)
        if is_durable:
            self._keep(self.desk.state)
        await self.key_watch.note()
        await self.equity.keep()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files of a house that is not open."""
        self.identity.close()
        self.support.close()
        self._store.close()
        self.records.close()

    def _keep(self, state: State) -> None:
        try:
            self._snapshots.write(state, self._store.journal.head)
        except OSError as error:
            _log.warning("no snapshot was written, the next start folds the journal instead: %s", error)


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("%s ended, which it should not; orders go on without it", task.get_name(), exc_info=error)


def end_process(error: BaseException) -> None:
    """Nobody knows what the disk holds: only a new start, which reads it, can tell. Does not return."""
    _log.critical("nobody knows whether the last batch was written, so this process ends: %r", error)
    logging.shutdown()
    os._exit(1)


def end_damaged(sentence: str) -> None:
    """The audit beside the server found the journal damaged: nothing may be added to it. Does not return."""
    _log.critical("the journal is damaged, so this process ends: %s; `tradehall verify` tells all", sentence)
    logging.shutdown()
    os._exit(1)
