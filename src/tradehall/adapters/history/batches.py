"""Batches as columns of Python values: rows that cannot be used are left out, times never go back."""

from itertools import accumulate
from typing import Any

from tradehall.adapters.history.arrow import pa, pc
from tradehall.adapters.history.schema import TIME


class Columns:
    """The usable rows of a batch; a file's track makes one per batch and asks for its columns.

    Usable is a row with a time, with positive, finite numbers in all columns of `positive`, and with
    something in all columns of `present`.
    `not_before` [ns UTC] is the last time of the batch before.
    """

    def __init__(self, batch: Any, positive: tuple[str, ...], present: tuple[str, ...], *, not_before: int) -> None:
        usable = batch.column(TIME).is_valid()
        for name in positive:
            column = batch.column(name)
            number = pc.and_(pc.is_finite(column), pc.greater(column, 0.0))
            usable = pc.and_(usable, pc.fill_null(number, False))
        for name in present:
            usable = pc.and_(usable, batch.column(name).is_valid())
        count = pc.sum(usable).as_py() or 0
        self.left_out: int = batch.num_rows - count
        self._batch = batch.filter(usable) if self.left_out else batch
        self.at = _in_order(self._batch.column(TIME), not_before)

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    def has(self, name: str) -> bool:
        """Whether the file has this column."""
        return name in self._batch.schema.names

    def values(self, name: str) -> list[Any]:
        """A column; None where the file has nothing."""
        values: list[Any] = self._batch.column(name).to_pylist()
        return values


def _in_order(column: Any, not_before: int) -> list[int]:
    times: list[int] = column.to_pylist()
    if not times:
        return times
    steps = pc.pairwise_diff(column) if len(times) > 1 else pa.array([0])
    if times[0] >= not_before and (pc.min(steps).as_py() or 0) >= 0:
        return times
    # A recorder's clock may step back: rows keep the order of the file.
    return list(accumulate(times, max, initial=not_before))[1:]
