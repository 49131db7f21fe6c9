"""The simulation: it moves the clock, tells the market, and waits until what came of it was acknowledged."""

import asyncio
import logging
import time
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from tradehall.app.desk import Desk
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.paced.bars import NEVER, PacedBars
from tradehall.app.paced.pace import Pace
from tradehall.app.paced.script import Held, Script
from tradehall.backtests.bar_path import STOPS_BETWEEN_MAX, stop_between
from tradehall.domain.money import round_to
from tradehall.domain.time import to_rfc3339
from tradehall.ports.clock import SettableClock
from tradehall.ports.recording import Row

F_co = TypeVar("F_co", covariant=True)
F = TypeVar("F")

# As long as nothing has to be acknowledged, others get their turn this often.
SLICE_NS_MAX: Final = 1_000_000
ROWS_PER_LOOK: Final = 32

_log: Final = logging.getLogger("tradehall.backtest")


class Voice(Protocol[F_co]):
    """How a door says how the run ended."""

    def completed(self) -> F_co:
        """The one frame that says that the run reached its end."""
        ...

    def failed(self, reason: str) -> F_co:
        """The frame that says that it did not, and why."""
        ...


class Simulation(Generic[F]):
    """One run. `run` once, when the house is open; everything belongs to the thread of its loop.

    Whoever makes frames of what happens posts them to `pace`: of bars and quotes at once, of decisions when they
    are durable.
    """

    def __init__(
        self,
        script: Script,
        *,
        clock: SettableClock,
        market: MarketBoard,
        bars: PacedBars,
        desk: Desk,
        pace: Pace[F],
        voice: Voice[F],
    ) -> None:
        self._script = script
        self._clock = clock
        self._market = market
        self._bars = bars
        self._desk = desk
        self._pace = pace
        self._voice = voice
        self._settled_seq = desk.state.seq
        self._planned_seq = -1
        self._deadline = NEVER
        pace.meanwhile = script.read_ahead

    async def run(self) -> None:
        """From the first who follows to the end; never raises but when cancelled."""
        try:
            await self._pace.first()
            _log.info("the backtest begins at %s", to_rfc3339(self._clock.now()))
            await self._play()
            _log.info("the backtest is complete: at=%s", to_rfc3339(self._clock.now()))
            await self._pace.finish(self._voice.completed())
        except Exception as error:
            at = to_rfc3339(self._clock.now())
            _log.exception("the backtest broke off: at=%s", at)
            self._pace.fail(self._voice.failed(f"the backtest broke off at {at}: {error}"))

    async def _play(self) -> None:
        script, clock, market, bars = self._script, self._clock, self._market, self._bars
        desk, pace = self._desk, self._pace
        slice_end = time.monotonic_ns() + SLICE_NS_MAX
        number = 0
        while (row := script.next_row()) is not None:
            number += 1
            at = max(row[0], clock.now())
            if desk.state.seq != self._planned_seq:
                self._plan()
            if bars.next_end <= at or self._deadline <= at:
                await self._pass_time(at)
            clock.set(at)
            symbol = script.symbol_of(row)
            if desk.reach(symbol) is not None and bars.is_inside_bar(symbol):
                await self._pass_prices(row, at)
            else:
                script.send(row, market, at)
            if pace.has_more or desk.state.seq != self._settled_seq:
                await self._tell()
            if number % ROWS_PER_LOOK == 0 and time.monotonic_ns() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.monotonic_ns() + SLICE_NS_MAX
        await self._pass_time(self._bars.last_end)
        await self._tell()

    async def _pass_prices(self, row: Row, at: int) -> None:
        """Tell a price inside a bar, and before it those between it and the last at which orders wait."""
        held = Held()
        self._script.send(row, held, at)
        for after in held.quotes:
            symbol, quotes = after.symbol, self._market.quotes
            on_tick = partial(round_to, step=self._desk.state.instruments[symbol].tick_size)
            for _ in range(STOPS_BETWEEN_MAX):
                between = stop_between(quotes[symbol], after, self._desk.reach(symbol), on_tick)
                if between is None:
                    break
                self._market.on_quote(between)
                if quotes[symbol] is not between:
                    break  # Rounded, it was no quote; the price itself comes now.
                await self._tell()
        held.pass_on(self._market)

    async def _pass_time(self, until: int) -> None:
        """Do what is due up to `until`, in the order of time; at one instant deadlines come before the end of a bar."""
        while True:
            self._plan()
            end, deadline = self._bars.next_end, self._deadline
            is_deadline = deadline <= end
            due = min(deadline, end)
            if due > until:
                return
            self._check_desk()
            self._clock.set(max(due, self._clock.now()))
            if is_deadline:
                self._desk.on_time()
            else:
                for bar in self._bars.close_until(due):
                    self._market.tell_bar(bar)
            await self._tell()

    def _plan(self) -> None:
        """What is due next changes only with a decision, or when it is done."""
        self._planned_seq = self._desk.state.seq
        deadline = self._desk.next_deadline()
        self._deadline = NEVER if deadline is None else deadline

    async def _tell(self) -> None:
        """Tell what is queued, and what those who were told it made happen, until nothing more follows."""
        while True:
            if self._desk.state.seq != self._settled_seq:
                self._check_desk()
                self._settled_seq = self._desk.state.seq
                await self._desk.durable()
            elif self._pace.has_more:
                await self._pace.drain()
            else:
                return

    def _check_desk(self) -> None:
        if self._desk.closed_because is not None:
            raise ShardUnavailable(self._desk.closed_because)
