"""Thinning: a long series becomes as many points as a chart can show, and keeps its peaks and troughs."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# A bucket is drawn by its lowest, its highest and its last point.
BUCKETS_MAX: Final = 1_024

Point = tuple[int, float]
Bucket = tuple[Point, Point, Point]


class Thinned:
    """Keeps at most `buckets_max` buckets of consecutive points; when they are full, two become one.

    Prices, equity or anything else that is one number at one instant [ns UTC]; memory does not grow.
    """

    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        assert buckets_max >= 2, f"buckets_max was {buckets_max}, must be at least 2"
        self._buckets_max = buckets_max
        self._size = 1
        self._first: list[Point] = []
        self._buckets: list[Bucket] = []
        self._rest_at = np.empty(0, np.int64)
        self._rest = np.empty(0)

    def extend(self, at: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Take more points, in order of time."""
        if at.size and not self._first:
            self._first = [(at[0].item(), values[0].item())]
        at, values = np.concatenate((self._rest_at, at)), np.concatenate((self._rest, values))
        while at.size // self._size + len(self._buckets) > self._buckets_max:
            self._size *= 2
            self._buckets = _paired(self._buckets)
        whole = at.size // self._size * self._size
        self._buckets += _bucketed(at[:whole], values[:whole], self._size)
        self._rest_at, self._rest = at[whole:].copy(), values[whole:].copy()

    def points(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What is kept, in order of time, the first and the last in any case; of points at one instant the last."""
        rest = _bucketed(self._rest_at, self._rest, max(1, self._rest.size))
        kept = dict(self._first)
        for low, high, last in self._buckets + rest:
            kept.update((*sorted((low, high)), last))
        return np.array(list(kept), np.int64), np.array(list(kept.values()), np.float64)


def _bucketed(at: NDArray[np.int64], values: NDArray[np.float64], size: int) -> list[Bucket]:
    """Consecutive buckets of `size` points, as many as there are whole ones."""
    times, rows = at.reshape(-1, size), values.reshape(-1, size)
    if not rows.size:
        return []
    index = np.arange(len(rows))
    picked = [(times[index, column], rows[index, column]) for column in (rows.argmin(1), rows.argmax(1), -1)]
    low, high, last = (list(zip(t.tolist(), v.tolist(), strict=True)) for t, v in picked)
    return list(zip(low, high, last, strict=True))


def _paired(buckets: list[Bucket]) -> list[Bucket]:
    """Each two neighbours as one; an odd one at the end stays alone."""
    pairs = zip(buckets[::2], buckets[1::2], strict=False)
    alone = buckets[-1:] if len(buckets) % 2 else []
    return [(min(a[0], b[0], key=_value), max(a[1], b[1], key=_value), b[2]) for a, b in pairs] + alone


def _value(point: Point) -> float:
    return point[1]
