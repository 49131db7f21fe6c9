"""Columns of orders in one file: rows in chunks, each column of a chunk in one piece: a million are read at once.

The file is mapped, not read: what nobody asks for stays on the disk. Floats stand there by their bits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 4_096

Column = NDArray[np.int64]


class ColumnFile:
    """`width` columns of int64. Rows are only added or overwritten; how many count is the caller's to know."""

    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._width = width
        self._map: NDArray[np.int64] | None = None
        self._chunks = 0
        self.follow()

    @property
    def rows(self) -> int:
        """How many rows the file has room for."""
        return self._chunks * CHUNK

    def follow(self) -> None:
        """See rows that another process has added since."""
        size = self._path.stat().st_size if self._path.exists() else 0
        chunks = size // (CHUNK * self._width * 8)
        if chunks != self._chunks or self._map is None:
            self._chunks = chunks
            self._remap()

    def put(self, rows: Sequence[int], values: NDArray[np.int64]) -> None:
        """Write `values`, a line per row."""
        if not len(rows):
            return
        places = np.asarray(rows, np.int64)
        self._grow(int(places.max()) // CHUNK + 1)
        assert self._map is not None
        chunk, at = np.divmod(places, CHUNK)
        self._map[chunk, :, at] = values

    def column(self, number: int, first: int, last: int) -> Column:
        """Rows from `first` to before `last` of one column: what they are now, whatever is written later."""
        if first >= last or self._map is None:
            return np.empty(0, np.int64)
        begin, end = first // CHUNK, (last - 1) // CHUNK + 1
        whole = self._map[begin:end, number, :].flatten()
        return whole[first - begin * CHUNK : last - begin * CHUNK]

    def value(self, number: int, row: int) -> int:
        """One cell."""
        assert self._map is not None
        cell: int = self._map[row // CHUNK, number, row % CHUNK].item()
        return cell

    def close(self) -> None:
        """Let go of the file."""
        self._map = None

    def _grow(self, chunks: int) -> None:
        if chunks <= self._chunks:
            return
        with self._path.open("ab") as file:
            file.truncate(chunks * CHUNK * self._width * 8)
        self._chunks = chunks
        self._remap()

    def _remap(self) -> None:
        shape = (self._chunks, self._width, CHUNK)
        self._map = np.memmap(self._path, np.int64, "r+", shape=shape) if self._chunks else None


def is_any(column: NDArray[np.int64], values: Sequence[int]) -> NDArray[np.bool_]:
    """Which rows have one of these values."""
    if len(values) == 1:
        same: NDArray[np.bool_] = column == values[0]
        return same
    return np.isin(column, np.array(values, np.int64))


def picked(column: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The chosen rows; nearly always that is all of them, and then they need not be picked."""
    return column if chosen.all() else column[chosen]
