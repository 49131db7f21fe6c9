"""The house of a backtest: a clock of its own, a journal of its own for each run, one door."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tradehall.adapters.clock import SimulatedClock, SystemClock
from tradehall.adapters.data_folder import DataFolder, DataFolderRefused
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.access import Access
from tradehall.app.demo import HOUSE_ACCOUNT
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.key_watch import KeyWatch
from tradehall.app.market import MarketBoard
from tradehall.app.paced.bars import PacedBars
from tradehall.app.paced.ear import Ear
from tradehall.app.past import Past as Earlier
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.recovery import rebuild_views, recover
from tradehall.app.snapshots import Snapshots
from tradehall.config import Config
from tradehall.engine.commands import AnyCommand, ListInstrument, OpenAccount
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.paced import PacedVenue
from tradehall.wiring.house import end_process
from tradehall.wiring.past import Past
from tradehall.wiring.refusals import StartRefused

RUNS_MAX: Final = 1_000_000

_log: Final = logging.getLogger("tradehall.backtest")


class BacktestHouse:
    """What stands behind the door of one run.

    `folder`: that of the run, with its journal; the keys are those of the data folder. FeedError, StartRefused
    and DataFolderRefused say what is wrong. `open` and `close` belong to the running loop.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.past = Past(config)
        self.clock = SimulatedClock(self.past.script.begins_at)
        self.bars = PacedBars(self.past.spans, self.past.recording.history, self.clock)
        history = self.past.recording.history
        self.market = MarketBoard(self.past.instruments, history, self.clock, None, self.bars)
        data = DataFolder(config.data)
        data.make()
        self.folder = _run_folder(data.path / "backtests")
        self._store = SqliteStore(self.folder, end_process, is_synced=False)
        self.desk = self._make_desk()
        snapshots = Snapshots(self.folder)
        self.earlier = Earlier(self._store.journal, snapshots, self.market, self.clock)
        self.explainer = Explainer(self.desk, self.earlier, snapshots)
        self._records = SqliteRecords(data.records)
        now = SystemClock()  # Keys expire in the present, whatever time is simulated.
        self.access = Access(now, house_account=HOUSE_ACCOUNT, master_key=config.api_key)
        self._key_watch = KeyWatch(self._records, ApiKeys(self._records, now, actor="server"), self.access)
        self._key_watch.load()
        self._watching: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

    def _make_desk(self) -> Desk:
        store, quotes, settings = self._store, self.market.quotes, self.config.venue_settings()
        rebuild_views(store.journal, store.view_store)

        def make_loop(state: State, on_record: Callable[[Record], None]) -> TradingLoop:
            loop = TradingLoop(Engine(state), PacedVenue(settings, state, quotes, self.bars), quotes, on_record)
            loop.rebuild()  # The books of a recovered state.
            return loop

        return Desk(
            state=recover(store.journal, None),
            make_loop=make_loop,
            restore=lambda: recover(store.journal, None),
            store=store,
            quotes=quotes,
            clock=self.clock,
            on_unknown=end_process,
            is_paced=True,
        )

    async def open(self) -> None:
        """Take wishes: instruments listed, the account open, the market as it is at the beginning."""
        try:
            await self.desk.start()
            for command in self._furnishing():
                outcome = await self.desk.submit(command)
                if outcome.rejection is not None:
                    raise StartRefused(f"{type(command).__name__} was refused: {outcome.rejection.message}")
            self.past.script.send_known(self.market.quotes, self.market.prints)
            self.market.subscribe(Ear(self.desk))
            self._watching = asyncio.get_running_loop().create_task(self._key_watch.run(), name="keys")
        except Exception as error:
            self.failure = error
            raise

    def _furnishing(self) -> Iterator[AnyCommand]:
        for instrument in self.past.instruments.values():
            yield ListInstrument(instrument)
        cash = self.config.account_deposit if self.config.cash is None else self.config.cash
        yield OpenAccount(self.config.account_terms(HOUSE_ACCOUNT), cash)

    async def stop_trading(self) -> None:
        """Take no more wishes; reading goes on."""
        if self._watching is not None:
            self._watching.cancel()
        await self.desk.stop()

    async def close(self) -> None:
        """Let go of the files, after the last request."""
        await self._key_watch.note()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files of a house that is not open."""
        self._store.close()
        self._records.close()


def _run_folder(runs: Path) -> Path:
    """A new folder for this run, `run-000001` and so on."""
    try:
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        latest = max((int(path.name[4:]) for path in runs.glob("run-*") if path.name[4:].isdigit()), default=0)
        for number in range(latest + 1, RUNS_MAX):
            folder = runs / f"run-{number:06d}"
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue  # Another server was faster.
            return folder
    except OSError as error:
        raise DataFolderRefused(f"no folder for this run can be made in {runs}: {error.strerror}") from None
    raise DataFolderRefused(f"{runs} holds {RUNS_MAX} runs: remove some")
