"""Tables of Parquet and CSV files, read in blocks: memory does not grow with the length of a file."""

import gzip
import io
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

from tradehall.adapters.history.arrow import csv, pa, pc, pq
from tradehall.adapters.history.naming import SUFFIXES
from tradehall.adapters.history.schema import TEXT_COLUMNS, TIME, Kind, detect, expectation, time_of_day
from tradehall.adapters.history.values import ClockReader, to_floats, to_texts
from tradehall.ports.feed import FeedError

ROWS_PER_BATCH: Final = 16_384
BYTES_PER_BLOCK: Final = 1 << 20
# So many bytes of CSV count as a row of a batch.
BYTES_PER_ROW: Final = BYTES_PER_BLOCK // ROWS_PER_BATCH
METADATA_KEY: Final = b"tradehall"


class Table:
    """One file of market data: its kind, and its rows in batches with our column names and types.

    A batch has `timestamp` as int64 [ns UTC], numbers as float64, texts as strings; null where the file has
    nothing that can be read as such. FeedError if the file cannot be opened or is of no kind of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_parquet = path.name.lower().endswith(".parquet")
        names, self.metadata = _head(path, is_parquet=self.is_parquet)
        detected = detect(names)
        if detected is None:
            raise FeedError(f"{path} has columns {_listed(names)}: {expectation()}")
        self.kind: Kind = detected[0]
        self.columns: dict[str, str] = detected[1]
        self._time_of_day = time_of_day(names)
        self._wanted = [*self.columns.values(), *([self._time_of_day] if self._time_of_day else [])]
        # How far a reader is, and how far it will be: rows of Parquet, bytes of CSV.
        self.done, self.total = 0, _size(path, is_parquet=self.is_parquet)

    def batches(self, rows: int = ROWS_PER_BATCH) -> Generator[Any, None, None]:
        """The rows of the file in order, about so many at a time; FeedError where it is damaged."""
        clock = ClockReader()
        self.done = 0
        try:
            for batch in self._parquet(rows) if self.is_parquet else self._csv(rows * BYTES_PER_ROW):
                yield self._typed(batch, clock)
        except (OSError, pa.ArrowException, EOFError) as error:
            raise FeedError(f"{self.path} cannot be read: {_first_line(error)}") from error

    def _typed(self, batch: Any, clock: ClockReader) -> Any:
        columns = {}
        for name, own in self.columns.items():
            column = batch.column(own)
            if name == TIME:
                columns[name] = clock.to_ns(self._whole_time(batch, column))
            else:
                columns[name] = to_texts(column) if name in TEXT_COLUMNS else to_floats(column)
        return pa.RecordBatch.from_pydict(columns)

    def _whole_time(self, batch: Any, column: Any) -> Any:
        """The time column; where day and time of day have a column each, both together."""
        if self._time_of_day is None:
            return column
        return pc.binary_join_element_wise(to_texts(column), to_texts(batch.column(self._time_of_day)), " ")

    def _parquet(self, rows: int) -> Iterator[Any]:
        # A buffer of its own keeps the reader from taking a whole column of a row group at once.
        file = pq.ParquetFile(self.path, buffer_size=BYTES_PER_BLOCK, pre_buffer=False)
        with file:
            for batch in file.iter_batches(rows, columns=self._wanted, use_threads=False):
                self.done += batch.num_rows
                yield batch

    def _csv(self, block: int) -> Iterator[Any]:
        with self.path.open("rb") as raw, _unpacked(self.path, raw) as stream:
            options = csv.ReadOptions(use_threads=False, block_size=block, column_names=_header(self.path), skip_rows=1)
            # Read as text: a column's type must not depend on what its first block happens to hold.
            types = csv.ConvertOptions(
                column_types=dict.fromkeys(self._wanted, pa.string()),
                include_columns=self._wanted,
                strings_can_be_null=True,
            )
            separated = csv.ParseOptions(delimiter=_delimiter(self.path))
            with csv.open_csv(stream, options, separated, types) as reader:
                for batch in reader:
                    self.done = raw.tell()
                    yield batch


def is_readable_name(path: Path) -> bool:
    """Whether the name ends like a file we can read."""
    return path.name.lower().endswith(SUFFIXES)


def _head(path: Path, *, is_parquet: bool) -> tuple[list[str], bytes | None]:
    """Column names, and what we wrote beside them when the file is one of our own."""
    try:
        if not is_parquet:
            return _header(path), None
        schema = pq.read_schema(path)
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowException) as error:
        what = "Parquet" if is_parquet else "CSV"
        raise FeedError(f"{path} cannot be read as {what}: {_first_line(error)}") from error
    return list(schema.names), (schema.metadata or {}).get(METADATA_KEY)


def _header(path: Path) -> list[str]:
    delimiter = _delimiter(path)
    names = [name.strip().strip('"') for name in _first_row(path).split(delimiter)]
    if not any(any(letter.isalpha() for letter in name) for name in names):
        raise FeedError(f"{path} begins with {_listed(names)}: expected a header row with column names")
    return names


def _delimiter(path: Path) -> str:
    row = _first_row(path)
    return max(",;\t|", key=row.count)


def _first_row(path: Path) -> str:
    with path.open("rb") as raw, _unpacked(path, raw) as stream:
        row: bytes = stream.readline(BYTES_PER_BLOCK)
    return row.decode("utf-8-sig").rstrip("\r\n")


def _unpacked(path: Path, raw: io.BufferedReader) -> Any:
    return gzip.open(raw) if path.name.lower().endswith(".gz") else raw


def _size(path: Path, *, is_parquet: bool) -> int:
    return int(pq.read_metadata(path).num_rows) if is_parquet else path.stat().st_size


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:12]) or "none"
    return shown + ", …" if len(names) > 12 else shown


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
