"""The runner: closed bars → looks of all programs → decisions, written down → orders.

What was decided is durable before anything of it is sent, with the bars it was decided on. So after a crash
a decision is never made twice, what was not sent is sent under the same names, and bars that nobody looked at
are looked at then: closings and exits are caught up, entries only where they are fresh.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from tradehall.app.deployments.carrying import ENTRY_FRESH_NS
from tradehall.app.deployments.deciding import Decided, Decider
from tradehall.app.deployments.evaluations import Evaluations
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.seats import Seats
from tradehall.app.deployments.sending import Sender
from tradehall.app.market import MarketListener
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.deployments import Deployment, DeploymentState
from tradehall.app.slices import Pauses
from tradehall.app.studio.book import StudioBook
from tradehall.app.waking import rest
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.clock import Clock as WallClock
from tradehall.ports.deployments import BarCursor, DeploymentStore, Signal
from tradehall.ports.records import RecordsFault
from tradehall.strategies.definition import Definition
from tradehall.strategies.hub import Look
from tradehall.strategies.intents import Stop
from tradehall.strategies.plan import Clock

# Closed bars that wait to be looked at; beyond it the oldest are dropped, which the log tells.
BARS_WAITING_MAX: Final = 100_000
BARS_PER_TURN_MAX: Final = 2_000
# How long looking keeps the loop from others, the last look excepted.
SLICE_NS_MAX: Final = 2_000_000
REST_S_MAX: Final = 1.0
RETRY_S: Final = 1.0
LATE: Final = "the bar closed while the house was away"

_log: Final = logging.getLogger("tradehall.deployments")


class Runner(MarketListener):
    """Runs the programs of all deployments that are running. Belongs to the loop.

    `hear_stop` is told when a program ends its deployment; it must be quick.
    """

    def __init__(
        self, book: StudioBook, seats: Seats, decider: Decider, sender: Sender, ledgers: Ledgers,
        store: DeploymentStore, clock: WallClock,
    ) -> None:  # fmt: skip
        self.evaluations = Evaluations()
        self.seats = seats
        self.decider = decider
        self.hear_stop: Callable[[int, Stop], None] = lambda _, __: None
        self._book = book
        self.sender = sender
        self.ledgers = ledgers
        self.store = store
        self._clock = clock
        self._bars: deque[Bar] = deque(maxlen=BARS_WAITING_MAX)
        self._cursors: dict[Clock, int] = {}
        self._unkept_cursors: dict[Clock, int] = {}
        self._unkept: list[Signal] = []
        self._last_signals: dict[int, int] = {}
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    def load(self, cursors: Sequence[BarCursor], pending: Sequence[Signal]) -> None:
        """What an earlier run left; before any bar."""
        self._cursors = {Clock(each.symbol, Timeframe(each.timeframe)): each.at for each in cursors}
        self.sender.load(pending)
        self._wake.set()

    # The market's side.

    def on_bar(self, bar: Bar) -> None:
        """Keep a closed bar for the next turn, if anybody looks at it."""
        if Clock(bar.symbol, bar.timeframe) in self.seats.wanted:
            if len(self._bars) == BARS_WAITING_MAX:
                _log.error("%d bars wait to be looked at: the oldest is dropped", BARS_WAITING_MAX)
            self._bars.append(bar)
            self._wake.set()

    # Deployments come and go.

    async def begin(self, deployment: Deployment, definition: Definition, timeframe: Timeframe) -> None:
        """Let a deployment look at bars; those that closed since it began, and that nobody looked at, at once."""
        number = deployment.deployment_id
        self.evaluations.begin(number)
        await self.seats.add(number, definition, deployment.symbols, timeframe, self._clock.now())
        if deployment.started_at is None:
            return
        since = {}
        for symbol in deployment.symbols:
            clock = Clock(symbol, timeframe)
            cursor = self._cursors.get(clock)
            closed = deployment.started_at if cursor is None else cursor + clock.span
            since[clock] = max(deployment.started_at, closed)
        looks = self.seats.missed(number, since)
        if looks:
            _log.info("deployment %d catches up with %d bars", number, len(looks))
        async with self._turn:
            await self._decide_all(looks)

    def last_signal_at(self, deployment_id: int) -> int | None:
        """When a rule of a deployment last spoke, as far as this run knows [ns UTC]."""
        return self._last_signals.get(deployment_id)

    def note_last_signal(self, deployment_id: int, at: int) -> None:
        """When a rule of a deployment spoke before this start."""
        self._last_signals.setdefault(deployment_id, at)

    def end(self, deployment_id: int) -> None:
        """It looks no more."""
        self.seats.remove(deployment_id)
        self.decider.forget(deployment_id)
        self.evaluations.end(deployment_id)

    # Turns.

    async def run(self) -> None:
        """Look, decide and carry out until cancelled; faults are tried again."""
        while True:
            await self._rest()
            try:
                await self.turn()
            except (ShardUnavailable, RecordsFault) as fault:
                _log.warning("signals wait, trying again: %s", fault)
                await asyncio.sleep(RETRY_S)

    async def turn(self) -> None:
        """Do all there is to do now."""
        async with self._turn:
            await self._keep()
            while self._bars:
                groups = list(self._groups())
                await self._look_at(groups)
            await self._decide_all(self.seats.hub.on_time(self._clock.now()))

    async def _rest(self) -> None:
        """Until a bar closes, a beat is due, or a second has passed."""
        deadline = self.seats.hub.next_deadline()
        rest_s = REST_S_MAX
        if deadline is not None:
            rest_s = max(0.0, min(rest_s, (deadline - self._clock.now()) / NS_PER_SECOND))
        await rest(self._wake, within_s=rest_s)

    def _groups(self) -> Iterator[list[Bar]]:
        """What one quote closed, together: bars of one symbol, shortest first."""
        group: list[Bar] = []
        for _ in range(min(len(self._bars), BARS_PER_TURN_MAX)):
            bar = self._bars.popleft()
            span = Clock(bar.symbol, bar.timeframe).span
            if group and (bar.symbol != group[-1].symbol or span <= Clock(bar.symbol, group[-1].timeframe).span):
                yield group
                group = []
            group.append(bar)
        if group:
            yield group

    async def _look_at(self, groups: Sequence[list[Bar]]) -> None:
        looks: list[Look] = []
        pauses = Pauses(SLICE_NS_MAX)
        for group in groups:
            looks += self.seats.hub.on_bars(group, self._clock.now())
            for bar in group:
                clock = Clock(bar.symbol, bar.timeframe)
                self._cursors[clock] = self._unkept_cursors[clock] = bar.at
            await pauses.pause_if_due()
        await self._decide_all(looks)

    async def _decide_all(self, looks: Sequence[Look]) -> None:
        """Decide on looks, a slice at a time, write the decisions down, and carry them out."""
        stops: dict[int, Stop] = {}
        pauses = Pauses(SLICE_NS_MAX)
        for look in looks:
            decided = self._decide(look)
            if decided is not None:
                number, made = decided
                self._unkept += made.signals
                if made.signals:
                    self._last_signals[number] = made.signals[-1].at
                self.evaluations.add(number, made.evaluation)
                if made.stop is not None:
                    stops.setdefault(number, made.stop)
            await pauses.pause_if_due()
        await self._keep()
        await self.sender.send()
        for number, stop in stops.items():
            self.hear_stop(number, stop)

    def _decide(self, look: Look) -> tuple[int, Decided] | None:
        seat = self.seats.seat(look.key)
        if seat is None:
            return None  # It ended while others were looking.
        deployment = self._book.deployments.get(seat.deployment_id)
        ledger = self.ledgers.get(seat.deployment_id)
        if deployment is None or ledger is None or not _is_its_business(deployment, look.signals.at):
            return None
        now, program = self._clock.now(), seat.program
        is_late = now - look.signals.at > ENTRY_FRESH_NS
        decided = self.decider.decide(
            deployment, ledger, program, look.signals, now=now, stale=LATE if is_late else "",
            bar_number=look.bar_number,
            bar_at=look.signals.at - (0 if look.bar_number is None else program.clock.span),
        )  # fmt: skip
        return seat.deployment_id, decided

    async def _keep(self) -> None:
        """Make decisions durable, with the bars they were made on. RecordsFault: they wait for the next turn."""
        signals, cursors = self._unkept, self._unkept_cursors
        if not signals and not cursors:
            return
        rows = [BarCursor(clock.symbol, clock.timeframe.value, at) for clock, at in cursors.items()]
        numbers = await asyncio.to_thread(self.store.keep, rows, signals)
        self._unkept, self._unkept_cursors = [], {}
        pauses, kept = Pauses(SLICE_NS_MAX), []
        for signal, number in zip(signals, numbers, strict=True):
            kept.append(replace(signal, signal_id=number))
            await pauses.pause_if_due()
        await self.sender.take(kept)


def _is_its_business(deployment: Deployment, at: int) -> bool:
    """Whether a deployment looks at what was over at an instant: it had begun by then."""
    is_awake = deployment.state in (DeploymentState.RUNNING, DeploymentState.PAUSED)
    return is_awake and deployment.started_at is not None and at > deployment.started_at
