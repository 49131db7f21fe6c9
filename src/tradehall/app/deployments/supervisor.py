"""The supervisor: does what it takes for deployments to be in the state that was asked for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tradehall.app.deployments.errands import Errand, run_errand
from tradehall.app.deployments.runner import Runner
from tradehall.app.deployments.shares import BudgetShares
from tradehall.app.deployments.transitions import moved
from tradehall.app.desk import Desk
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.audit import HOUSE, audit_line
from tradehall.app.records.deployments import BEAT_KIND, KIND, Deployment, DeploymentState, Mode, StopPolicy
from tradehall.app.records.strategies import Program as ProgramKind
from tradehall.app.slices import Pauses
from tradehall.app.strategies.definitions import read_definition
from tradehall.app.strategies.strategies import Strategies
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.refusals import StudioRefused
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.app.waking import rest
from tradehall.domain.market import Timeframe
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import RegisterStrategy
from tradehall.ports.deployments import SignalQuery
from tradehall.ports.records import RecordsFault
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.intents import Stop

LOOK_EVERY_S: Final = 1.0
AT_ONCE_MAX: Final = 16
REMEMBERED_MAX: Final = 200
# Supervisors of programs give a sign of life every five seconds.
SILENT_NS_MAX: Final = 20 * NS_PER_SECOND

_log: Final = logging.getLogger("tradehall.deployments")
_SEATED: Final = frozenset({DeploymentState.RUNNING, DeploymentState.PAUSED})


class NotNow(Exception):
    """A step could not be made yet; the next look tries again."""


class Supervisor:
    """Starts, stops and ends deployments. `revoke_key` closes the keys of a program from outside."""

    def __init__(
        self, room: StudioRoom, desk: Desk, strategies: Strategies, shares: BudgetShares, runner: Runner,
        revoke_keys: Callable[[Deployment], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._room = room
        self._desk = desk
        self._strategies = strategies
        self._shares = shares
        self._runner = runner
        self._carrier = runner.sender.carrier
        self._ledgers = runner.ledgers
        self._store = runner.store
        self._revoke_keys = revoke_keys
        self._wake = asyncio.Event()
        self._stops: dict[int, str] = {}
        runner.hear_stop = self.stop_by_program

    def wake(self) -> None:
        """Somebody asked for something."""
        self._wake.set()

    def stop_by_program(self, deployment_id: int, stop: Stop) -> None:
        """A program ended itself: what it holds is closed."""
        self._stops[deployment_id] = stop.text
        self.wake()

    async def seat_all(self) -> None:
        """Let everything look at bars that ran before this start, and catch up, before anybody looks at new ones."""
        seated = [each for each in self._room.book.deployments if each.state in _SEATED]
        await self._each(seated, self._seat)

    async def run(self) -> None:
        """Look after all deployments until cancelled."""
        while True:
            await self.look()
            await rest(self._wake, within_s=LOOK_EVERY_S)

    async def look(self) -> None:
        """Do for every deployment what its state asks for."""
        now, pauses = self._desk.clock.now(), Pauses()
        for each in list(self._room.book.deployments):
            self._look_at_end(each, now)
            await pauses.pause_if_due()
        await self._look_at_programs(now)
        stops, self._stops = self._stops, {}
        for deployment_id, reason in stops.items():
            await self._guarded(self._begin_stop, deployment_id, reason)
        waiting = [each for each in self._room.book.deployments if self._step_of(each) is not None]
        await self._each(waiting, self._step)

    def _look_at_end(self, deployment: Deployment, now: int) -> None:
        """Whether time or an add-on ends it between two bars."""
        if deployment.state not in _SEATED:
            return
        number = deployment.deployment_id
        if deployment.expires_at is not None and deployment.expires_at <= now:
            self._stops[number] = "its time is over"
            return
        ledger = self._ledgers.get(number)
        for key in self._runner.seats.keys_of(number) if ledger is not None else ():
            seat = self._runner.seats.seat(key)
            assert seat is not None and ledger is not None
            add_ons = seat.program.definition.add_ons
            if add_ons.expires_at is None and add_ons.profit_stop is None and add_ons.loss_stop is None:
                return
            stop = self._runner.decider.stop_of(deployment, ledger, seat.program, now)
            if stop is not None:
                self._stops[number] = stop.text
                return

    async def _look_at_programs(self, now: int) -> None:
        """A program whose supervisor gives no sign of life runs no more, or soon will not."""
        programs = [
            each
            for each in self._room.book.deployments
            if each.program is not ProgramKind.GRAPH and each.state in _SEATED and each.started_at is not None
        ]
        if not programs:
            return
        beats = await asyncio.to_thread(self._room.store.all, BEAT_KIND)
        for each in programs:
            beat = int(beats.get(str(each.deployment_id), b"0"))
            if now - max(beat, each.started_at or 0) > SILENT_NS_MAX:
                await self._guarded(self._lose, each)

    async def _lose(self, deployment: Deployment) -> None:
        await self._revoke_keys(deployment)
        await self._fail(deployment, "its supervisor gives no sign of life")

    # Steps, by state.

    def _step_of(self, deployment: Deployment) -> "Callable[[Deployment], Awaitable[None]] | None":
        is_seated = self._runner.seats.is_seated(deployment.deployment_id)
        if deployment.state is DeploymentState.STARTING:
            return self._start
        if deployment.state is DeploymentState.STOPPING:
            return self._stop
        if deployment.state in _SEATED:
            return None if is_seated or deployment.program is not ProgramKind.GRAPH else self._seat
        return self._unseat if is_seated else None

    async def _step(self, deployment: Deployment) -> None:
        fresh = self._room.book.deployments.get(deployment.deployment_id)
        step = None if fresh is None else self._step_of(fresh)
        if fresh is not None and step is not None:
            await step(fresh)

    async def _start(self, deployment: Deployment) -> None:
        strategy = self._room.book.strategies.get(deployment.strategy_id)
        if strategy is None or strategy.is_deleted:
            await self._move(deployment, DeploymentState.FAILED, "its strategy is deleted")
            return
        await self._furnish(deployment)
        try:
            if deployment.program is ProgramKind.GRAPH:
                await self._seat(deployment)
        except (StudioRefused, DefinitionError) as error:
            await self._fail(deployment, str(error))
            return
        await self._move(deployment, DeploymentState.RUNNING, None, started_at=self._desk.clock.now())

    async def _furnish(self, deployment: Deployment) -> None:
        """The engine knows the strategy and its budget; its ledger is open."""
        account_id, keygen = deployment.account_id, deployment.keygen
        outcome = await self._desk.submit(RegisterStrategy(account_id, keygen))
        if outcome.rejection is not None:
            await self._fail(deployment, outcome.rejection.message)
            raise NotNow(outcome.rejection.message)
        is_program = deployment.program is not ProgramKind.GRAPH
        self._ledgers.open(deployment.deployment_id, account_id, keygen, takes_all=is_program)
        async with self._shares.lock:
            settled = await self._shares.settle(deployment)
        if settled is not None and settled.rejection is not None:
            await self._fail(deployment, f"its budget was refused: {settled.rejection.message}")
            raise NotNow(settled.rejection.message)

    async def _seat(self, deployment: Deployment) -> None:
        """Its programs look at bars from now on."""
        if deployment.program is not ProgramKind.GRAPH or self._runner.seats.is_seated(deployment.deployment_id):
            return
        strategy = self._room.book.strategies.get(deployment.strategy_id)
        version = None
        if strategy is not None:
            version = await self._strategies.version(strategy, deployment.definition_version)
        if strategy is None or version is None:
            await self._fail(deployment, f"version {deployment.definition_version} of its strategy is not there")
            raise NotNow("no definition")
        self._ledgers.open(deployment.deployment_id, deployment.account_id, deployment.keygen)
        await self._remember(deployment)
        definition = read_definition(version.definition, self._desk.state.instruments)
        await self._runner.begin(deployment, definition, Timeframe(version.timeframe))

    async def _remember(self, deployment: Deployment) -> None:
        """What it told before this start."""
        is_telling = deployment.mode is Mode.NOTIFY
        query = SignalQuery(deployment_id=deployment.deployment_id, limit=REMEMBERED_MAX if is_telling else 1)
        newest, _ = await asyncio.to_thread(self._store.signals, query)
        if newest:
            self._runner.note_last_signal(deployment.deployment_id, newest[0].at)
        if is_telling:
            self._runner.decider.remember(deployment.deployment_id, list(newest)[::-1])

    async def _stop(self, deployment: Deployment) -> None:
        number, policy = deployment.deployment_id, deployment.stop_policy or StopPolicy.CANCEL
        self._runner.end(number)
        if deployment.program is not ProgramKind.GRAPH:
            await self._revoke_keys(deployment)
        if policy is not StopPolicy.LEAVE and not await self._done(self._carrier.cancel_entries(number)):
            return
        now = self._desk.clock.now()
        if policy is StopPolicy.FLATTEN and not await self._done(self._carrier.flatten(number, now)):
            return
        await self._move(
            deployment, DeploymentState.STOPPED, deployment.state_reason, stopped_at=self._desk.clock.now()
        )
        await self._release(deployment)

    async def _done(self, errand: Errand[bool]) -> bool:
        return await run_errand(errand, self._desk.submit)

    async def _unseat(self, deployment: Deployment) -> None:
        """It is over, whoever said so."""
        self._runner.end(deployment.deployment_id)

    async def _begin_stop(self, deployment_id: int, reason: str) -> None:
        deployment = self._room.book.deployments.get(deployment_id)
        if deployment is not None and deployment.state in _SEATED:
            await self._move(deployment, DeploymentState.STOPPING, reason, stop_policy=StopPolicy.FLATTEN)

    async def _fail(self, deployment: Deployment, reason: str) -> None:
        _log.warning("deployment %d failed: %s", deployment.deployment_id, reason)
        await self._move(deployment, DeploymentState.FAILED, reason)
        await self._release(deployment)

    async def _release(self, deployment: Deployment) -> None:
        """Its share of the budget is free again."""
        async with self._shares.lock:
            await self._shares.settle(deployment)

    async def _move(self, deployment: Deployment, state: DeploymentState, reason: str | None, **fields: Any) -> None:
        """Write a state down, unless somebody else was faster."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, None]:
            old = book.deployments.get(deployment.deployment_id)
            if old is None or old.state is not deployment.state or old.stop_policy is not deployment.stop_policy:
                return None, None
            after = moved(old, now, state, state_reason=reason, **fields)
            line = audit_line(HOUSE, now, f"deployment.{state}", (KIND, old.deployment_id), before=old, after=after)
            return StudioWrite([book.deployments.change(after)], [line]), None

        await self._room.change(decide)

    # Many at once.

    async def _each(self, deployments: list[Deployment], step: Callable[[Deployment], Awaitable[None]]) -> None:
        for start in range(0, len(deployments), AT_ONCE_MAX):
            some = deployments[start : start + AT_ONCE_MAX]
            await asyncio.gather(*(self._guarded(step, deployment) for deployment in some))

    async def _guarded(self, step: Callable[..., Awaitable[None]], *what: object) -> None:
        try:
            await step(*what)
        except NotNow:
            return
        except (ShardUnavailable, RecordsFault) as fault:
            _log.warning("a deployment waits, trying again: %s", fault)
        except (StudioRefused, DefinitionError) as error:
            deployment = what[0]
            assert isinstance(deployment, Deployment)
            await self._guarded(self._fail, deployment, str(error))
