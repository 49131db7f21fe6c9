"""A definition in a backtest: known ahead of time or looked at bar by bar, it is one run."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.backtests.tapes import random_tape
from tradehall.app.backtests.graph import GraphStrategy
from tradehall.backtests import AccountSetup, ArrayTape, BacktestSettings, Broker, Result, run
from tradehall.backtests.seen import BarColumns, BarSeen
from tradehall.domain.market import Bar, Timeframe
from tradehall.strategies.columns import Columns
from tradehall.strategies.decisions import decide
from tradehall.strategies.hub import Hub
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse

CROSS: dict[str, Any] = {
    "inputs": {"fast": {"indicator": "EMA", "period": 3}, "slow": {"indicator": "SMA", "period": 11},
               "vol": {"indicator": "ATR", "period": 7}},
    "rules": [
        {"when": {"crosses_above": ["fast", "slow"]},
         "do": [{"open": "long", "stop_loss": {"atr": "1"}, "take_profit": {"percent": "0.3"}}]},
        {"when": {"all": [{"crosses_below": ["fast", "slow"]}, {"within": [{"rises_by": ["close", "0.0005"]}, {"bars": 6}]}]},
         "do": [{"close": "long"}, {"open": "short", "stop_loss": {"ticks": 90}}]},
        {"when": {"rises_by": ["close", {"percent": "0.05"}, {"bars": 4}]}, "do": [{"set_stop_loss": {"ticks": 60}}]},
        {"when": {"falls_by": ["close", {"percent": "0.2"}, {"bars": 9}]}, "do": [{"close": "all"}]},
    ],
}  # fmt: skip


class BarByBar(GraphStrategy):
    """The same, but nothing is known ahead: every bar is given to a hub, as the house does live."""

    def __init__(self, program: Program, columns: Columns) -> None:
        super().__init__({program.symbol: program}, {program.clock: columns}, Decimal(1))
        self.program, self.hub, self.looks = program, Hub(), 0
        self.hub.add(0, program, {}, 0)

    def plan(self, bars: Mapping[str, BarColumns]) -> Mapping[str, NDArray[np.bool_]]:
        return {symbol: np.ones(len(columns.at), dtype=np.bool_) for symbol, columns in bars.items()}

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        prices = [Decimal(repr(price)) for price in (bar.open, bar.high, bar.low, bar.close, bar.volume)]
        closed = Bar(bar.symbol, Timeframe.M1, bar.at, prices[0], prices[1], prices[2], prices[3], prices[4])
        for look in self.hub.on_bars([closed], broker.now):
            self.looks += 1
            for intent in decide(self.program, look.signals, self._facts(self.program, broker)).intents:
                self._do(intent, broker)


def columns_of(tape: ArrayTape) -> Columns:
    (block,) = tape.blocks()
    opened, high, low, close = block.bid
    return Columns(block.at, opened, high, low, close, np.zeros(len(block.at)))


def ran(strategy: GraphStrategy, tape: ArrayTape) -> Result:
    settings = BacktestSettings(accounts=(AccountSetup(cash=Decimal(10_000), leverage=Decimal(5)),))
    result = run(strategy, [tape], settings)
    assert result.failure is None, result.failure
    return result


@pytest.mark.parametrize("seed", range(3))
def test_ahead_of_time_and_bar_by_bar_a_run_has_the_same_records(seed: int):
    tape = random_tape("EURUSD", 1_500, seed)
    columns = columns_of(tape)
    program = Program(parse(CROSS), "EURUSD", Timeframe.M1)
    ahead = ran(GraphStrategy({"EURUSD": program}, {program.clock: columns}, Decimal(1)), tape)
    live = BarByBar(program, columns)
    looked_at = ran(live, tape)
    assert live.looks == 1_500
    assert len(ahead.round_trips) > 20
    assert looked_at.records == ahead.records
    assert looked_at.accounts == ahead.accounts
