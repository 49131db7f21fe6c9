"""A thousand programs of block graphs at the close of the one-minute bars of fifty instruments."""

import random
import time
from decimal import Decimal
from typing import Any

from bench.figures import Figure, Options
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.strategies.ahead import signals_ahead
from tradehall.strategies.columns import columns_of
from tradehall.strategies.decisions import decide
from tradehall.strategies.hub import Hub
from tradehall.strategies.intents import BookFacts, Facts
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse

PROGRAMS = 1_000
INSTRUMENTS = 50
HISTORY = 600
CLOSES = 20
BAR_CLOSE_BOUND_MS = 1_000.0
TICK = Decimal("0.0001")


def run(options: Options) -> list[Figure]:
    """CPU of one bar close, every indicator different and every one shared; of a start; of a year ahead of time."""
    history = {f"S{number}": _bars(f"S{number}", number) for number in range(INSTRUMENTS)}
    figures = []
    for what, kinds in (("no two alike", PROGRAMS), ("one kind", 1)):
        programs = [_program(f"S{number % INSTRUMENTS}", number % kinds) for number in range(PROGRAMS)]
        hub = Hub()
        started = time.process_time()
        for key, program in enumerate(programs):
            hub.add(key, program, {program.clock: history[program.symbol][:HISTORY]}, 0)
        figures.append(Figure(f"1,000 programs, {what}: to begin", (time.process_time() - started) * 1_000, "ms"))
        worst = max(_close(hub, programs, history, HISTORY + number) for number in range(CLOSES))
        closes = f"1,000 programs, {what}: the slowest of {CLOSES} bar closes"
        figures.append(Figure(closes, worst, "ms", BAR_CLOSE_BOUND_MS))
    figures.append(Figure("a program over a year of minutes, ahead of time", _ahead(options.scaled(370_000)), "ms"))
    return figures


def _close(hub: Hub, programs: list[Program], history: dict[str, list[Bar]], number: int) -> float:
    """CPU [ms] from the closed bars of all instruments to what every program wants done."""
    now = (number + 1) * NS_PER_MINUTE
    book = BookFacts(TICK, Decimal("1.1"), Decimal("1.1002"))
    bars = [bars[number] for bars in history.values()]
    started = time.process_time()
    looks = hub.on_bars(bars, now)
    for look in looks:
        program = programs[look.key]
        decide(program, look.signals, Facts(now, {program.symbol: book}))
    assert len(looks) == PROGRAMS
    return (time.process_time() - started) * 1_000


def _ahead(count: int) -> float:
    program, columns = _program("S0", 7), columns_of(_bars("S0", 0, count))
    started = time.process_time()
    signals_ahead(program, {program.clock: columns})
    return (time.process_time() - started) * 1_000


def _program(symbol: str, kind: int) -> Program:
    return Program(parse(_definition(random.Random(kind))), symbol, Timeframe.M1)


def _definition(dice: random.Random) -> dict[str, Any]:
    rises = {"all": [{"crosses_above": ["fast", "slow"]}, {"within": [{"above": ["rsi", "50"]}, {"bars": 5}]}]}
    falls = {"any": [{"crosses_below": ["fast", "slow"]}, {"falls_by": ["close", {"percent": "2"}, {"bars": 5}]}]}
    return {
        "inputs": {
            "fast": {"indicator": "EMA", "period": dice.randint(2, 60)},
            "slow": {"indicator": "EMA", "period": dice.randint(20, 200)},
            "vol": {"indicator": "ATR", "period": dice.randint(5, 30)},
            "rsi": {"indicator": "RSI", "period": dice.randint(5, 30)},
        },
        "rules": [
            {"when": rises, "do": [{"open": "long", "stop_loss": {"atr": "2"}, "take_profit": {"percent": "1.5"}}]},
            {"when": falls, "do": [{"close": "long"}]},
        ],
    }


def _bars(symbol: str, seed: int, count: int = HISTORY + CLOSES) -> list[Bar]:
    dice, price, bars = random.Random(seed), 11_000, list[Bar]()
    for minute in range(count):
        price = max(5_000, price + dice.randint(-8, 8))
        close = price * TICK
        at, volume = minute * NS_PER_MINUTE, Decimal(dice.randint(1, 50))
        bars.append(Bar(symbol, Timeframe.M1, at, close, close + TICK, close - TICK, close, volume))
    return bars
