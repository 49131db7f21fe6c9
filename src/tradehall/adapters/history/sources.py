"""Sources: the files a replay, an import or a read of history is made of, each with its label and rules."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from tradehall.adapters.history.naming import SUFFIXES, read_name
from tradehall.adapters.history.rules import TABLE_NAME, Rules, rules_for, tick_of
from tradehall.adapters.history.schema import PRICE_COLUMNS, TIME, Kind
from tradehall.adapters.history.tables import Table, is_readable_name
from tradehall.ports.feed import FeedError

FILES_MAX: Final = 10_000
# Tables that may lie beside the data without being data.
NOT_DATA: Final = frozenset({TABLE_NAME, "corporate_actions.csv"})
SPANNED: Final = frozenset({Kind.BARS, Kind.QUOTE_BARS})


class Label(Struct, frozen=True):
    """What a file is about; kept inside the files of the import store, whose names say something else."""

    symbol: str
    venue: str
    kind: Kind
    span_ns: int | None
    rules: Rules


class Source:
    """A readable file with at least one row: its label, its first instant, its tick.

    FeedError if it cannot be read, is of no known kind, is empty, or does not tell the span of its bars.
    """

    def __init__(self, path: Path, *, symbol: str | None = None) -> None:
        self.path = path
        self.table = Table(path)
        first = _first_rows(self.table)
        self.label = _label(self.table, first, symbol)
        self.first_at: int = next((at for at in first.column(TIME).to_pylist() if at is not None), 0)
        self.tick_size = self.label.rules.tick_size or _tick(self.table.kind, first)

    @cached_property
    def last_at(self) -> int:
        """Its last instant [ns UTC]: of bars the end of the last one."""
        last = self.table.last_at()
        return max(self.first_at, self.first_at if last is None else last) + (self.label.span_ns or 0)

    @property
    def key(self) -> tuple[str, str]:
        """Symbol and venue."""
        return self.label.symbol, self.label.venue


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Data files among and below `paths`, sorted within each folder.

    FeedError for a path that is not there, a folder without data files, a file of another format.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(file for file in path.rglob("*") if _is_data(file, path))
            if not below:
                raise FeedError(f"{path} is a folder without {' or '.join(SUFFIXES)} files: expected some")
            found += below
        elif not path.exists():
            raise FeedError(f"{path} does not exist: expected a file or folder of recorded market data")
        elif not is_readable_name(path):
            raise FeedError(f"{path} is no file we can read: expected a name that ends in {', '.join(SUFFIXES)}")
        else:
            found.append(path)
    if len(found) > FILES_MAX:
        raise FeedError(f"{len(found)} files were found: expected at most {FILES_MAX}")
    return list(dict.fromkeys(found))


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and not hidden and is_readable_name(file) and file.name not in NOT_DATA


def _first_rows(table: Table) -> Any:
    first = table.first_rows()
    if first is None or first.num_rows == 0:
        raise FeedError(f"{table.path} has no rows: expected at least one")
    if first.column(TIME).null_count == first.num_rows:
        column = table.columns[TIME]
        raise FeedError(f"{table.path} has no time that can be read in column {column}: expected epochs or RFC 3339")
    return first


def _label(table: Table, first: Any, symbol: str | None) -> Label:
    if table.metadata is not None:
        return _stored_label(table.path, table.metadata)
    name = read_name(table.path)
    symbol = (symbol or name.symbol).upper()
    if not symbol:
        raise FeedError(f"{table.path} names no symbol: expected a name such as EURUSD.OANDA.1m.csv")
    span = (name.span_ns or _span(table.path, first)) if table.kind in SPANNED else None
    return Label(symbol, name.venue, table.kind, span, rules_for(symbol, name.venue, table.path))


def _stored_label(path: Path, metadata: bytes) -> Label:
    try:
        return msgspec.json.decode(metadata, type=Label)
    except msgspec.DecodeError as error:
        raise FeedError(f"{path} has a label that cannot be read ({error}): expected one made by an import") from error


def _span(path: Path, first: Any) -> int:
    """Least distance of two bars: bars may be missing but are never closer than their span."""
    times = [at for at in first.column(TIME).to_pylist() if at is not None]
    steps: list[int] = [there - here for here, there in pairwise(times) if there > here]
    if not steps:
        raise FeedError(f"{path} has one bar only: expected a name that tells its span, such as EURUSD.1m.csv")
    return min(steps)


def _tick(kind: Kind, first: Any) -> Decimal:
    columns = [first.column(name).to_pylist() for name in PRICE_COLUMNS[kind]]
    rows = zip(*columns, strict=True)
    return tick_of(price for row in rows for price in row if price is not None and isfinite(price))
