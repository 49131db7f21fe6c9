"""Sending: signals that were written down go to the desk, and what became of them is written down."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from tradehall.app.deployments.carrying import Carrier
from tradehall.app.deployments.errands import Errand, Submit, run_errands
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.deployments import DeploymentState
from tradehall.app.slices import tell_in_slices
from tradehall.app.studio.book import StudioBook
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.clock import Clock as WallClock
from tradehall.ports.deployments import DeploymentStore, Signal, SignalOutcome

_log: Final = logging.getLogger("tradehall.deployments")


class Sender:
    """Signals that wait to be sent, oldest first, and those that were sent and are to be noted.

    `hear_signals` is told of signals when it is written down what became of them; it must be quick.
    """

    def __init__(
        self, carrier: Carrier, submit: Submit, book: StudioBook, store: DeploymentStore, clock: WallClock
    ) -> None:
        self.carrier = carrier
        self.hear_signals: Callable[[Sequence[Signal]], None] = lambda _: None
        self._submit = submit
        self._book = book
        self._store = store
        self._clock = clock
        self._pending: list[Signal] = []
        self._unsettled: list[Signal] = []
        self._retry_at = 0

    async def take(self, signals: Sequence[Signal]) -> None:
        """Signals that were written down: what is pending will be sent, of the others it is told now."""
        self._pending += [signal for signal in signals if signal.outcome is SignalOutcome.PENDING]
        done = [signal for signal in signals if signal.outcome is not SignalOutcome.PENDING]
        await tell_in_slices(done, self.hear_signals)

    def load(self, pending: Sequence[Signal]) -> None:
        """What an earlier run wrote down and perhaps did not send."""
        self._pending = list(pending)

    async def send(self) -> None:
        """Send what is pending, and write down what became of it. RecordsFault: that is written at the next call."""
        if self._pending and self._clock.now() >= self._retry_at:
            pending, self._pending = self._pending, []
            for signal in await self._carried(pending):
                place = self._pending if signal.outcome is SignalOutcome.PENDING else self._unsettled
                place.append(signal)
            self._retry_at = self._clock.now() + NS_PER_SECOND if self._pending else 0
        if self._unsettled:
            settled = self._unsettled
            await asyncio.to_thread(self._store.settle, settled)
            self._unsettled = []
            await tell_in_slices(settled, self.hear_signals)

    async def _carried(self, signals: Sequence[Signal]) -> list[Signal]:
        """The first signal of each deployment, in their order; when all of it is durable the second of each, and on.

        What a deployment closes first makes room for what it opens. Where the shard takes nothing, a deployment's
        further signals wait behind the one that could not be sent.
        """
        lines: dict[int, list[Signal]] = {}
        for signal in signals:
            lines.setdefault(signal.deployment_id, []).append(signal)
        carried: list[Signal] = []
        while lines:
            firsts = [line.pop(0) for line in lines.values()]
            came_to = await run_errands([(signal.at, self._errand(signal)) for signal in firsts], self._submit)
            for signal, result in zip(firsts, came_to, strict=True):
                if isinstance(result, ShardUnavailable):
                    carried += [signal, *lines.pop(signal.deployment_id)]
                else:
                    carried.append(result)
            _warn(came_to)
            lines = {number: line for number, line in lines.items() if line}
        return carried

    def _errand(self, signal: Signal) -> Errand[Signal]:
        deployment = self._book.deployments.get(signal.deployment_id)
        is_running = deployment is not None and deployment.state is DeploymentState.RUNNING
        if signal.terms is not None and not is_running:
            return self.carrier.given_up(signal, "the deployment does not run any more")
        return (yield from self.carrier.carry_out(signal, is_strict=deployment is None or deployment.strict_sl))


def _warn(came_to: Sequence[Signal | ShardUnavailable]) -> None:
    unavailable = [each for each in came_to if isinstance(each, ShardUnavailable)]
    if unavailable:
        _log.warning("%d signals wait, trying again: %s", len(unavailable), unavailable[0])
