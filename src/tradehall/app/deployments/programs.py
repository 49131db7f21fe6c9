"""Programs: strategies that are processes of their own and trade through the gateway, supervised.

The supervisor is another process than the server. Both meet in the record store: the supervisor asks for a
deployment and runs the program while that runs; the server gives it its book and budget, and closes its key
when it is stopped.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.deployments.transitions import Action, moved, target_of
from tradehall.app.records.api_keys import GATEWAY, ApiKeys
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.deployments import (
    BEAT_KIND,
    KIND,
    BudgetShare,
    Deployment,
    DeploymentState,
    Mode,
    SizeType,
    StopPolicy,
)
from tradehall.app.records.strategies import Program, Strategy
from tradehall.app.strategies.registering import Registration, Registry
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ONE

LOOK_EVERY_S: Final = 0.5
# Each sign of life makes the server look at what else was written.
BEAT_EVERY_S: Final = 5.0
BEGUN_WITHIN_S: Final = 20.0
OVER_WITHIN_S: Final = 10.0
BACK_OFF_S_MAX: Final = 60.0
# A program that ran so long had begun well: what it waits for next is short again.
STEADY_S: Final = 60.0
FAILURES_MAX: Final = 10
BY: Final = Actor("deploy")

_log: Final = logging.getLogger("tradehall.programs")


class ProgramRefused(Exception):
    """A program cannot be deployed; the text says why."""


class ProcessOfProgram(Protocol):
    """What runs the program once."""

    async def run(self, environment: Mapping[str, str]) -> int:
        """Run to its end, the exit code; who is cancelled leaves nothing running."""
        ...


class ProgramWish(Struct, frozen=True, kw_only=True):
    """What is deployed. `readable_id` names it for ever; `url` is where the gateway is found."""

    name: str
    readable_id: str
    account_id: AccountId
    symbol: str
    url: str
    budget: BudgetShare | None = None
    on_stop: StopPolicy = StopPolicy.CANCEL


class ProgramSupervisor:
    """Runs one program for as long as its deployment runs."""

    def __init__(self, room: StudioRoom, keys: ApiKeys, process: ProcessOfProgram, wish: ProgramWish) -> None:
        self._room = room
        self._keys = keys
        self._process = process
        self._wish = wish
        self._is_stopping = False
        self._failures = 0
        self._running: asyncio.Task[int] | None = None
        self._began = self._rest_until = self._next_beat = 0.0

    def stop(self) -> None:
        """The supervisor itself is to end: the deployment stops, and the program with it."""
        self._is_stopping = True

    async def run(self) -> Deployment:
        """Deploy, run the program again and again, and return the deployment as it ended.

        ProgramRefused, or KeyRefused where the account's owner is inactive: then nothing is deployed.
        """
        await asyncio.to_thread(self._keys.require_active_owner, self._wish.account_id)
        strategy = await self._strategy()
        deployment = await self._begun(await self._asked_for(strategy))
        _, secret = await asyncio.to_thread(
            self._keys.create, deployment.account_id, door=GATEWAY, name=f"deploy {self._wish.readable_id}"[:100],
            strategy_id=strategy.keygen,
        )  # fmt: skip
        environment = environment_of(self._wish.url, secret, strategy, deployment)
        return await self._follow(deployment.deployment_id, environment)

    async def _follow(self, number: int, environment: Mapping[str, str]) -> Deployment:
        """Keep the program in step with its deployment until that is over."""
        try:
            while True:
                deployment = await self._look(number)
                if not deployment.is_active or deployment.state is DeploymentState.STOPPING:
                    return await self._over(number)
                if self._is_stopping:
                    # The program first: it may want to tidy up while its key still opens the gateway.
                    await self._end()
                    await self._ask(number, Action.STOP, stop_policy=self._wish.on_stop)
                    continue
                if self._has_ended() and self._failures >= FAILURES_MAX:
                    return await self._failed(number)
                is_wanted = deployment.state is DeploymentState.RUNNING
                await self._keep_in_step(environment, is_wanted=is_wanted)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._end()

    async def _over(self, number: int) -> Deployment:
        """The deployment when the server has done what its stop asks for, or as it is after a while."""
        await self._end()
        deadline = asyncio.get_running_loop().time() + OVER_WITHIN_S
        deployment = await self._look(number)
        while deployment.is_active and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LOOK_EVERY_S)
            deployment = await self._look(number)
        return deployment

    def _has_ended(self) -> bool:
        """Whether the program has just ended by itself; when it may run again is settled then."""
        running, now = self._running, asyncio.get_running_loop().time()
        if running is None or not running.done():
            return False
        self._running = None
        self._rest_until = now + self._rest_s(running.result(), now - self._began)
        return True

    async def _keep_in_step(self, environment: Mapping[str, str], *, is_wanted: bool) -> None:
        if not is_wanted:
            await self._end()
        elif self._running is None and asyncio.get_running_loop().time() >= self._rest_until:
            self._began = asyncio.get_running_loop().time()
            self._running = asyncio.ensure_future(self._process.run(environment))

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])

    def _rest_s(self, code: int, ran_s: float) -> float:
        """How long to wait before the next run: twice as long after each that ended soon."""
        self._failures = 1 if ran_s >= STEADY_S else self._failures + 1
        rest_s = min(BACK_OFF_S_MAX, float(2 ** (self._failures - 1)))
        _log.warning("the program ended: code=%d ran_s=%.1f again_in_s=%.0f", code, ran_s, rest_s)
        return rest_s

    async def _look(self, number: int) -> Deployment:
        """The deployment as the server, or somebody at the studio, wants it; and a sign of life."""
        if await asyncio.to_thread(self._room.store.changed_elsewhere):
            await self._room.reload()
        deployment = self._room.book.deployments.get(number)
        assert deployment is not None, "deployments are never removed"
        now = asyncio.get_running_loop().time()
        if deployment.is_active and now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY_S
            beat = {str(number): str(self._room.clock.now()).encode()}
            await asyncio.to_thread(self._room.store.mark, BEAT_KIND, beat)
        return deployment

    # Asking for the deployment.

    async def _strategy(self) -> Strategy:
        wish = self._wish
        known = [each for each in self._room.book.strategies if each.readable_id == wish.readable_id]
        if known and (known[0].program is not Program.PYTHON or known[0].account_id != wish.account_id):
            raise ProgramRefused(f"{wish.readable_id} is another strategy: choose another --name")
        if known and known[0].is_deleted:
            raise ProgramRefused(f"{wish.readable_id} is deleted: restore it in the studio first")
        if known:
            return known[0]
        registration = Registration(
            name=wish.name, readable_id=wish.readable_id, account_id=wish.account_id, symbol=wish.symbol,
            program=Program.PYTHON,
        )  # fmt: skip
        return await Registry(self._room).register(registration, by=BY)

    async def _asked_for(self, strategy: Strategy) -> Deployment:
        """A deployment that is starting: the one there was before, which keeps what it holds, or a new one."""
        before = self._room.book.deployments.of_strategy(strategy.strategy_id)
        if before and before[-1].is_active:
            number = before[-1].deployment_id
            raise ProgramRefused(f"{self._wish.readable_id} is deployed already, as {number}: stop it first")
        if before:
            return await self._ask(
                before[-1].deployment_id, Action.RESTART, started_at=None, stopped_at=None, stop_policy=None
            )

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Deployment]:
            number, count = book.next_number(book.deployments)
            deployment = Deployment(
                number, strategy.strategy_id, strategy.keygen, strategy.account_id, Mode.PAPER, (strategy.symbol,),
                ONE, SizeType.UNITS, now, now, program=Program.PYTHON, budget=self._wish.budget,
            )  # fmt: skip
            line = audit_line(BY, now, "deployment.create", (KIND, number), after=deployment)
            return StudioWrite([book.deployments.change(deployment), count], [line]), deployment

        return await self._room.change(decide)

    async def _begun(self, deployment: Deployment) -> Deployment:
        """The deployment when the server has taken it up. ProgramRefused where none does."""
        deadline = asyncio.get_running_loop().time() + BEGUN_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            found = await self._look(deployment.deployment_id)
            if found.state is DeploymentState.RUNNING:
                return found
            if found.state is DeploymentState.FAILED:
                raise ProgramRefused(f"the server refused it: {found.state_reason}")
            await asyncio.sleep(LOOK_EVERY_S)
        await self._failed(deployment.deployment_id, "no server took it up")
        raise ProgramRefused("no server took it up: is one running on this data folder?")

    async def _failed(self, number: int, reason: str = "") -> Deployment:
        text = reason or f"the program ended {FAILURES_MAX} times, one soon after the other"

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, Deployment]:
            old = book.deployments.get(number)
            assert old is not None, "deployments are never removed"
            if not old.is_active:
                return None, old
            after = moved(old, now, DeploymentState.FAILED, state_reason=text)
            line = audit_line(BY, now, "deployment.failed", (KIND, number), before=old, after=after)
            return StudioWrite([book.deployments.change(after)], [line]), after

        return await self._room.change(decide)

    async def _ask(self, number: int, action: Action, **fields: object) -> Deployment:
        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Deployment]:
            old = book.deployments.get(number)
            assert old is not None, "deployments are never removed"
            after = replace(moved(old, now, target_of(old, action)), **fields)
            if self._wish.budget is not None:
                after = replace(after, budget=self._wish.budget)
            line = audit_line(BY, now, f"deployment.{action}", (KIND, number), before=old, after=after)
            return StudioWrite([book.deployments.change(after)], [line]), after

        return await self._room.change(decide)


def environment_of(url: str, secret: str, strategy: Strategy, deployment: Deployment) -> dict[str, str]:
    """What the program is told: where the gateway is and its own key, under the names that SDKs read."""
    return {
        "TRADING_GATEWAY_URL": url,
        "TRADING_GATEWAY_API_KEY": secret,
        "TEKTII_TRADING_GATEWAY_URL": url,
        "TEKTII_TRADING_GATEWAY_API_KEY": secret,
        "TRADEHALL_STRATEGY_ID": strategy.keygen,
        "TRADEHALL_DEPLOYMENT_ID": str(deployment.deployment_id),
        "TRADEHALL_ACCOUNT": str(deployment.account_id),
        "PYTHONUNBUFFERED": "1",
    }
