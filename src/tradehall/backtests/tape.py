"""Tapes: past prices of one symbol, as columns that come in blocks, and those parts of them that are looked at now."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.backtests.bar_path import offsets
from tradehall.domain.instrument import Instrument

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

ROWS_PER_BLOCK: Final = 65_536
PRICES_OF_A_BAR: Final = 4


class Block(Struct, frozen=True):
    """So many rows of a tape, oldest first, as columns of equal length.

    `at` [ns UTC] never falls. `bid`: one column of quotes, or open, high, low, close of bars; `ask` likewise,
    None where one price is recorded for both. Sizes and volumes are NaN where they were not told.
    """

    at: Numbers
    bid: tuple[Floats, ...]
    ask: tuple[Floats, ...] | None = None
    volume: Floats | None = None
    bid_size: Floats | None = None
    ask_size: Floats | None = None

    def __len__(self) -> int:
        return self.at.size

    def part(self, start: int, stop: int) -> "Block":
        """Rows `start` to `stop`, without a copy."""
        cut = slice(start, stop)
        return self._each(lambda column: column[cut])

    def joined(self, other: "Block") -> "Block":
        """These rows and then those of `other`, which has the same columns."""
        return Block(
            np.concatenate((self.at, other.at)),
            _joined_all(self.bid, other.bid),
            None if self.ask is None or other.ask is None else _joined_all(self.ask, other.ask),
            _joined(self.volume, other.volume),
            _joined(self.bid_size, other.bid_size),
            _joined(self.ask_size, other.ask_size),
        )

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Block":
        return Block(
            change(self.at),
            tuple(change(column) for column in self.bid),
            None if self.ask is None else tuple(change(column) for column in self.ask),
            None if self.volume is None else change(self.volume),
            None if self.bid_size is None else change(self.bid_size),
            None if self.ask_size is None else change(self.ask_size),
        )


def _joined_all(ours: tuple[Floats, ...], theirs: tuple[Floats, ...]) -> tuple[Floats, ...]:
    return tuple(np.concatenate(pair) for pair in zip(ours, theirs, strict=True))


def _joined(ours: Floats | None, theirs: Floats | None) -> Floats | None:
    return None if ours is None or theirs is None else np.concatenate((ours, theirs))


class Tape(Protocol):
    """What was recorded of one symbol; it can be read any number of times.

    `span_ns`: the length of its bars; None: it holds quotes. `length`: its rows, for progress. Rows are in
    the order of time and sane: whoever made the tape has checked it.
    """

    @property
    def instrument(self) -> Instrument:
        """The rules of its symbol."""
        ...

    @property
    def span_ns(self) -> int | None:
        """See above."""
        ...

    @property
    def length(self) -> int:
        """See above."""
        ...

    def blocks(self) -> Iterator[Block]:
        """All rows from the beginning, in blocks of any length."""
        ...


class ArrayTape:
    """A tape of columns that are in memory already."""

    def __init__(self, instrument: Instrument, rows: Block, span_ns: int | None = None) -> None:
        assert len(rows.bid) == (1 if span_ns is None else PRICES_OF_A_BAR), (
            "quotes have one price a side, bars have four"
        )
        self.instrument = instrument
        self.span_ns = span_ns
        self.length = len(rows)
        self._rows = rows

    def blocks(self) -> Iterator[Block]:
        """See Tape.blocks."""
        for start in range(0, self.length, ROWS_PER_BLOCK):
            yield self._rows.part(start, min(self.length, start + ROWS_PER_BLOCK))


def point_offsets(span_ns: int | None) -> tuple[int, ...]:
    """When the prices of a row are told, from its start on [ns]: a quote at once, those of a bar spread over it."""
    return (0,) if span_ns is None else offsets(span_ns)


class Reader:
    """Reads a tape from one window of time to the next; holds two blocks, or what one window needs."""

    def __init__(self, tape: Tape, begins_at: int | None, ends_at: int | None) -> None:
        self._blocks = tape.blocks()
        self._begins_at = begins_at
        self._ends_at = ends_at
        self._lasts = point_offsets(tape.span_ns)[-1]
        self.rows: Block | None = None
        self.base = 0  # Rows that came before `rows`.
        self.is_exhausted = False

    def reach(self, after: int) -> int | None:
        """Up to where [ns UTC] all rows are here, which is later than `after`; None: to the end."""
        while not self.is_exhausted:
            if self.rows is not None and len(self.rows) and int(self.rows.at[-1]) > after:
                return int(self.rows.at[-1])
            self._read()
        return None

    def window(self, until: int | None) -> Block | None:
        """Rows that begin before `until`, beginning with the first that was not over before the last window's end."""
        if self.rows is None:
            return None
        stop = len(self.rows) if until is None else int(np.searchsorted(self.rows.at, until))
        return self.rows.part(0, stop)

    def drop(self, until: int) -> None:
        """Let go of rows that are over before `until`."""
        if self.rows is not None:
            over = int(np.searchsorted(self.rows.at, until - self._lasts))
            self.rows = self.rows.part(over, len(self.rows))
            self.base += over

    def _read(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            self.is_exhausted = True
            return
        start = 0 if self._begins_at is None else int(np.searchsorted(block.at, self._begins_at))
        stop = len(block) if self._ends_at is None else int(np.searchsorted(block.at, self._ends_at))
        self.is_exhausted = stop < len(block)
        kept = block.part(start, max(start, stop))
        self.rows = kept if self.rows is None or not len(self.rows) else self.rows.joined(kept)


class Window(Struct, frozen=True):
    """A stretch of time: prices before `until` [ns UTC] are told in it (None: all that are left).

    By tape: its rows, and how many came before them. A row that lasts beyond `until` is in the next window too.
    """

    until: int | None
    rows: tuple[Block | None, ...]
    bases: tuple[int, ...]


def windows(tapes: Sequence[Tape], begins_at: int | None = None, ends_at: int | None = None) -> Iterator[Window]:
    """All of the period, a window after the other; in each at least one tape gets ahead by a block."""
    readers = [Reader(tape, begins_at, ends_at) for tape in tapes]
    after = -(2**62)
    while True:
        ends = [end for reader in readers if (end := reader.reach(after)) is not None]
        until = min(ends, default=None)
        yield Window(until, tuple(reader.window(until) for reader in readers), tuple(reader.base for reader in readers))
        if until is None:
            return
        for reader in readers:
            reader.drop(until)
        after = until
