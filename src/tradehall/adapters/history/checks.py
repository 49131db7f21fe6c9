"""What an import refuses: rows that cannot be true, each named with its number and what was expected."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from tradehall.adapters.history.arrow import pa, pc
from tradehall.adapters.history.schema import ADJUSTED, BAR_PRICES, QUOTE_BAR_PRICES, TIME, Kind
from tradehall.domain.time import to_rfc3339

COMPLAINTS_SHOWN_MAX: Final = 20


class Complaint(Struct, frozen=True):
    """What is wrong with a row of a file; the first row behind the header has number 1."""

    file: str
    row: int
    text: str

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.text}"


# A check: what was expected, which columns it shows, and a mask of the rows that fail it.
Check = tuple[str, tuple[str, ...], Callable[[Any], Any]]


class Checker:
    """Checks the batches of one file in order; `count` is of all complaints, `shown` has the first of them."""

    def __init__(self, file: str, kind: Kind) -> None:
        self.count = 0
        self.rows = 0
        self.first_at: int | None = None
        self.last_at: int | None = None
        self.shown: list[Complaint] = []
        self._file = file
        self._kind = kind

    def check(self, batch: Any) -> None:
        """Look at every row of the next batch."""
        complaints = [(row, text) for found in self._found(batch) for row, text in found]
        for row, text in sorted(complaints):
            self.count += 1
            if len(self.shown) < COMPLAINTS_SHOWN_MAX:
                self.shown.append(Complaint(self._file, self.rows + row + 1, text))
        times = batch.column(TIME).drop_null()
        if len(times):
            self.first_at = times[0].as_py() if self.first_at is None else self.first_at
            self.last_at = times[-1].as_py()
        self.rows += batch.num_rows

    def _found(self, batch: Any) -> Iterator[list[tuple[int, str]]]:
        yield self._times(batch.column(TIME))
        columns = batch.schema.names
        for expected, names, fails in CHECKS[self._kind]:
            if all(name in columns for name in names):
                yield _failing(batch, expected, names, fails)

    def _times(self, column: Any) -> list[tuple[int, str]]:
        """Rows without a time, earlier than the one before, and of bars those of the same time."""
        found = [(row, "no time that can be read: expected an epoch or RFC 3339") for row in _rows(column.is_null())]
        before = pa.concat_arrays([pa.array([self.last_at], pa.int64()), column[:-1]])
        step = pc.subtract(column, before)
        found += [
            (row, f"{_at(column, row)} is before {_at(before, row)}: expected rows in the order of time")
            for row in _rows(pc.less(step, 0))
        ]
        if self._kind in {Kind.BARS, Kind.QUOTE_BARS}:
            found += [
                (row, f"{_at(column, row)} stands there twice: expected one bar per time")
                for row in _rows(pc.equal(step, 0))
            ]
        return found


def _failing(batch: Any, expected: str, names: tuple[str, ...], fails: Callable[[Any], Any]) -> list[tuple[int, str]]:
    return [
        (row, f"{', '.join(f'{name} {_value(batch, name, row)}' for name in names)}: expected {expected}")
        for row in _rows(fails(batch))
    ]


def _value(batch: Any, name: str, row: int) -> Any:
    value = batch.column(name)[row].as_py()
    return "has nothing that can be read" if value is None else value


def _rows(mask: Any) -> list[int]:
    """Numbers of the rows where the mask is true."""
    found: list[int] = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
    return found


def _at(column: Any, row: int) -> str:
    at = column[row].as_py()
    return "nothing" if at is None else to_rfc3339(at)


def _positive(name: str) -> Check:
    return "a positive number", (name,), lambda batch: _is_not(batch.column(name), pc.greater)


def _not_negative(name: str) -> Check:
    return "a number that is not negative", (name,), lambda batch: _is_not(batch.column(name), pc.greater_equal)


def _size_if_any(name: str) -> Check:
    """Sizes of quotes and volumes of bars may be missing."""

    def fails(batch: Any) -> Any:
        column = batch.column(name)
        return pc.and_(column.is_valid(), _is_not(column, pc.greater_equal))

    return "a number that is not negative, or nothing", (name,), fails


def _is_not(column: Any, compare: Callable[[Any, float], Any]) -> Any:
    fine = pc.and_(pc.is_finite(column), compare(column, 0.0))
    return pc.invert(pc.fill_null(fine, False))


def _below(low: str, high: str, *, strictly: bool = False) -> Check:
    above = pc.greater_equal if strictly else pc.greater
    text = f"{low} below {high}" if strictly else f"{low} not above {high}"
    return text, (low, high), lambda batch: above(batch.column(low), batch.column(high))


def _one_of(name: str, first_letters: str, expected: str) -> Check:
    def fails(batch: Any) -> Any:
        letter = pc.utf8_slice_codeunits(pc.utf8_lower(batch.column(name)), 0, 1)
        fine = pc.is_in(letter, value_set=pa.array(list(first_letters)))
        return pc.invert(pc.fill_null(fine, False))

    return expected, (name,), fails


def _bar(prefix: str = "") -> tuple[Check, ...]:
    low, high = f"{prefix}low", f"{prefix}high"
    inner = [f"{prefix}open", f"{prefix}close"]
    return (
        _below(low, high),
        *(_below(low, name) for name in inner),
        *(_below(name, high) for name in inner),
    )


CHECKS: Final[dict[Kind, tuple[Check, ...]]] = {
    Kind.QUOTES: (
        _positive("bid"),
        _positive("ask"),
        _below("bid", "ask", strictly=True),
        _size_if_any("bid_size"),
        _size_if_any("ask_size"),
    ),
    Kind.PRINTS: (_positive("price"), _positive("size")),
    Kind.BARS: (*map(_positive, (*BAR_PRICES, ADJUSTED)), *_bar(), _size_if_any("volume")),
    Kind.QUOTE_BARS: (
        *map(_positive, QUOTE_BAR_PRICES),
        *_bar("bid_"),
        *_bar("ask_"),
        _below("bid_open", "ask_open", strictly=True),
        _below("bid_close", "ask_close", strictly=True),
    ),
    Kind.LEVEL2: (
        _positive("price"),
        _not_negative("size"),
        _one_of("side", "bas", "bid or ask"),
        _one_of("event", "su", "snapshot or update"),
    ),
    Kind.DEPTH: (
        _positive("bid0"),
        _positive("ask0"),
        _below("bid0", "ask0", strictly=True),
        _size_if_any("bid0_size"),
        _size_if_any("ask0_size"),
    ),
}
assert CHECKS.keys() == set(Kind)
