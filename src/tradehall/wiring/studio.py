"""The studio's rooms, put together: strategies, deployments and those who run them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from tradehall.adapters.backtest_process import BacktestProcess
from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.deployments import SqliteDeployments
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.access import Access
from tradehall.app.backtests.runs import Backtests
from tradehall.app.demo import HOUSE_ACCOUNT
from tradehall.app.deployments.carrying import Carrier
from tradehall.app.deployments.deciding import Decider
from tradehall.app.deployments.deleting import StrategyDeletion
from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.keeping import LedgerKeeper
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.runner import Runner
from tradehall.app.deployments.seats import Seats
from tradehall.app.deployments.sending import Sender
from tradehall.app.deployments.shares import BudgetShares
from tradehall.app.deployments.supervisor import Supervisor
from tradehall.app.desk import Desk
from tradehall.app.identity.identity import Identity
from tradehall.app.market import MarketBoard
from tradehall.app.marketplace import Marketplace
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.api_keys import GATEWAY, ApiKeys
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.strategies import Program
from tradehall.app.scanners.scanners import Scanners
from tradehall.app.scanners.watching import ScannerWatch
from tradehall.app.strategies.registering import Registry
from tradehall.app.strategies.strategies import Strategies
from tradehall.app.studio.room import StudioRoom
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.faces.studio import Studio
from tradehall.ports.journal import Journal
from tradehall.ports.records import RecordsFault
from tradehall.wiring.backtest_job import job_command

_log: Final = logging.getLogger("tradehall.studio")
Begin = Callable[[str, Coroutine[Any, Any, None]], None]


class StudioRooms:
    """Everything behind the studio door. Made with the house; `open` belongs to the running loop."""

    def __init__(
        self, records: SqliteRecords, journal: Journal, desk: Desk, market: MarketBoard, identity: Identity,
        keys: ApiKeys, instruments: Mapping[str, Instrument],
    ) -> None:  # fmt: skip
        clock = desk.clock
        self.desk, self.market, self.identity = desk, market, identity
        self._keys = keys
        self.store = SqliteDeployments(records)
        left = self.store.load()
        # Cursors and signals of an earlier run, for the runner.
        self.left = (left.cursors, left.pending)
        self.room = StudioRoom(records, clock)
        self.registry = Registry(self.room)
        self.ledgers = Ledgers(lambda: desk.state, journal, left.ledgers, left.ledger_seq)
        self.strategies = Strategies(self.room, instruments)
        self.marketplace = Marketplace(self.room, self.strategies, self.ledgers.get, self._currency_of)
        self.shares = BudgetShares(self.room, desk)
        self.deployments = Deployments(self.room, desk, identity.book, self.shares, HOUSE_ACCOUNT)
        self.deletion = StrategyDeletion(self.room, self.deployments)
        decider = Decider(lambda: desk.state, market.quotes)
        sender = Sender(Carrier(desk, self.ledgers), desk.submit, self.room.book, self.store, clock)
        self.runner = Runner(self.room.book, Seats(market), decider, sender, self.ledgers, self.store, clock)
        self.supervisor = Supervisor(self.room, desk, self.strategies, self.shares, self.runner, self._revoke_keys)
        self.deployments.wake = self.supervisor.wake
        # As far as the state is, before anything else is decided.
        for each in self.room.book.deployments:
            is_program = each.program is not Program.GRAPH
            self.ledgers.open(each.deployment_id, each.account_id, each.keygen, takes_all=is_program)
        self.ledgers.catch_up()
        desk.listen(self.ledgers)
        self.keeper = LedgerKeeper(self.room.book, desk, self.ledgers, self.store)
        self.backtests = Backtests(self.room, self.strategies, market, BacktestProcess(job_command()), instruments)
        self.scanners = Scanners(self.room, instruments)
        self.watch = ScannerWatch(self.room.book, market, self.store, clock)
        self.answers = SqliteAnswers(records)

    def open(self, begin: Begin) -> None:
        """Take up what ran before, and go on; before the first quote of this start."""
        self.runner.load(*self.left)
        self.market.subscribe(self.runner)
        self.market.subscribe(self.watch)
        begin("deployments", self._run())
        begin("ledgers", self.keeper.run())
        begin("backtests", self.backtests.run())
        begin("scanners", self.watch.run())

    async def close(self) -> None:
        """Write down what changed last; what cannot be is found in the journal at the next start."""
        try:
            await self.keeper.keep()
        except (ShardUnavailable, RecordsFault) as fault:
            _log.warning("ledgers could not be written: %s", fault)

    async def _run(self) -> None:
        await self.supervisor.seat_all()
        await asyncio.gather(self.runner.run(), self.supervisor.run())

    async def _revoke_keys(self, deployment: Deployment) -> None:
        """A program from outside trades no more: the keys that were made for its strategy there are closed."""
        now = self.desk.clock.now()
        found = [
            key
            for key in self.identity.book.ring
            if key.door == GATEWAY and key.strategy_id == deployment.keygen and key.is_valid(now)
        ]
        for key in found:
            await asyncio.to_thread(self._keys.revoke, key.key_id)
        if found:
            await self.identity.reload()

    def _currency_of(self, account_id: AccountId) -> str | None:
        account = self.desk.state.accounts.get(account_id)
        return None if account is None else account.terms.currency

    def door(self, access: Access, *, is_open: bool = False) -> Studio:
        """What the studio door works with."""
        return Studio(
            access=access, desk=self.desk, market=self.market, room=self.room, strategies=self.strategies,
            deletion=self.deletion, marketplace=self.marketplace, deployments=self.deployments, runner=self.runner,
            keeper=self.keeper, backtests=self.backtests, scanners=self.scanners, watch=self.watch, store=self.store,
            answers=self.answers, is_open=is_open,
        )  # fmt: skip
