"""Watching: scanners look whenever a bar of their universe closes, and when somebody asks."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from tradehall.app.market import MarketBoard, MarketListener
from tradehall.app.records.scanners import Scanner, ScannerState
from tradehall.app.scanners.scanners import scan_of
from tradehall.app.studio.book import StudioBook
from tradehall.app.waking import rest
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.money import ZERO
from tradehall.ports.clock import Clock as WallClock
from tradehall.ports.deployments import DeploymentStore, Match
from tradehall.ports.history import BarWindow
from tradehall.ports.records import RecordsFault
from tradehall.strategies import scanners as patterns
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.hub import Hub
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.scanners import Scan

BARS_WAITING_MAX: Final = 100_000
UNWRITTEN_MAX: Final = 20_000
SLICE_NS_MAX: Final = 2_000_000
LOOK_EVERY_S: Final = 1.0

_log: Final = logging.getLogger("tradehall.scanners")


class _Post(Struct, frozen=True):
    """A scanner's program on one symbol."""

    scanner_id: int
    scan: Scan


class ScannerWatch(MarketListener):
    """Runs all scanners that are running. Belongs to the loop. `hear_matches` must be quick."""

    def __init__(self, book: StudioBook, market: MarketBoard, store: DeploymentStore, clock: WallClock) -> None:
        self.hear_matches: Callable[[Sequence[Match]], None] = lambda _: None
        self._book = book
        self._market = market
        self._store = store
        self._clock = clock
        self._hub = Hub()
        self._wanted: set[Clock] = set()
        self._posts: dict[int, _Post] = {}
        self._seated: dict[int, tuple[int, list[int]]] = {}
        self._failed: dict[int, int] = {}
        self._next_key = 1
        self._bars: deque[Bar] = deque(maxlen=BARS_WAITING_MAX)
        self._unwritten: list[Match] = []
        self._wake = asyncio.Event()

    def on_bar(self, bar: Bar) -> None:
        """Keep a closed bar that somebody looks at."""
        if Clock(bar.symbol, bar.timeframe) in self._wanted:
            self._bars.append(bar)
            self._wake.set()

    def wake(self) -> None:
        """A scanner came, went or changed."""
        self._wake.set()

    async def run(self) -> None:
        """Look at what closes until cancelled."""
        while True:
            try:
                await self.turn()
            except RecordsFault as fault:
                _log.warning("matches could not be written, trying again: %s", fault)
                await asyncio.sleep(LOOK_EVERY_S)
            await rest(self._wake, within_s=LOOK_EVERY_S)

    async def turn(self) -> None:
        """Do all there is to do now."""
        await self._seat_all()
        until = time.perf_counter_ns() + SLICE_NS_MAX
        while self._bars and len(self._unwritten) < UNWRITTEN_MAX:
            bar = self._bars.popleft()
            for look in self._hub.on_bars([bar], self._clock.now()):
                self._look(look.key, bar)
            if time.perf_counter_ns() > until:
                await asyncio.sleep(0)
                until = time.perf_counter_ns() + SLICE_NS_MAX
        if self._unwritten:
            fresh = await asyncio.to_thread(self._store.add_matches, self._unwritten)
            self._unwritten = []
            if fresh:
                self.hear_matches(fresh)

    async def scan_now(self, scanner: Scanner) -> tuple[list[Match], int]:
        """What a scanner finds at the last closed bars now, and how many symbols it looked at."""
        scan, timeframe = scan_of(scanner), Timeframe(scanner.timeframe)
        found: list[Match] = []
        looked_at = 0
        for symbol in scanner.universe:
            program = patterns.scan_program(scan, symbol, timeframe)
            history = await self._history(scan, program)
            if bars := history[program.clock]:
                looked_at += 1
                hub = Hub()
                hub.add(0, program, history, self._clock.now())
                made = patterns.matches(scan, hub.looking(0))
                found += [self._match(scanner.scanner_id, each, bars[-1]) for each in made]
            await asyncio.sleep(0)
        kept = await asyncio.to_thread(self._store.add_matches, found)
        if kept:
            self.hear_matches(kept)
        numbers = {(each.symbol, each.pattern, each.bar_at): each for each in kept}
        return [numbers.get((each.symbol, each.pattern, each.bar_at), each) for each in found], looked_at

    def _look(self, key: int, bar: Bar) -> None:
        post = self._posts.get(key)
        if post is None:
            return
        for found in patterns.matches(post.scan, self._hub.looking(key)):
            if found.is_new:
                self._unwritten.append(self._match(post.scanner_id, found, bar))

    def _match(self, scanner_id: int, found: patterns.Match, bar: Bar) -> Match:
        return Match(
            scanner_id=scanner_id, symbol=found.symbol, timeframe=found.timeframe.value, pattern=found.pattern,
            bar_at=found.at, at=self._clock.now(), price=bar.close if bar.symbol == found.symbol else ZERO,
            direction=0 if found.is_bullish is None else 1 if found.is_bullish else -1,
        )  # fmt: skip

    # Scanners come and go.

    async def _seat_all(self) -> None:
        for scanner in self._book.scanners:
            seated = self._seated.get(scanner.scanner_id)
            is_running = scanner.state is ScannerState.RUNNING
            if seated is not None and (not is_running or seated[0] != scanner.version):
                self._unseat(scanner.scanner_id)
                seated = None
            if is_running and seated is None and self._failed.get(scanner.scanner_id) != scanner.version:
                await self._seat(scanner)

    async def _seat(self, scanner: Scanner) -> None:
        try:
            scan = scan_of(scanner)
            timeframe = Timeframe(scanner.timeframe)
            programs = [patterns.scan_program(scan, symbol, timeframe) for symbol in scanner.universe]
        except (DefinitionError, ValueError) as error:
            _log.warning("scanner %d cannot run: %s", scanner.scanner_id, error)
            self._failed[scanner.scanner_id] = scanner.version
            return
        keys: list[int] = []
        for program in programs:
            self._wanted |= program.bars_needed().keys()
            history = await self._history(scan, program)
            key, self._next_key = self._next_key, self._next_key + 1
            self._hub.add(key, program, history, self._clock.now())
            self._posts[key] = _Post(scanner.scanner_id, scan)
            keys.append(key)
        self._seated[scanner.scanner_id] = (scanner.version, keys)

    def _unseat(self, scanner_id: int) -> None:
        for key in self._seated.pop(scanner_id)[1]:
            self._hub.remove(key)
            del self._posts[key]
        self._wanted = self._hub.clocks

    async def _history(self, scan: Scan, program: Program) -> dict[Clock, list[Bar]]:
        """Closed bars of every clock the program looks at, as many as it needs to begin with."""
        found: dict[Clock, list[Bar]] = {}
        for clock, count in program.bars_needed().items():
            least = patterns.bars_needed(scan, program) if clock == program.clock else count
            bars = await self._market.bars(BarWindow(clock.symbol, clock.timeframe, limit=least + 2))
            over_until = self._market.book.over_until(clock.symbol) or 0
            found[clock] = [bar for bar in bars if bar.at + clock.span <= over_until]
        return found
