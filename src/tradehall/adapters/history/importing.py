"""Import: files checked row by row and taken into the store whole, or refused with a sentence."""

import hashlib
import os
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from tradehall.adapters.history.arrow import pa, pq
from tradehall.adapters.history.checks import Checker, Complaint
from tradehall.adapters.history.schema import TEXT_COLUMNS, TIME, Kind
from tradehall.adapters.history.sources import Label, Source, find_files
from tradehall.adapters.history.store import Store
from tradehall.adapters.history.tables import METADATA_KEY
from tradehall.ports.feed import FeedError

ROWS_PER_GROUP: Final = 131_072
BYTES_PER_READ: Final = 1 << 20

# (file, done, total): bytes of CSV or rows of Parquet; called about once per batch.
Progress = Callable[[Path, int, int], None]


class FileOutcome(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    REFUSED = "refused"


class FileReport(Struct, frozen=True):
    """What became of one file: `reason` says why it was refused, `complaints` are the first of
    `complaint_count`; `first_at`, `last_at` [ns UTC]."""

    file: str
    outcome: FileOutcome
    reason: str | None = None
    complaints: tuple[Complaint, ...] = ()
    complaint_count: int = 0
    symbol: str | None = None
    venue: str | None = None
    recording: Kind | None = None
    rows: int = 0
    first_at: int | None = None
    last_at: int | None = None
    stored_as: str | None = None


class ImportReport(Struct, frozen=True):
    """One report per file, in the order of the files."""

    files: tuple[FileReport, ...]

    @property
    def is_done(self) -> bool:
        """Whether every file was imported."""
        return all(report.outcome is FileOutcome.IMPORTED for report in self.files)


class _Refused(Exception):
    """A file is not taken; `report` says why."""

    def __init__(self, reason: str, checker: Checker | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.checker = checker


def import_files(
    paths: Sequence[Path],
    store: Path,
    progress: Progress | None = None,
    *,
    symbol: str | None = None,
    kind: Kind | None = None,
) -> ImportReport:
    """Check the files among and below `paths` and take each that is faultless into the folder `store`.

    Each file is taken whole or not at all, also when the process is killed. `symbol` names what the files
    do not; `kind` refuses files of another kind. FeedError when nothing could be begun: a path that is not
    there, a folder without data, a store that cannot be written or is being written by another import.
    """
    files = find_files(paths)
    target = Store(store)
    with target.workshop() as workshop:
        reports = [_imported(file, target, workshop, progress or _silent, symbol, kind) for file in files]
    return ImportReport(tuple(reports))


def _imported(
    file: Path, store: Store, workshop: Path, progress: Progress, symbol: str | None, kind: Kind | None
) -> FileReport:
    try:
        content = _hash(file)
        if (known := store.with_content(content)) is not None:
            raise _Refused(f"its content was imported before, as {known.path}: expected a new file")
        source = Source(file, symbol=symbol)
        if kind is not None and source.label.kind is not kind:
            raise _Refused(f"it holds {source.label.kind}: expected {kind}")
        return _taken(source, store, workshop / f"{content}.parquet", content, progress)
    except _Refused as refused:
        shown = refused.checker.shown if refused.checker else ()
        count = refused.checker.count if refused.checker else 0
        return FileReport(str(file), FileOutcome.REFUSED, refused.reason, tuple(shown), count)
    except FeedError as error:
        return FileReport(str(file), FileOutcome.REFUSED, str(error))


def _taken(source: Source, store: Store, draft: Path, content: str, progress: Progress) -> FileReport:
    """Check and write the file in one go, then move the result into its place."""
    label = msgspec.structs.replace(
        source.label, rules=msgspec.structs.replace(source.label.rules, tick_size=source.tick_size)
    )
    checker = Checker(str(source.path), label.kind)
    try:
        _write(source, label, draft, checker, progress)
        if checker.count:
            raise _Refused(f"{checker.count} complaints about its {checker.rows} rows", checker)
        first_at, last_at = checker.first_at or 0, checker.last_at or 0
        if (other := store.overlapping(label, first_at, last_at)) is not None:
            raise _Refused(f"its time overlaps that of {other.path}: expected rows before or after it")
        stored = store.place(draft, label, first_at, last_at, content)
    finally:
        draft.unlink(missing_ok=True)
    return FileReport(
        str(source.path),
        FileOutcome.IMPORTED,
        symbol=label.symbol,
        venue=label.venue,
        recording=label.kind,
        rows=checker.rows,
        first_at=first_at,
        last_at=last_at,
        stored_as=str(stored),
    )


def _write(source: Source, label: Label, draft: Path, checker: Checker, progress: Progress) -> None:
    """All rows into `draft`, durable; once something is wrong the rest is only checked."""
    table = source.table
    schema = pa.schema([(name, _type(name)) for name in table.columns], {METADATA_KEY: msgspec.json.encode(label)})
    held: list[Any] = []
    with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for batch in table.batches():
            checker.check(batch)
            progress(source.path, table.done, table.total)
            if not checker.count:
                held.append(batch.cast(schema))
            if sum(batch.num_rows for batch in held) >= ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_batches(held, schema))
                held.clear()
        if held and not checker.count:
            writer.write_table(pa.Table.from_batches(held, schema))
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())


def _type(name: str) -> Any:
    if name == TIME:
        return pa.timestamp("ns", "UTC")
    return pa.string() if name in TEXT_COLUMNS else pa.float64()


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(BYTES_PER_READ):
                digest.update(block)
    except OSError as error:
        raise FeedError(f"{file} cannot be read: {error}") from error
    return digest.hexdigest()


def _silent(_file: Path, _done: int, _total: int) -> None:
    pass
