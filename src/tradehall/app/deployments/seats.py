"""Seats: which deployments' programs look at which bars."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tradehall.app.market import MarketBoard
from tradehall.domain.market import Bar, Timeframe
from tradehall.ports.history import BARS_PER_READ_MAX, BarWindow
from tradehall.strategies.definition import Definition
from tradehall.strategies.hub import Hub, Look
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.tracks import LOOKS_KEPT

HISTORIES_KEPT_MAX: Final = 200


class Seat(Struct, frozen=True):
    """A program of a deployment: one for each of its symbols."""

    deployment_id: int
    program: Program


class Seats:
    """The hub's programs, by deployment."""

    def __init__(self, market: MarketBoard) -> None:
        self.hub = Hub()
        self.wanted: set[Clock] = set()
        self._market = market
        self._seats: dict[int, Seat] = {}
        self._of_deployment: dict[int, list[int]] = {}
        self._next_key = 1
        # Deployments that begin together look at the same past.
        self._read: dict[Clock, list[Bar]] = {}

    def seat(self, key: int) -> Seat | None:
        """Who has a key of the hub."""
        return self._seats.get(key)

    def keys_of(self, deployment_id: int) -> list[int]:
        """The hub's keys of a deployment."""
        return list(self._of_deployment.get(deployment_id, ()))

    def is_seated(self, deployment_id: int) -> bool:
        """Whether it looks at bars."""
        return deployment_id in self._of_deployment

    async def add(
        self, deployment_id: int, definition: Definition, symbols: Sequence[str], timeframe: Timeframe, now: int
    ) -> None:
        """Let a deployment look at the bars that close from now on."""
        programs = [Program(definition, symbol, timeframe) for symbol in symbols]
        for program in programs:
            self.wanted |= program.bars_needed().keys()
        histories = [await self._histories(program) for program in programs]
        for program, history in zip(programs, histories, strict=True):
            key, self._next_key = self._next_key, self._next_key + 1
            self.hub.add(key, program, history, now)
            self._seats[key] = Seat(deployment_id, program)
            self._of_deployment.setdefault(deployment_id, []).append(key)

    def remove(self, deployment_id: int) -> None:
        """It looks no more."""
        for key in self._of_deployment.pop(deployment_id, ()):
            self.hub.remove(key)
            del self._seats[key]
        self.wanted = self.hub.clocks

    def missed(self, deployment_id: int, since: dict[Clock, int]) -> list[Look]:
        """What its programs signalled at bars that closed after `since` [ns UTC], by their clock; oldest first."""
        looks = []
        for key in self.keys_of(deployment_id):
            looks += self.hub.missed(key, since[self._seats[key].program.clock])
        return sorted(looks, key=lambda look: look.signals.at)

    async def _histories(self, program: Program) -> dict[Clock, list[Bar]]:
        return {clock: await self._closed_bars(clock, count) for clock, count in program.bars_needed().items()}

    async def _closed_bars(self, clock: Clock, count: int) -> list[Bar]:
        """The newest closed bars, and before them enough to tell what was missed."""
        limit = min(count + LOOKS_KEPT, BARS_PER_READ_MAX - 1)
        over_until = self._market.book.over_until(clock.symbol)
        read = self._read.get(clock, [])
        if over_until is not None and len(read) >= limit and over_until < read[-1].at + 2 * clock.span:
            return read
        bars = await self._market.bars(BarWindow(clock.symbol, clock.timeframe, limit=limit + 1))
        # The last one may still be forming.
        over_until = self._market.book.over_until(clock.symbol)
        closed = [bar for bar in bars if over_until is not None and bar.at + clock.span <= over_until]
        if len(self._read) >= HISTORIES_KEPT_MAX:
            self._read.clear()
        self._read[clock] = closed
        return closed
