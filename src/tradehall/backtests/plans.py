"""What a strategy wants to look at, and the columns from which one says so ahead of time."""

from collections.abc import Mapping, Sequence

import numpy as np

from tradehall.backtests.looks import Wants
from tradehall.backtests.seen import BarColumns, Floats, Numbers
from tradehall.backtests.settings import BacktestSettings
from tradehall.backtests.strategy import Planned, Strategy, StrategyFailed
from tradehall.backtests.tape import Block, Tape


def wants_of(strategy: Strategy, tapes: Sequence[Tape], settings: BacktestSettings) -> Wants:
    """What it overrides is what it looks at; a planned one is asked. ValueError for masks that do not fit."""
    kind = type(strategy)
    bars, quotes = kind.on_bar is not Strategy.on_bar, kind.on_quote is not Strategy.on_quote
    if not isinstance(strategy, Planned):
        return Wants(bars, quotes, None)
    columns = {
        tape.instrument.symbol: columns_of(tape, settings.begins_at, settings.ends_at)
        for tape in tapes
        if tape.span_ns is not None
    }
    try:
        masks = strategy.plan(columns)
    except Exception as error:
        raise StrategyFailed("plan") from error
    return Wants(bars, quotes, {symbol: _numbers(symbol, mask, columns) for symbol, mask in masks.items()})


def columns_of(tape: Tape, begins_at: int | None, ends_at: int | None) -> BarColumns:
    """All bars of a tape in the period, as the strategy would see them."""
    blocks = [block for block in _blocks(tape, begins_at, ends_at) if len(block)]
    prices = [_joined([block.bid[column] for block in blocks]) for column in range(4)]
    volumes = [np.zeros(len(block)) if block.volume is None else np.nan_to_num(block.volume) for block in blocks]
    at = np.concatenate([block.at for block in blocks]) if blocks else np.empty(0, np.int64)
    opened, high, low, close = prices
    return BarColumns(tape.instrument.symbol, at, opened, high, low, close, _joined(volumes))


def _blocks(tape: Tape, begins_at: int | None, ends_at: int | None) -> list[Block]:
    found = []
    for block in tape.blocks():
        start = 0 if begins_at is None else int(np.searchsorted(block.at, begins_at))
        stop = len(block) if ends_at is None else int(np.searchsorted(block.at, ends_at))
        found.append(block.part(start, max(start, stop)))
    return found


def _joined(columns: list[Floats]) -> Floats:
    return np.concatenate(columns) if columns else np.empty(0)


def _numbers(symbol: str, mask: object, columns: Mapping[str, BarColumns]) -> Numbers:
    if symbol not in columns:
        raise ValueError(f"the plan names {symbol}: expected one of {', '.join(columns) or 'no bars'}")
    chosen = np.asarray(mask)
    if chosen.dtype != np.bool_ or chosen.shape != columns[symbol].at.shape:
        raise ValueError(
            f"the plan of {symbol} was {chosen.dtype} of shape {chosen.shape}: "
            f"expected a mask of {columns[symbol].at.size} bars"
        )
    return np.flatnonzero(chosen).astype(np.int64)
