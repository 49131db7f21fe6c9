"""A block graph out of a file, bound to the bars it is tested over; longer bars are made of those that are there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tradehall.adapters.history.naming import span_text
from tradehall.adapters.history.tapes import FileTape
from tradehall.app.backtests.graph import GraphStrategy
from tradehall.backtests import BacktestSettings, Strategy
from tradehall.backtests.plans import columns_of
from tradehall.domain.market import TIMEFRAME_NS, Timeframe, bar_start
from tradehall.ports.feed import FeedError
from tradehall.strategies.columns import Columns
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse

_BY_SPAN: Final = {span: timeframe for timeframe, span in TIMEFRAME_NS.items()}


def load_graph(path: Path, tapes: Sequence[FileTape], settings: BacktestSettings) -> Strategy:
    """The definition in `path` as a strategy on every symbol of `tapes`, an equal part of the equity for each.

    FeedError where a tape holds no bars of a timeframe of ours, or other bars are needed than can be made of it.
    DefinitionError with all problems of the definition.
    """
    try:
        definition = parse(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        if isinstance(error, DefinitionError):
            raise
        raise FeedError(f"{path} is no JSON: {error}") from error
    programs = {tape.instrument.symbol: Program(definition, tape.instrument.symbol, _timeframe(tape)) for tape in tapes}
    by_symbol = {tape.instrument.symbol: tape for tape in tapes}
    clocks = dict.fromkeys(clock for program in programs.values() for clock in program.clocks)
    columns = {clock: _bars_of(clock, by_symbol.get(clock.symbol), settings) for clock in clocks}
    return GraphStrategy(programs, columns, settings.accounts[0].leverage / len(tapes))


def _timeframe(tape: FileTape) -> Timeframe:
    timeframe = _BY_SPAN.get(tape.span_ns or 0)
    if timeframe is None:
        found = "quotes" if tape.span_ns is None else f"bars of {span_text(tape.span_ns)}"
        raise FeedError(
            f"{tape.instrument.symbol} comes as {found}: a block graph looks at bars of {', '.join(Timeframe)}"
        )
    return timeframe


def _bars_of(clock: Clock, tape: FileTape | None, settings: BacktestSettings) -> Columns:
    if tape is None or tape.span_ns is None or clock.span % tape.span_ns:
        raise FeedError(
            f"the graph looks at {clock.symbol} {clock.timeframe}: expected its bars, or shorter ones, in --data"
        )
    bars = columns_of(tape, settings.begins_at, settings.ends_at)
    if not bars.at.size:
        return Columns(bars.at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    starts = np.array([bar_start(at, clock.timeframe) for at in bars.at.tolist()], np.int64)
    first = np.flatnonzero(np.append(True, starts[1:] != starts[:-1]))
    last = np.append(first[1:], starts.size) - 1
    return Columns(
        starts[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
    )
