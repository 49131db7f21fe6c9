"""Percentiles by nearest rank: each is a value that was measured, never one between two."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)


def nearest_rank(values: NDArray[Number], percents: Sequence[float]) -> list[Number]:
    """The smallest values that at least so many percent of `values` do not exceed. Asserts at least one value.

    Rank ceil(percent ÷ 100 × n), from 1; `percents` in (0, 100]. Takes time in proportion to n: nothing is sorted.
    """
    assert values.size, "percentiles of nothing"
    # Rounded first: 0.95 × 100 as floats is a little more than 95.
    ranks = [max(1, int(np.ceil(round(percent * values.size / 100, 9)))) - 1 for percent in percents]
    placed = np.partition(values, ranks)
    return [placed[rank] for rank in ranks]


def by_group(values: NDArray[Number], groups: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[Number]]]:
    """The values of each group (a user, a strategy, an hour: any number), groups rising."""
    order = np.argsort(groups, kind="stable")
    sorted_groups, sorted_values = groups[order], values[order]
    starts = np.flatnonzero(np.diff(sorted_groups)) + 1
    firsts = np.concatenate(([0], starts)) if groups.size else np.empty(0, np.int64)
    for first, part in zip(firsts, np.split(sorted_values, starts), strict=False):
        yield int(sorted_groups[first]), part
