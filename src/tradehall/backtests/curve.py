"""The equity of an account over time: positions are constant between two decisions, so a window is valued at once.

Floats: these are for figures and charts. What an account is worth in the end is the engine's to say.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.backtests.line import Line
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.engine.conversion import BRIDGE, PEGGED

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Of quotes the last of every minute counts.
SAMPLED_EVERY_NS: Final = NS_PER_MINUTE


class Curve(Struct, frozen=True):
    """Equity of an account [its currency] at instants `at` [ns UTC], oldest first.

    A point may stand for several that were merged, so that their number stays bounded: `equity` is then the
    last of them, `low` and `high` the extremes, `at` the last instant.
    """

    account_id: AccountId
    at: Numbers
    equity: Floats
    low: Floats
    high: Floats


class _Held(Struct, gc=False):
    """What an account held from an instant on: balance, and by symbol units and their cost, long and short."""

    at: int
    balance: float
    held: dict[str, tuple[float, float, float, float]]


class CurveMaker:
    """Makes the curve of one account, window by window, of `points_max` points at the most."""

    def __init__(self, account: Account, points_max: int) -> None:
        assert points_max >= 2, f"points_max was {points_max}, must be at least 2"
        self._account = account
        self._points_max = points_max
        self._changes = [self._held(-(2**62))]
        self._at: list[Numbers] = []
        self._equity: list[Floats] = []
        self._low: list[Floats] = []
        self._high: list[Floats] = []
        self._count = 0

    def note(self, at: int) -> None:
        """Balance or positions changed at `at` [ns UTC]."""
        held = self._held(at)
        if self._changes[-1].at == at:
            self._changes[-1] = held
        else:
            self._changes.append(held)

    def add(self, closes: "Closes") -> Floats:
        """Value a window; the equity at each instant of its grid."""
        grid = closes.grid
        equity = self._values(closes)
        if grid.size:
            self._at.append(grid)
            for column in (self._equity, self._low, self._high):
                column.append(equity)
            self._count += grid.size
            while self._count > self._points_max:
                self._merge()
        del self._changes[:-1]
        return equity

    def done(self) -> Curve:
        """The curve of all windows so far."""
        columns = [np.concatenate(parts) if parts else np.empty(0) for parts in (self._equity, self._low, self._high)]
        at = np.concatenate(self._at) if self._at else np.empty(0, np.int64)
        return Curve(self._account.terms.account_id, at, *columns)

    def _held(self, at: int) -> _Held:
        held: dict[str, tuple[float, float, float, float]] = {}
        for position in self._account.positions.values():
            bought, paid, sold, got = held.get(position.symbol, (0.0, 0.0, 0.0, 0.0))
            units, cost = float(position.quantity), float(position.cost)
            if position.side is PositionSide.LONG:
                held[position.symbol] = bought + units, paid + cost, sold, got
            else:
                held[position.symbol] = bought, paid, sold + units, got + cost
        return _Held(at, float(self._account.balance), held)

    def _values(self, closes: "Closes") -> Floats:
        changes = self._changes
        segment = np.searchsorted(np.array([one.at for one in changes]), closes.grid, side="right") - 1
        equity: Floats = np.array([one.balance for one in changes])[segment]
        for symbol in dict.fromkeys(name for one in changes for name in one.held):
            none = (0.0, 0.0, 0.0, 0.0)
            columns = zip(*(one.held.get(symbol, none) for one in changes), strict=True)
            bought, paid, sold, got = (np.array(column)[segment] for column in columns)
            bid, ask = closes.prices(symbol)
            floating = bought * bid - paid + got - sold * ask
            is_held = (bought != 0) | (sold != 0)
            rate = closes.rate(symbol, self._account.terms.currency)
            equity = equity + np.where(is_held, floating * rate, 0.0)
        return equity

    def _merge(self) -> None:
        """Two points become one."""
        curve = self.done()
        ends = np.append(np.arange(1, curve.at.size - 1, 2), curve.at.size - 1)
        self._at, self._equity = [curve.at[ends]], [curve.equity[ends]]
        self._low = [_by_two(np.minimum, curve.low)]
        self._high = [_by_two(np.maximum, curve.high)]
        self._count = ends.size


def _by_two(pick: np.ufunc, column: Floats) -> Floats:
    """What `pick` takes of each two neighbours; an odd one at the end stays alone."""
    paired = column.size // 2 * 2
    return np.append(pick(column[:paired:2], column[1:paired:2]), column[paired:])


class Closes:
    """The prices of one window at which accounts are valued: at the end of every bar, of quotes every minute.

    Made when the window begins: until then the lines show what was before it.
    """

    def __init__(self, lines: Sequence[Line], since: int, until: int | None) -> None:
        self._lines = {line.symbol: line for line in lines}
        self._columns = {line.symbol: _closes(line, since, until) for line in lines}
        self._before = {line.symbol: line.shown for line in lines}
        self._known: dict[str, tuple[Numbers, Floats, Floats]] = {}
        instants = [at for at, _, _ in self._columns.values() if at.size]
        self.grid: Numbers = instants[0] if len(instants) == 1 else np.unique(np.concatenate(instants or [_NO_TIMES]))

    def prices(self, symbol: str) -> tuple[Floats, Floats]:
        """Bid and ask of a symbol at each instant of the grid; before its first price NaN."""
        at, bid, ask = self._columns[symbol]
        if at is self.grid:
            return bid, ask
        if symbol not in self._known:
            self._known[symbol] = _known(self._lines[symbol])
        at, bid, ask = self._known[symbol]
        place = np.searchsorted(at, self.grid, side="right")
        shown = self._before[symbol]
        before = (np.nan, np.nan) if shown is None else (float(shown.bid), float(shown.ask))
        return np.append(before[0], bid)[place], np.append(before[1], ask)[place]

    def bids(self, symbol: str) -> tuple[Numbers, Floats]:
        """Instants and bids of one symbol's own closes."""
        return self._columns[symbol][:2]

    def rate(self, symbol: str, currency: str) -> Floats | float:
        """Account currency per quote currency of `symbol`, at mid, by the paths of engine.conversion."""
        source = self._lines[symbol].instrument.quote_currency
        if source == currency:
            return 1.0
        source, target = PEGGED.get(source, source), PEGGED.get(currency, currency)
        direct = self._step(source, target)
        return _or_else(direct, self._step(source, BRIDGE) * self._step(BRIDGE, target))

    def _step(self, source: str, target: str) -> Floats:
        """NaN while there is no quote of either pair."""
        if source == target:
            return np.ones(self.grid.size)
        straight, inverse = self._mid(source + target), self._mid(target + source)
        return _or_else(straight, 1.0 / inverse)

    def _mid(self, symbol: str) -> Floats:
        if symbol not in self._columns:
            return np.full(self.grid.size, np.nan)
        bid, ask = self.prices(symbol)
        return (bid + ask) / 2


def _or_else(first: Floats, second: Floats) -> Floats:
    """The first where it is known, else the second."""
    return np.where(np.isnan(first), second, first)


def _known(line: Line) -> tuple[Numbers, Floats, Floats]:
    """All quotes of a line; of bars what is known when: the open at the beginning, the close at the end."""
    rows = line.rows
    if rows is None or not len(rows):
        return _NO_TIMES, np.empty(0), np.empty(0)
    if line.span_ns is None:
        return rows.at, *line.parted(rows.bid[0], None if rows.ask is None else rows.ask[0])
    at = np.column_stack((rows.at, rows.at + line.offsets[-1])).ravel()
    bid = np.column_stack((rows.bid[0], rows.bid[-1])).ravel()
    ask = None if rows.ask is None else np.column_stack((rows.ask[0], rows.ask[-1])).ravel()
    return at, *line.parted(bid, ask)


_NO_TIMES: Final[Numbers] = np.empty(0, np.int64)


def _closes(line: Line, since: int, until: int | None) -> tuple[Numbers, Floats, Floats]:
    """Instants, bids and asks of the bars that end, or of the last quote of each minute, within the window."""
    rows = line.rows
    if rows is None or not len(rows):
        return _NO_TIMES, np.empty(0), np.empty(0)
    over = rows.at + line.offsets[-1]
    start = int(np.searchsorted(over, since))
    stop = over.size if until is None else int(np.searchsorted(over, until))
    pick = np.arange(start, stop)
    if line.span_ns is None and pick.size:
        minute = over[start:stop] // SAMPLED_EVERY_NS
        pick = pick[np.append(minute[1:] != minute[:-1], True)]
    bid, ask = line.parted(rows.bid[-1][pick], None if rows.ask is None else rows.ask[-1][pick])
    return over[pick], bid, ask
