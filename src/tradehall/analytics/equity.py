"""The equity curve: however long, kept as its days, its drawdown, and as many points as a chart can show."""

from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.floats import Floats, approximate
from tradehall.analytics.thinning import Thinned
from tradehall.domain.time import NS_PER_DAY

Instants = NDArray[np.int64]

# Points taken one by one are folded this many at a time.
_BATCH: Final = 4_096
# 1970-01-01 was a Thursday: the third day after a Monday.
_EPOCH_WEEKDAY: Final = 3
_SATURDAY: Final = 5


class Drawdown(Struct, frozen=True, gc=False):
    """The worst of all falls from a peak; its parts may belong to different falls.

    `fraction`: largest (peak - equity) ÷ peak. `amount` [account currency]: largest peak - equity.
    `length_ns`: longest time from a peak until equity was there again, or until the end.
    """

    fraction: float = 0.0
    amount: float = 0.0
    length_ns: int = 0


class EquityCurve:
    """Takes equity [account currency] as it goes, in order of time; memory grows with days and not with points.

    Points of one instant: the last one holds. `rests_at_weekends`: what happens on a Saturday or Sunday (UTC)
    belongs to the Monday after it, so that a year has its 252 or so days. A day without a point is no day.
    The first point is what the first day's return starts from; of a day that is that one point, as with
    daily bars, there is no return.
    """

    def __init__(self, *, rests_at_weekends: bool = False) -> None:
        self._rests_at_weekends = rests_at_weekends
        self._at: list[int] = []
        self._values: list[float] = []
        self._days: list[int] = []
        self._closes: list[float] = []
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] = (0, 0.0)
        self._first_day_moves = False
        self._peak = (0, 0.0)
        self._drawdown = Drawdown()
        self._thinned = Thinned()

    def add(self, at: int, equity: Decimal | float) -> None:
        """Equity was `equity` at `at` [ns UTC]. Asserts that time does not go back."""
        self._at.append(at)
        self._values.append(approximate(equity) if isinstance(equity, Decimal) else equity)
        if len(self._at) == _BATCH:
            self._flush()

    def extend(self, at: Instants, equity: Floats) -> None:
        """Many points at once: what a run that computes its bars ahead of time hands over."""
        self._flush()
        if at.size:
            self._fold(np.asarray(at, np.int64), np.asarray(equity, np.float64))

    @property
    def span(self) -> tuple[int, int]:
        """First and last instant [ns UTC]; (0, 0) of no points."""
        self._flush()
        return (0, 0) if self._first is None else (self._first[0], self._last[0])

    @property
    def ends(self) -> tuple[float, float]:
        """First and last equity; (0, 0) of no points."""
        self._flush()
        return (0.0, 0.0) if self._first is None else (self._first[1], self._last[1])

    @property
    def drawdown(self) -> Drawdown:
        """The worst over all points, not only the ends of days."""
        self._flush()
        return self._drawdown

    def daily(self) -> tuple[Instants, Floats]:
        """Last equity of each day, and the start of that day [ns UTC]."""
        self._flush()
        return np.array(self._days, np.int64) * NS_PER_DAY, np.array(self._closes)

    def daily_returns(self) -> Floats:
        """Simple returns from day to day, the first from the first point; none where equity was not positive."""
        _, closes = self.daily()
        if self._first is not None and self._first_day_moves:
            closes = np.concatenate(([self._first[1]], closes))
        before = closes[:-1]
        return closes[1:] / before - 1.0 if (before > 0).all() else np.empty(0)

    def points(self) -> tuple[Instants, Floats]:
        """The curve for a chart: thinned, with the peaks and troughs it had."""
        self._flush()
        return self._thinned.points()

    def _flush(self) -> None:
        if self._at:
            at, values = np.array(self._at, np.int64), np.array(self._values)
            self._at.clear()
            self._values.clear()
            self._fold(at, values)

    def _fold(self, at: Instants, values: Floats) -> None:
        if self._first is None:
            self._first = self._peak = (at[0].item(), values[0].item())
        assert at[0] >= self._last[0] and (np.diff(at) >= 0).all(), "equity was given out of its order in time"
        self._fold_days(at, values)
        self._fold_drawdown(at, values)
        self._thinned.extend(at, values)
        self._last = (at[-1].item(), values[-1].item())

    def _fold_days(self, at: Instants, values: Floats) -> None:
        days = trading_days(at, rests_at_weekends=self._rests_at_weekends)
        ends = np.append(np.flatnonzero(np.diff(days)), days.size - 1)
        first_day = self._days[0] if self._days else days[0]
        points_of_first_day = len(self._days[:1]) + int(np.count_nonzero(days == first_day))
        self._first_day_moves = self._first_day_moves or points_of_first_day > 1
        if self._days and self._days[-1] == days[0]:
            self._days.pop()
            self._closes.pop()
        self._days.extend(days[ends].tolist())
        self._closes.extend(values[ends].tolist())

    def _fold_drawdown(self, at: Instants, values: Floats) -> None:
        peak_at, peak = self._peak
        peaks = np.maximum.accumulate(np.concatenate(([peak], values)))
        is_high = values >= peaks[:-1]
        highs = np.maximum.accumulate(np.where(is_high, at, peak_at))
        # A fall lasts until the point that regains its peak: the peak before that point counts.
        since = np.concatenate(([peak_at], highs[:-1]))
        was_below = np.concatenate(([self._last[1] < peak], ~is_high[:-1]))
        lengths = np.where(is_high & ~was_below, 0, at - since)
        falls = peaks[1:] - values
        positive = peaks[1:] > 0
        fractions = np.divide(falls, peaks[1:], out=np.zeros_like(falls), where=positive)
        worst = self._drawdown
        self._drawdown = Drawdown(
            fraction=max(worst.fraction, fractions.max().item()),
            amount=max(worst.amount, falls.max().item()),
            length_ns=max(worst.length_ns, lengths.max().item()),
        )
        self._peak = (highs[-1].item(), peaks[-1].item())


def trading_days(at: Instants, *, rests_at_weekends: bool) -> Instants:
    """Days since 1970 (UTC) of instants; with `rests_at_weekends`, Saturday and Sunday count as the next Monday."""
    days = at // NS_PER_DAY
    if rests_at_weekends:
        weekday = (days + _EPOCH_WEEKDAY) % 7
        days = days + np.where(weekday >= _SATURDAY, 7 - weekday, 0)
    return days
