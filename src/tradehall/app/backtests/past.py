"""The past that a backtest needs: closed bars of every clock its programs look at, read a page at a time."""

import asyncio

from tradehall.app.market import MarketBoard
from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.domain.market import Bar, Timeframe
from tradehall.ports.backtests import BARS_MAX, BacktestFailed, BarRows
from tradehall.ports.history import BARS_PER_READ_MAX, BarWindow
from tradehall.strategies.definition import Definition
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program


async def past_of(
    market: MarketBoard, definition: Definition, run: BacktestRun, timeframe: Timeframe
) -> tuple[BarRows, ...]:
    """All bars of the run's period, and before it what indicators need to warm up. BacktestFailed: none, too many."""
    needed: dict[Clock, int] = {}
    for symbol in run.symbols:
        program = Program(definition, symbol, timeframe)
        for clock, count in program.bars_needed().items():
            needed[clock] = max(needed.get(clock, 0), count)
        for traded in program.traded:
            needed.setdefault(Clock(traded, timeframe), 1)
    rows, total = [], 0
    for clock, count in needed.items():
        bars = await _bars(market, clock, run, count, room=BARS_MAX - total)
        total += len(bars)
        if not bars and clock.symbol in run.symbols and clock.timeframe is timeframe:
            raise BacktestFailed(f"there are no bars of {clock.symbol} in that period")
        rows.append(_rows(clock, bars))
    return tuple(rows)


async def _bars(market: MarketBoard, clock: Clock, run: BacktestRun, warming_up: int, *, room: int) -> list[Bar]:
    """Closed bars up to the period's end, newest pages first, oldest first in what is returned."""
    over_at = market.book.over_until(clock.symbol) or 0
    end = None if run.until is None else run.until - 1
    first = None if run.since is None else run.since - warming_up * clock.span
    pages: list[list[Bar]] = []
    count = 0
    while True:
        window = BarWindow(clock.symbol, clock.timeframe, end=end, limit=BARS_PER_READ_MAX)
        page = await market.bars(window)
        kept = [bar for bar in page if bar.at + clock.span <= over_at and (first is None or bar.at >= first)]
        pages.append(kept)
        count += len(kept)
        if count > room:
            raise BacktestFailed(
                f"the period has more than {BARS_MAX} bars: choose a shorter one or a longer timeframe"
            )
        if len(page) < BARS_PER_READ_MAX or (first is not None and page[0].at < first):
            return [bar for page in reversed(pages) for bar in page]
        end = page[0].at - 1
        await asyncio.sleep(0)


def _rows(clock: Clock, bars: list[Bar]) -> BarRows:
    return BarRows(
        clock.symbol,
        clock.timeframe.value,
        [bar.at for bar in bars],
        [float(bar.open) for bar in bars],
        [float(bar.high) for bar in bars],
        [float(bar.low) for bar in bars],
        [float(bar.close) for bar in bars],
        [float(bar.volume) for bar in bars],
    )
