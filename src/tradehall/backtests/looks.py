"""Looks: the moments at which a strategy looks at the market, in the order of time, a window at a time."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradehall.backtests.line import Line
from tradehall.backtests.market import AFTER_ALL
from tradehall.backtests.seen import BarSeen, QuoteSeen

Numbers = NDArray[np.int64]
Key = tuple[int, int, int]


class Wants(NamedTuple):
    """What a strategy looks at; `planned`: by symbol the numbers of the only bars it wants to see."""

    bars: bool
    quotes: bool
    planned: Mapping[str, Numbers] | None


NOTHING: Final = Wants(bars=False, quotes=False, planned=None)


class _Run(NamedTuple):
    """Looks of one line."""

    at: Numbers
    order: int
    units: Numbers
    seen: list[Any]


class Looks:
    """The looks of one window: instant, place among those of the instant, and what there is to see."""

    def __init__(self, lines: Sequence[Line], since: int, until: int | None, wants: Wants) -> None:
        """Bars that are over, and quotes that came, from `since` on and before `until` [ns UTC]."""
        runs = [run for line in lines if (run := _looks_of(line, since, until, wants)) is not None]
        self.next = 0
        if len(runs) == 1:
            run = runs[0]
            self.at: list[int] = run.at.tolist()
            self.orders: Sequence[int] = _Same(run.order, len(self.at))
            self.units: Sequence[int] = run.units.tolist() if run.order != AFTER_ALL else _Same(0, len(self.at))
            self.seen: list[Any] = run.seen  # Bars and quotes.
        else:
            self._merge(runs)

    def __len__(self) -> int:
        return len(self.at)

    def is_behind(self, key: Key) -> bool:
        """Whether the next look, if there is one, comes after the instant of `key`."""
        return self.next == len(self.at) or self.at[self.next] > key[0]

    def key(self, index: int) -> Key:
        """When a look is, among everything else: at equal keys the price comes before the look at it."""
        order = self.orders[index]
        return self.at[index], order, 0 if order == AFTER_ALL else self.units[index]

    def _merge(self, runs: list[_Run]) -> None:
        at = np.concatenate([run.at for run in runs] or [np.empty(0, np.int64)])
        orders = np.concatenate([np.full(run.at.size, run.order) for run in runs] or [np.empty(0, np.int64)])
        units = np.concatenate([run.units for run in runs] or [np.empty(0, np.int64)])
        numbers = np.concatenate([np.full(run.at.size, n) for n, run in enumerate(runs)] or [np.empty(0, np.int64)])
        places = np.lexsort((units, numbers, orders, at))
        seen = [one for run in runs for one in run.seen]
        self.at = at[places].tolist()
        self.orders = orders[places].tolist()
        self.units = units[places].tolist()
        self.seen = [seen[place] for place in places.tolist()]


class _Same(Sequence[int]):
    """One value, so many times."""

    def __init__(self, value: int, length: int) -> None:
        self._value, self._length = value, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        return self._value


def _looks_of(line: Line, since: int, until: int | None, wants: Wants) -> _Run | None:
    is_wanted = wants.quotes if line.span_ns is None else wants.bars
    rows = line.rows
    if not is_wanted or rows is None:
        return None
    over = line.at + line.offsets[-1]
    start = int(np.searchsorted(over, since))
    stop = over.size if until is None else int(np.searchsorted(over, until))
    units = np.arange(start, stop) + line.base
    if line.span_ns is not None and wants.planned is not None:
        planned = wants.planned.get(line.symbol)
        if planned is None:
            return None
        units = planned[np.searchsorted(planned, line.base + start) : np.searchsorted(planned, line.base + stop)]
    if not units.size:
        return None
    index = units - line.base
    order = AFTER_ALL if line.span_ns is not None else line.number
    return _Run(over[index], order, units, list(_seen(line, index, units)))


def _seen(line: Line, index: Numbers, units: Numbers) -> Iterable[BarSeen | QuoteSeen]:
    rows = line.rows
    assert rows is not None, "a line without rows has nothing to see"
    is_all = index.size == index[-1] - index[0] + 1
    pick = slice(int(index[0]), int(index[-1]) + 1) if is_all else index
    at, numbers = rows.at[pick].tolist(), units.tolist()
    columns = [column[pick].tolist() for column in rows.bid]
    if line.span_ns is None:
        asks = columns[0] if rows.ask is None else rows.ask[0][pick].tolist()
        return map(QuoteSeen, repeat(line.symbol), numbers, at, columns[0], asks)
    volumes = repeat(0.0) if rows.volume is None else np.nan_to_num(rows.volume[pick]).tolist()
    return map(BarSeen, repeat(line.symbol), numbers, at, *columns, volumes)
