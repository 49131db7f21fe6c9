"""Backtest runs: asked for, queued, run one after the other, cancelled, read."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.backtests.past import past_of
from tradehall.app.market import MarketBoard
from tradehall.app.records.audit import HOUSE, Actor, audit_line
from tradehall.app.records.backtest_runs import (
    KIND,
    QUEUE_MAX,
    REPORT_KIND,
    ROUND_TRIPS_KIND,
    RUNS_KEPT_MAX,
    BacktestRun,
    RunState,
)
from tradehall.app.records.strategies import Program as ProgramKind
from tradehall.app.records.strategies import Strategy
from tradehall.app.strategies.definitions import read_definition
from tradehall.app.strategies.strategies import Strategies, find_strategy, refuse_deleted
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid, invalid_fields
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Timeframe
from tradehall.ports.backtests import COST_NAMES, BacktestFailed, BacktestJob, BacktestWorker
from tradehall.ports.records import RecordChange

SYMBOLS_MAX: Final = 10
CASH_MAX: Final = Decimal("1e12")
# Progress is written down this often at most; who follows the stream hears of more.
TOLD_STEP: Final = 0.02

_log: Final = logging.getLogger("tradehall.backtests")


class NewRun(Struct, frozen=True, kw_only=True):
    """A wish; instants in ns UTC, None: all there is. `symbols` (): the strategy's."""

    since: int | None = None
    until: int | None = None
    symbols: tuple[str, ...] = ()
    initial_cash: Decimal = Decimal(100_000)
    costs: dict[str, Any] = {}


class Backtests:
    """The runs of everybody, one after the other. Belongs to the loop."""

    def __init__(
        self, room: StudioRoom, strategies: Strategies, market: MarketBoard, worker: BacktestWorker,
        instruments: Mapping[str, Instrument],
    ) -> None:  # fmt: skip
        self._room = room
        self._strategies = strategies
        self._market = market
        self._worker = worker
        self._instruments = instruments
        # Told of each step of progress; must be quick.
        self.hear_progress: Callable[[int, float], None] = lambda _, __: None
        self._wake = asyncio.Event()
        self._running: tuple[int, asyncio.Task[None]] | None = None
        self._progress: dict[int, float] = {}

    # Reading.

    def get(self, reach: Reach, run_id: int) -> BacktestRun:
        """A run as it is now; StudioRefused where there is none within reach."""
        run = self._room.book.runs.get(run_id)
        if run is None or not reach.covers(run):
            raise StudioRefused(StudioCode.BACKTEST_NOT_FOUND, "there is no such backtest")
        return self._now(run)

    def visible(self, reach: Reach) -> list[BacktestRun]:
        """All within reach, in no order."""
        return [self._now(run) for run in self._room.book.runs if reach.covers(run)]

    def latest(self, strategy: Strategy) -> BacktestRun | None:
        """The newest completed run of a strategy."""
        runs = self._room.book.runs.of_strategy(strategy.strategy_id)
        return next((run for run in reversed(runs) if run.state is RunState.COMPLETED), None)

    async def report(self, reach: Reach, run_id: int) -> bytes:
        """The page of a completed run."""
        return await self._kept(self.get(reach, run_id), REPORT_KIND)

    async def round_trips(self, reach: Reach, run_id: int) -> list[dict[str, Any]]:
        """The round trips of a completed run, in the order of their ends, as JSON has them."""
        found: list[dict[str, Any]] = msgspec.json.decode(await self._kept(self.get(reach, run_id), ROUND_TRIPS_KIND))
        return found

    # Writing.

    async def create(self, reach: Reach, name: str, wish: NewRun, *, by: Actor) -> BacktestRun:
        """A run that waits for its turn. StudioRefused with what is wrong, or QUEUE_FULL."""
        strategy = find_strategy(self._room.book, reach, name)
        refuse_deleted(strategy)
        if strategy.program is not ProgramKind.GRAPH or not strategy.definition_version:
            raise StudioRefused(StudioCode.NOT_BACKTESTABLE, "it has no definition that could be tested")
        symbols = self._symbols(wish.symbols or (strategy.symbol,))
        check_wish(wish)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, BacktestRun]:
            if sum(not run.is_over for run in book.runs) >= QUEUE_MAX:
                raise StudioRefused(StudioCode.QUEUE_FULL, f"{QUEUE_MAX} backtests wait already: try again later")
            number, count = book.next_number(book.runs)
            run = BacktestRun(
                number, strategy.strategy_id, strategy.keygen, strategy.definition_version, symbols,
                strategy.timeframe, now, now, domain=strategy.domain, user_id=strategy.user_id, since=wish.since,
                until=wish.until, initial_cash=wish.initial_cash, costs=wish.costs,
            )  # fmt: skip
            line = audit_line(by, now, "backtest.create", (KIND, number), after=run)
            return StudioWrite([book.runs.change(run), count, *_oldest(book, strategy.user_id)], [line]), run

        run = await self._room.change(decide)
        self._wake.set()
        return run

    async def cancel(self, reach: Reach, run_id: int, *, by: Actor) -> BacktestRun:
        """End a run that is not over; one that is stays as it is."""
        self.get(reach, run_id)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, BacktestRun]:
            run = book.runs.get(run_id)
            assert run is not None, "runs that are not over are not forgotten"
            if run.is_over:
                return None, run
            after = _ended(run, now, RunState.CANCELLED, reason="cancelled")
            line = audit_line(by, now, "backtest.cancel", (KIND, run_id), before=run, after=after)
            return StudioWrite([book.runs.change(after)], [line]), after

        run = await self._room.change(decide)
        if self._running is not None and self._running[0] == run_id:
            self._running[1].cancel()
        return run

    # Running.

    async def run(self) -> None:
        """Run what waits, until cancelled. What ran when the house went down begins again."""
        while True:
            waiting = sorted((run for run in self._room.book.runs if not run.is_over), key=lambda run: run.run_id)
            if not waiting:
                await self._wake.wait()
                self._wake.clear()
                continue
            task = asyncio.ensure_future(self._run_one(waiting[0]))
            self._running = (waiting[0].run_id, task)
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                self._running = None
                self._progress.pop(waiting[0].run_id, None)
            if not task.cancelled() and task.exception() is not None:
                _log.error("a backtest could not be kept, trying again: %s", task.exception())
                await asyncio.sleep(1)

    async def _run_one(self, run: BacktestRun) -> None:
        await self._write(run, state=RunState.RUNNING, started_at=self._room.clock.now())
        try:
            job = await self._job(run)
            done = await self._worker.run(job, lambda progress: self._note(run.run_id, progress))
        except (BacktestFailed, StudioRefused) as error:
            await self._write(run, state=RunState.FAILED, reason=str(error)[:500])
            return
        key = str(run.run_id)
        kept = (RecordChange(REPORT_KIND, key, done.report), RecordChange(ROUND_TRIPS_KIND, key, done.round_trips))
        await self._write(run, *kept, state=RunState.COMPLETED, progress=1.0, metrics=done.metrics)

    async def _job(self, run: BacktestRun) -> BacktestJob:
        strategy = self._room.book.strategies.get(run.strategy_id)
        version = None if strategy is None else await self._strategies.version(strategy, run.definition_version)
        if strategy is None or version is None:
            raise BacktestFailed("its strategy is not there any more")
        definition = read_definition(version.definition, self._instruments)
        bars = await past_of(self._market, definition, run, Timeframe(run.timeframe))
        named = {rows.symbol for rows in bars}
        return BacktestJob(
            name=strategy.name, keygen=strategy.keygen, definition=version.definition, timeframe=run.timeframe,
            symbols=run.symbols, instruments=tuple(self._instruments[symbol] for symbol in sorted(named)), bars=bars,
            cash=run.initial_cash, costs=run.costs, begins_at=run.since, ends_at=run.until,
        )  # fmt: skip

    def _note(self, run_id: int, progress: float) -> None:
        progress = min(max(progress, 0.0), 1.0)
        if progress - self._progress.get(run_id, 0.0) >= TOLD_STEP or progress == 1.0:
            self._progress[run_id] = progress
            self.hear_progress(run_id, progress)

    async def _write(self, run: BacktestRun, *more: RecordChange, **fields: Any) -> None:
        """Change a run, unless it is over."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, None]:
            old = book.runs.get(run.run_id)
            if old is None or old.is_over:
                return None, None
            after = _ended(old, now, **fields) if fields["state"] is not RunState.RUNNING else _next(old, now, fields)
            line = audit_line(HOUSE, now, f"backtest.{after.state}", (KIND, run.run_id), before=old, after=after)
            return StudioWrite([book.runs.change(after), *more], [line]), None

        await self._room.change(decide)

    async def _kept(self, run: BacktestRun, kind: str) -> bytes:
        body = None
        if run.state is RunState.COMPLETED:
            body = await asyncio.to_thread(self._room.store.get, kind, str(run.run_id))
        if body is None:
            details = {"state": run.state.value}
            raise StudioRefused(StudioCode.BACKTEST_NOT_READY, f"the backtest is {run.state.value}", details)
        return body

    def _now(self, run: BacktestRun) -> BacktestRun:
        progress = self._progress.get(run.run_id)
        return run if progress is None or run.is_over else replace(run, progress=progress)

    def _symbols(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if len(symbols) > SYMBOLS_MAX:
            raise invalid("symbols", f"must name at most {SYMBOLS_MAX}")
        found = {symbol: resolve_symbol(symbol, self._instruments) for symbol in symbols}
        unknown = [(f"symbols[{at}]", "is not listed") for at, symbol in enumerate(symbols) if found[symbol] is None]
        if unknown:
            raise invalid_fields(unknown)
        return tuple(dict.fromkeys(symbol for symbol in found.values() if symbol is not None))


def check_wish(wish: NewRun) -> None:
    """StudioRefused for a period, cash or costs that make no sense."""
    if wish.since is not None and wish.until is not None and wish.until <= wish.since:
        raise invalid("to", "must lie after from")
    if not 0 < wish.initial_cash <= CASH_MAX:
        raise invalid("initial_cash", f"must be above 0 and at most {CASH_MAX}")
    problems = []
    for name, value in wish.costs.items():
        if name not in COST_NAMES:
            problems.append((f"costs.{name}", f"is unknown; there are: {', '.join(COST_NAMES)}"))
        elif not _is_cost(value, least=1 if name == "leverage" else 0):
            problems.append((f"costs.{name}", "must be a number that is not negative, or its text"))
    if problems:
        raise invalid_fields(problems)


def _is_cost(value: Any, *, least: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return False
    return number.is_finite() and least <= number <= 1_000_000


def _next(run: BacktestRun, now: int, fields: dict[str, Any]) -> BacktestRun:
    return replace(run, **fields, updated_at=now, version=run.version + 1)


def _ended(run: BacktestRun, now: int, state: RunState, **fields: Any) -> BacktestRun:
    return _next(run, now, {"state": state, "ended_at": now, **fields})


def _oldest(book: StudioBook, user_id: int | None) -> list[RecordChange]:
    """What makes room: the oldest runs of an owner that are over go, with all they left."""
    runs = book.runs.of_owner(user_id)
    surplus = len(runs) + 1 - RUNS_KEPT_MAX
    gone = [run.run_id for run in runs if run.is_over][: max(0, surplus)]
    return [RecordChange(kind, str(number), None) for number in gone for kind in (KIND, REPORT_KIND, ROUND_TRIPS_KIND)]
