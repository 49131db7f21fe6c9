"""Line: the past of one symbol as the run goes along it: which price is the latest, and which comes next.

A *unit* is a row of the tape, a quote or a bar; its *points* are the prices told of it, one of a quote and four
of a bar. `told` is the last point that the engine was shown, `shown` the quote it was shown then.
"""

from bisect import bisect_right
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isnan
from typing import Final

import numpy as np

from tradehall.backtests.bar_path import is_high_first
from tradehall.backtests.kernels import ALWAYS, BLOCK, FIGURES, NEVER, fill_index, first_reached
from tradehall.backtests.settings import BarPath, Costs, Recorded
from tradehall.backtests.tape import Block, Floats, Numbers, Tape, point_offsets
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, ZERO
from tradehall.engine.margin_watch import Bounds
from tradehall.venue.book import NOBODY, Reach

Point = tuple[int, int]
"""Number of a unit since the beginning of the tape, and of one of its points."""

Levels = tuple[int, int, int, int]

NOWHERE: Final[Levels] = (NEVER, NEVER, NEVER, NEVER)
EVERYWHERE: Final[Levels] = (ALWAYS, ALWAYS, ALWAYS, ALWAYS)
NOT_BEGUN: Final[Point] = (-1, 0)
BEYOND: Final[Point] = (2**62, 0)  # Behind every window.

_HALF: Final = Decimal("0.5")
_TICKS_MAX: Final = 10**15
_LEVEL_MAX: Final = 2**60
# What a level is widened by where prices were rounded to ticks.
_SLACK: Final = 2

_OPEN, _HIGH, _LOW, _CLOSE = range(4)
_HIGH_FIRST: Final = (_OPEN, _HIGH, _LOW, _CLOSE)
_LOW_FIRST: Final = (_OPEN, _LOW, _HIGH, _CLOSE)


class Line:
    """One symbol; `number` is its place among the symbols of the run, which decides who is first at one instant."""

    def __init__(self, tape: Tape, number: int, instrument: Instrument, path: BarPath, costs: Costs) -> None:
        self.number = number
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.span_ns = tape.span_ns
        is_short = tape.span_ns is not None and path is BarPath.OPEN_CLOSE
        offsets = point_offsets(tape.span_ns)
        self.offsets = (offsets[0], offsets[-1]) if is_short else offsets
        self.asks_net = path is BarPath.ADVERSE_FIRST  # Whether the order of prices depends on what is held.
        self.told: Point = NOT_BEGUN
        self.shown: Quote | None = None
        self.base = 0
        self.rows: Block | None = None
        self.at: Numbers = np.empty(0, np.int64)
        self._path = path
        self._costs = costs
        self._has_spread = bool(costs.spread or costs.spread_rate)
        self._share_below = _HALF if costs.recorded is Recorded.MIDDLE else ZERO  # Share of the spread under the price.
        self._digits = instrument.digits
        self._scale = 10.0**self._digits
        self._tick = ONE.scaleb(-self._digits)  # The grid of the tick's decimals.
        self._figures = np.empty((0, FIGURES), np.int64)
        self._lowest = np.empty((0, FIGURES), np.int64)
        self._slack = 0
        self._made: tuple[Point, Quote] | None = None  # The quote made last, for who asks again.
        self._index_digits = self._digits
        self._order: tuple[int, tuple[int, ...]] = (-1, _HIGH_FIRST)

    def __len__(self) -> int:
        return self.at.size

    def load(self, rows: Block | None, base: int, *, index: bool) -> None:
        """Go on to the next window; `index` builds the index over it."""
        self.rows, self.base = rows, base
        self.at = np.empty(0, np.int64) if rows is None else rows.at
        if rows is not None and index:
            self._build_index(rows)

    # Points.

    def after(self, point: Point) -> Point:
        """The point behind `point`, whether it is there or not."""
        unit, place = point
        return (unit, place + 1) if unit >= 0 and place + 1 < len(self.offsets) else (unit + 1, 0)

    def time_of(self, point: Point) -> int | None:
        """When a point is told [ns UTC]; None where it lies behind this window."""
        unit = point[0] - self.base
        return self.at.item(unit) + self.offsets[point[1]] if unit < self.at.size else None

    def unit_at(self, at: int) -> int:
        """Number of the first unit that begins at `at` [ns UTC] or after it."""
        return self.base + int(self.at.searchsorted(at))

    def latest(self, at: int, *, inclusive: bool) -> Point:
        """The last point before `at` [ns UTC], or not after it; never one before `told`."""
        if not inclusive:
            at -= 1
        unit = int(self.at.searchsorted(at, "right")) - 1
        if unit < 0:
            return self.told
        place = bisect_right(self.offsets, at - self.at.item(unit)) - 1
        return max(self.told, (self.base + unit, place))

    def quote_at(self, point: Point, *, net: Decimal = ZERO) -> Quote:
        """The quote that is told at a point; `net`: units held, for paths that depend on them."""
        if point == self.told and self.shown is not None:
            return self.shown
        if self._made is None or self._made[0] != point:
            self._made = point, self._quote_at(point, net)
        return self._made[1]

    def _quote_at(self, point: Point, net: Decimal) -> Quote:
        rows, unit = self.rows, point[0] - self.base
        assert rows is not None, f"{self.symbol} has no rows at {point}"
        bid_column, ask_column = self._columns(point, net)
        bid = self._exact(rows.bid[bid_column].item(unit))
        if rows.ask is None:
            bid, ask = self._parted(bid)
        else:
            ask = self._exact(rows.ask[ask_column].item(unit))
        at = rows.at.item(unit) + self.offsets[point[1]]
        if rows.bid_size is None and rows.ask_size is None:
            return Quote(self.symbol, bid, ask, at, at)
        return Quote(self.symbol, bid, ask, at, at, _size(rows.bid_size, unit), _size(rows.ask_size, unit))

    def _columns(self, point: Point, net: Decimal) -> tuple[int, int]:
        if self.span_ns is None:
            return 0, 0
        unit, place = point
        if place == 0:
            return _OPEN, _OPEN
        if place == len(self.offsets) - 1:
            return _CLOSE, _CLOSE
        if self._order[0] != unit:
            self._order = unit, self._path_of(unit - self.base, net)
        column = self._order[1][place]
        return column, column

    def _path_of(self, unit: int, net: Decimal) -> tuple[int, ...]:
        path = self._path
        if path is BarPath.ADVERSE_FIRST and net:
            return _LOW_FIRST if net > 0 else _HIGH_FIRST
        if path in (BarPath.HIGH_FIRST, BarPath.LOW_FIRST):
            return _HIGH_FIRST if path is BarPath.HIGH_FIRST else _LOW_FIRST
        assert self.rows is not None, "a path is asked of a bar that is there"
        opened, high, low = (column.item(unit) for column in self.rows.bid[:_CLOSE])
        return _HIGH_FIRST if is_high_first(opened, high, low) else _LOW_FIRST

    def _exact(self, price: float) -> Decimal:
        """The decimal that a float was printed from."""
        ticks = round(price * self._scale)
        if ticks / self._scale == price:
            return Decimal(ticks) * self._tick
        return Decimal(repr(price))

    def rounded(self, price: Decimal) -> Decimal:
        """`price` on the grid of the tick's decimals, half to even."""
        return price.quantize(self._tick)

    def _parted(self, price: Decimal) -> tuple[Decimal, Decimal]:
        """Bid and ask around a price that was recorded for both."""
        if not self._has_spread:
            return price, price
        spread = self._costs.spread + price * self._costs.spread_rate
        bid = price - spread * self._share_below
        return bid, bid + spread

    def parted(self, bid: Floats, ask: Floats | None) -> tuple[Floats, Floats]:
        """The same for columns, in floats."""
        if ask is not None:
            return bid, ask
        if not self._has_spread:
            return bid, bid
        spread = bid * float(self._costs.spread_rate) + float(self._costs.spread)
        below = spread * float(self._share_below)
        return bid - below, bid + (spread - below)

    # The index.

    def _build_index(self, rows: Block) -> None:
        units = len(rows)
        self._figures = np.empty((units, FIGURES), np.int64)
        self._lowest = np.empty((-(-units // BLOCK), FIGURES), np.int64)
        bid_low, bid_high = self._extremes(rows.bid)
        asks = (None, None) if rows.ask is None else self._extremes(rows.ask)
        low, ask_low = self.parted(bid_low, asks[0])
        high, ask_high = self.parted(bid_high, asks[1])
        most = float(max(np.max(high, initial=0.0), np.max(ask_high, initial=0.0)))
        digits = self._digits
        while digits and most * 10.0**digits > _TICKS_MAX:
            digits -= 1
        self._index_digits = digits
        off = fill_index(low, high, ask_low, ask_high, 10.0**digits, self._figures, self._lowest)
        self._slack = _SLACK if off else 0

    def _extremes(self, columns: tuple[Floats, ...]) -> tuple[Floats, Floats]:
        if len(columns) == 1:
            return columns[0], columns[0]
        if self._path is BarPath.OPEN_CLOSE:
            opened, close = columns[_OPEN], columns[_CLOSE]
            return np.minimum(opened, close), np.maximum(opened, close)
        return columns[_LOW], columns[_HIGH]

    def first_reached(self, start: int, levels: Levels) -> int:
        """Number of the first unit from `start` on that comes to one of `levels`; behind the window if none does."""
        if levels is EVERYWHERE:
            return start
        if levels == NOWHERE:
            return self.base + self.at.size
        return self.base + int(first_reached(self._figures, self._lowest, max(0, start - self.base), *levels))

    def levels(self, reach: Reach | None, bounds: Bounds | None) -> Levels:
        """Prices at which something happens, as the index knows them: signed ticks, wider where prices were rounded."""
        if reach is None or (
            bounds is not None and any(bound is not None and not bound.is_finite() for bound in bounds)
        ):
            return EVERYWHERE
        of_orders = NOWHERE if reach is NOBODY else self._levels_of(reach)
        if bounds is None:
            return of_orders
        falling_bid, rising_bid, falling_ask, rising_ask = bounds
        of_margins = (
            self._at_most(falling_ask),
            self._at_least(rising_ask),
            self._at_most(falling_bid),
            self._at_least(rising_bid),
        )
        if of_orders is NOWHERE:
            return of_margins
        ask_down, ask_up, bid_down, bid_up = map(max, of_orders, of_margins)
        return ask_down, ask_up, bid_down, bid_up

    def _levels_of(self, reach: Reach) -> Levels:
        return (
            max(self._at_most(reach.ask_down), self._below(reach.ask_under)),
            self._at_least(reach.ask_up),
            self._at_most(reach.bid_down),
            max(self._at_least(reach.bid_up), self._above(reach.bid_over)),
        )

    def _at_most(self, price: Decimal | None) -> int:
        return NEVER if price is None else self._ticks(price, ROUND_FLOOR) + self._slack

    def _at_least(self, price: Decimal | None) -> int:
        return NEVER if price is None else self._slack - self._ticks(price, ROUND_CEILING)

    def _below(self, price: Decimal | None) -> int:
        return NEVER if price is None else self._ticks(price, ROUND_CEILING) - 1 + self._slack

    def _above(self, price: Decimal | None) -> int:
        return NEVER if price is None else self._slack - 1 - self._ticks(price, ROUND_FLOOR)

    def _ticks(self, price: Decimal, rounding: str) -> int:
        """`price` in ticks of the index, within what an int64 holds."""
        ticks = int(price.scaleb(self._index_digits).to_integral_value(rounding))
        return max(-_LEVEL_MAX, min(_LEVEL_MAX, ticks))


def _size(column: Floats | None, unit: int) -> Decimal | None:
    if column is None:
        return None
    size = column[unit].item()
    return None if isnan(size) else Decimal(repr(size))
