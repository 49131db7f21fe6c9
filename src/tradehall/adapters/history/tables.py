"""Tables of Parquet and CSV files, read in blocks: memory does not grow with the length of a file."""

import gzip
import io
import os
import zlib
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
# The end of a CSV file that is looked at for its last time.
BYTES_OF_TAIL: Final = 1 << 16
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
        except (OSError, pa.ArrowException, EOFError, zlib.error) as error:
            raise FeedError(f"{self.path} cannot be read: {_first_line(error)}") from error

    def first_rows(self) -> Any:
        """The first batch, None of an empty file; FeedError where the file is damaged there.

        A reader of CSV looks ahead, so it is shown no more than the beginning: damage further on is another matter.
        """
        try:
            batches = self._parquet(ROWS_PER_BATCH) if self.is_parquet else self._csv_beginning()
            first = next(batches, None)
            return None if first is None else self._typed(first, ClockReader())
        except (OSError, pa.ArrowException, EOFError, zlib.error) as error:
            raise FeedError(f"{self.path} cannot be read: {_first_line(error)}") from error

    def last_at(self) -> int | None:
        """The last time of the file [ns UTC], read from its end (a packed file is unpacked for it).

        None where the end cannot be read; that it is damaged is said when its rows are.
        """
        try:
            latest = [pc.max(self._times(batch, ClockReader())).as_py() for batch in self._tail()]
        except (OSError, pa.ArrowException, EOFError):
            return None
        return max((at for at in latest if at is not None), default=None)

    def _typed(self, batch: Any, clock: ClockReader) -> Any:
        columns = {}
        for name, own in self.columns.items():
            if name == TIME:
                columns[name] = self._times(batch, clock)
            else:
                columns[name] = (to_texts if name in TEXT_COLUMNS else to_floats)(batch.column(own))
        return pa.RecordBatch.from_pydict(columns)

    def _times(self, batch: Any, clock: ClockReader) -> Any:
        """The time column; where day and time of day have a column each, both together."""
        column = batch.column(self.columns[TIME])
        if self._time_of_day is not None:
            column = pc.binary_join_element_wise(to_texts(column), to_texts(batch.column(self._time_of_day)), " ")
        return clock.to_ns(column)

    def _tail(self) -> Iterator[Any]:
        """Batches at the end of the file, or of all of it where that is short."""
        if not self.is_parquet:
            with io.BytesIO(_tail_bytes(self.path)) as stream:
                yield from self._csv_rows(stream, BYTES_OF_TAIL, skip_rows=0)
            return
        times = [own for own in (self.columns[TIME], self._time_of_day) if own is not None]
        with pq.ParquetFile(self.path) as file:
            groups = [number for number in range(file.num_row_groups) if file.metadata.row_group(number).num_rows]
            yield from file.iter_batches(ROWS_PER_BATCH, groups[-1:], columns=times, use_threads=False)

    def _parquet(self, rows: int) -> Iterator[Any]:
        # A buffer of its own keeps the reader from taking a whole column of a row group at once.
        file = pq.ParquetFile(self.path, buffer_size=BYTES_PER_BLOCK, pre_buffer=False)
        with file:
            for batch in file.iter_batches(rows, columns=self._wanted, use_threads=False):
                self.done += batch.num_rows
                yield batch

    def _csv(self, block: int) -> Iterator[Any]:
        with self.path.open("rb") as raw, _unpacked(self.path, raw) as stream:
            for batch in self._csv_rows(stream, block, skip_rows=1):
                self.done = raw.tell()
                yield batch

    def _csv_beginning(self) -> Iterator[Any]:
        size = ROWS_PER_BATCH * BYTES_PER_ROW
        with self.path.open("rb") as raw, _unpacked(self.path, raw) as stream:
            beginning = stream.read(size)
        if len(beginning) == size:
            beginning = beginning[: beginning.rfind(b"\n") + 1] or beginning
        yield from self._csv_rows(io.BytesIO(beginning), size, skip_rows=1)

    def _csv_rows(self, stream: Any, block: int, *, skip_rows: int) -> Iterator[Any]:
        options = csv.ReadOptions(
            use_threads=False, block_size=block, column_names=_header(self.path), skip_rows=skip_rows
        )
        # Read as text: a column's type must not depend on what its first block happens to hold.
        types = csv.ConvertOptions(
            column_types=dict.fromkeys(self._wanted, pa.string()),
            include_columns=self._wanted,
            strings_can_be_null=True,
        )
        separated = csv.ParseOptions(delimiter=_delimiter(self.path))
        with csv.open_csv(stream, options, separated, types) as reader:
            yield from reader


def is_readable_name(path: Path) -> bool:
    """Whether the name ends like a file we can read."""
    return path.name.lower().endswith(SUFFIXES)


def _head(path: Path, *, is_parquet: bool) -> tuple[list[str], bytes | None]:
    """Column names, and what we wrote beside them when the file is one of our own."""
    try:
        if not is_parquet:
            return _header(path), None
        schema = pq.read_schema(path)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pa.ArrowException) as error:
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


def _tail_bytes(path: Path) -> bytes:
    """Whole rows at the end of a file, its header excepted; of a packed file that is damaged, those before."""
    tail, is_whole = b"", True
    with path.open("rb") as raw, _unpacked(path, raw) as stream:
        if stream is raw and path.stat().st_size > BYTES_OF_TAIL:
            raw.seek(-BYTES_OF_TAIL, os.SEEK_END)
        try:
            while block := stream.read1(BYTES_PER_BLOCK):
                tail = (tail + block)[-BYTES_OF_TAIL:]
        except (OSError, EOFError, zlib.error):
            is_whole = False
    # The first row is the header, or was cut.
    rows = tail.splitlines(keepends=True)[1:]
    return b"".join(rows if is_whole else rows[:-1])


def _unpacked(path: Path, raw: io.BufferedReader) -> Any:
    return gzip.open(raw) if path.name.lower().endswith(".gz") else raw


def _size(path: Path, *, is_parquet: bool) -> int:
    return int(pq.read_metadata(path).num_rows) if is_parquet else path.stat().st_size


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:12]) or "none"
    return shown + ", …" if len(names) > 12 else shown


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
