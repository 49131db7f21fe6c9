"""Keeping: ledgers written down as far as the journal is durable, and equity over time."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from tradehall.app.deployments.facts import floating_of
from tradehall.app.deployments.ledger import Ledger
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.desk import Desk
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.deployments import Deployment
from tradehall.app.slices import Pauses, tell_in_slices
from tradehall.app.studio.book import StudioBook
from tradehall.domain.money import ZERO
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.deployments import DeploymentStore, EquityPoint
from tradehall.ports.records import RecordsFault

KEEP_EVERY_S: Final = 2.0
EQUITY_EVERY_NS: Final = 60 * NS_PER_SECOND
# A start folds at most this much of the journal for the ledgers, however quiet they were.
RECORDS_BEHIND_MAX: Final = 20_000

_log: Final = logging.getLogger("tradehall.deployments")


class LedgerKeeper:
    """Writes ledgers and equity points down. `hear_points` is told of points that were; it must be quick."""

    def __init__(self, book: StudioBook, desk: Desk, ledgers: Ledgers, store: DeploymentStore) -> None:
        self.hear_points: Callable[[Sequence[EquityPoint]], None] = lambda _: None
        self._book = book
        self._desk = desk
        self._ledgers = ledgers
        self._store = store
        self._kept_seq: int | None = None
        self._last_points: dict[int, EquityPoint] = {}

    async def run(self) -> None:
        """Keep from time to time until cancelled."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                await self.keep()
            except (ShardUnavailable, RecordsFault) as fault:
                _log.warning("ledgers could not be written, trying again: %s", fault)

    async def keep(self) -> None:
        """Write what changed; a new equity point where one is due."""
        points = await self._due_points()
        kept = self._kept_seq
        if self._ledgers.changed or kept is None or self._ledgers.seq - kept > RECORDS_BEHIND_MAX:
            seq, changed = self._ledgers.encoded()
            try:
                # What is kept must not be ahead of the journal.
                await self._desk.durable()
                await asyncio.to_thread(self._store.keep_ledgers, seq, changed)
            except (ShardUnavailable, RecordsFault):
                self._ledgers.changed |= changed.keys()
                raise
            self._kept_seq = seq
            self._ledgers.note_kept(seq, changed)
        if points:
            await asyncio.to_thread(self._store.add_equity, points)
            self._last_points |= {point.deployment_id: point for point in points}
            await tell_in_slices(points, self.hear_points)

    def point(self, deployment: Deployment, now: int) -> EquityPoint:
        """What a deployment is worth now: its share, or what its account began with, and all it brought."""
        ledger = self._ledgers.get(deployment.deployment_id)
        realized = ZERO if ledger is None else ledger.net_pnl
        floating = ZERO if ledger is None else floating_of(ledger, self._desk.state, self._desk.quotes.get)
        return EquityPoint(
            deployment.deployment_id, now, self._capital(deployment, ledger) + realized + floating, realized, floating
        )

    def _capital(self, deployment: Deployment, ledger: Ledger | None) -> Decimal:
        if deployment.budget is not None:
            return deployment.budget.allocated
        return ZERO if ledger is None else ledger.capital

    async def _due_points(self) -> list[EquityPoint]:
        pauses = Pauses()
        found = []
        for deployment in list(self._book.deployments):
            await pauses.pause_if_due()
            now = self._desk.clock.now()
            if self._is_due(deployment, now):
                found.append(self.point(deployment, now))
        return found

    def _is_due(self, deployment: Deployment, now: int) -> bool:
        """Whether its last point is a minute old, or something was closed since."""
        ledger = self._ledgers.get(deployment.deployment_id)
        if ledger is None or not (deployment.is_active or ledger.holdings):
            return False
        last = self._last_points.get(deployment.deployment_id)
        return last is None or ledger.net_pnl != last.realized_pnl or now - last.at >= EQUITY_EVERY_NS
