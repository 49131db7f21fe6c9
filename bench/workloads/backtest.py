"""Backtests: bars per second with a strategy that trades, quotes with resting orders, and peers on the same bars."""

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import talib
from numpy.typing import NDArray

from bench.figures import Figure, Options
from bench.past import bar_tape, bars, keep, quote_tape
from tradehall.backtests import (
    AccountSetup,
    BacktestSettings,
    BarColumns,
    BarSeen,
    Broker,
    Strategy,
)
from tradehall.backtests import run as run_backtest
from tradehall.backtests.line import Line
from tradehall.backtests.settings import BarPath, Costs
from tradehall.backtests.tape import ROWS_PER_BLOCK, ArrayTape

BARS: Final = 500_000
QUOTES: Final = 10_000_000
RESTING: Final = 1_000
FAST, SLOW = 120, 480
# Twice as many crosses: the promise holds for them as well.
BUSIER: Final = (60, 240)
# Averages that cross so often that a run is all trading: what a fill costs is what is measured.
OFTEN: Final = (20, 100)
UNITS: Final = 10_000

AHEAD_BARS_PER_S: Final = 1_000_000.0
EACH_BARS_PER_S: Final = 150_000.0
QUOTES_S: Final = 1.0
INDEX_S: Final = 1.0

PEERS: Final = Path(__file__).parents[1] / "peers"
ROOT: Final = PEERS.parents[1]
# Peer → the script that measures it, the environment it is installed in, and the make target that makes that.
PEER_SCRIPTS: Final = {
    "vectorbt": ("vectorbt_side.py", ".venv-peers"),
    "backtesting.py": ("backtesting_side.py", ".venv-peers"),
    "NautilusTrader": ("nautilus_side.py", ".venv-oracle"),
}
SETTINGS: Final = BacktestSettings(accounts=(AccountSetup(leverage=Decimal(20)),))


class Ahead(Strategy):
    """Long while the fast average is above the slow one, short otherwise; crosses are known ahead of time."""

    def __init__(self, fast: int = FAST, slow: int = SLOW) -> None:
        self.fast, self.slow = fast, slow

    def plan(self, columns: Mapping[str, BarColumns]) -> dict[str, NDArray[np.bool_]]:
        """The bars at which the averages crossed."""
        close = columns["EURUSD"].close
        self.is_up = talib.EMA(close, self.fast) > talib.EMA(close, self.slow)
        return {"EURUSD": np.append(False, self.is_up[1:] != self.is_up[:-1])}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """They crossed."""
        broker.hold(UNITS if self.is_up[bar.number] else -UNITS)


class EachBar(Strategy):
    """The same, with averages that it keeps itself and a look at every bar."""

    def __init__(self) -> None:
        self.fast = self.slow = 1.1
        self.was_up = False

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """Moves the averages on."""
        close = bar.close
        self.fast += (close - self.fast) * 2 / (FAST + 1)
        self.slow += (close - self.slow) * 2 / (SLOW + 1)
        is_up = self.fast > self.slow
        if is_up is not self.was_up:
            self.was_up = is_up
            broker.hold(UNITS if is_up else -UNITS)


class Resting(Strategy):
    """Places so many orders at instants of its own: limits, stops and OCO pairs up to 2,000 ticks from the market."""

    def __init__(self, count: int, begin: int, end: int) -> None:
        dice = np.random.default_rng(3)
        self.instants = np.sort(dice.integers(begin, end, count // 4)).tolist()
        self.away = dice.integers(1, 2_000, count // 4).tolist()
        self.placed = 0

    def on_start(self, broker: Broker) -> None:
        """Asks to be called at each instant."""
        for instant in self.instants:
            broker.at(instant, self.place)

    def place(self, broker: Broker) -> None:
        """A limit, a stop, and a pair."""
        quote = broker.quote()
        if quote is None:
            return
        number, away = self.placed, Decimal(self.away[self.placed]).scaleb(-5)
        self.placed += 1
        broker.buy(1, limit=quote.bid - away)
        broker.sell(1, stop=quote.bid - away)
        broker.sell(1, limit=quote.ask + away, oco=f"pair-{number}")
        broker.buy(1, stop=quote.ask + away, oco=f"pair-{number}")


def run(options: Options) -> list[Figure]:
    """Bars and quotes per second; where `make peers` was run, the peers on the same bars."""
    count = options.scaled(BARS)
    block = bars(count)
    tape = bar_tape(block)
    run_backtest(Ahead(), [bar_tape(bars(2_000))], SETTINGS)  # Compiles the index.
    ahead, of_ahead = _timed(lambda: run_backtest(Ahead(), [tape], SETTINGS))
    busier, of_busier = _timed(lambda: run_backtest(Ahead(*BUSIER), [tape], SETTINGS))
    often, of_often = _timed(lambda: run_backtest(Ahead(*OFTEN), [tape], SETTINGS))
    each, of_each = _timed(lambda: run_backtest(EachBar(), [tape], SETTINGS))
    what = f"{count:,} bars, {FAST}/{SLOW} EMA cross"
    figures = [
        Figure(f"{what}, known ahead of time", count / ahead, "bars/s", AHEAD_BARS_PER_S, at_least=True),
        Figure("the same, its fills", of_ahead.counters.fills),
        Figure("the same, prices that were skipped", of_ahead.counters.skipped_share * 100, "%"),
        Figure(
            f"the same with averages of {BUSIER[0]} and {BUSIER[1]}",
            count / busier,
            "bars/s",
            AHEAD_BARS_PER_S,
            at_least=True,
        ),
        Figure("the same, its fills", of_busier.counters.fills),
        Figure(f"the same with averages of {OFTEN[0]} and {OFTEN[1]}", count / often, "bars/s"),
        Figure("the same, its fills", of_often.counters.fills),
        Figure(f"{what}, looking at every bar", count / each, "bars/s", EACH_BARS_PER_S, at_least=True),
        Figure("the same, its fills", of_each.counters.fills),
    ]
    return figures + _quotes(options) + _peers(block, count / each)


def _quotes(options: Options) -> list[Figure]:
    """Ten million quotes and a thousand orders that rest among them, and the index alone."""
    count = options.scaled(QUOTES)
    tape = quote_tape(count)
    whole = next(iter(ArrayTape(tape.instrument, next(tape.blocks()), None).blocks()))
    begin, end = int(whole.at[0]), int(whole.at[0]) + count * 100_000_000
    index = _index_seconds(tape)
    took, result = _timed(lambda: run_backtest(Resting(RESTING, begin, end), [tape], SETTINGS))
    return [
        Figure(f"index over {count:,} quotes", index, "s", INDEX_S),
        Figure(f"{count:,} quotes, {RESTING:,} orders with OCO pairs, less the index", took - index, "s", QUOTES_S),
        Figure("the same, its fills", result.counters.fills),
        Figure("the same, quotes that were skipped", result.counters.skipped_share * 100, "%"),
    ]


def _index_seconds(tape: ArrayTape) -> float:
    line = Line(tape, 0, tape.instrument, BarPath.NEAREST_FIRST, Costs())

    def build() -> None:
        for number, block in enumerate(tape.blocks()):
            line.load(block, number * ROWS_PER_BLOCK, index=True)

    return _timed(build)[0]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The best of three, in seconds of processor time, and what it gave."""
    best, given = float("inf"), None
    for _ in range(3):
        gc.collect()
        started = time.process_time()
        given = work()
        best = min(best, time.process_time() - started)
    return best, given


def _peers(block: Any, ours: float) -> list[Figure]:
    """Each peer in a process and an environment of its own, over the same bars, with the same averages."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.npz"
        keep(block, file)
        for peer, (script, environment) in PEER_SCRIPTS.items():
            python = ROOT / environment / "bin" / "python"
            if not python.exists():
                continue  # `make peers` was not run: our own figures stand alone.
            told = _told_by(python, PEERS / script, file)
            figures.append(Figure(f"{peer} {told['version']}, the same bars", told["bars_per_s"], "bars/s"))
            figures.append(Figure(f"{peer}, its fills", told["fills"]))
            if told["is_event_driven"]:
                what = f"looking at every bar, times as fast as {peer}"
                figures.append(Figure(what, ours / told["bars_per_s"], "×", 1.0, at_least=True))
    return figures


def _told_by(python: Path, script: Path, file: Path) -> dict[str, Any]:
    command = [str(python), str(script), str(file), str(FAST), str(SLOW), str(UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script.name} failed: {done.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
