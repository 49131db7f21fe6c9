"""The store of imported history: Parquet partitions that appear whole or not at all.

    history/{kind}/{symbol}.{venue}/{resolution}/{first}_{last}_{content}.parquet

The name of a partition tells its first and last instant [ns UTC] and the beginning of the SHA-256 of the file
it was made from. Partitions are written below `.importing` and moved into place when they are durable.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from tradehall.adapters.history.naming import span_text
from tradehall.adapters.history.sources import Label
from tradehall.ports.feed import FeedError

CONTENT_DIGITS: Final = 16
WORKSHOP: Final = ".importing"
_PARTITION: Final = re.compile(rf"(-?\d+)_(-?\d+)_([0-9a-f]{{{CONTENT_DIGITS}}})\.parquet")
_ODD: Final = re.compile(r"[^A-Za-z0-9+=@-]")


class Partition(Struct, frozen=True):
    """A file of the store: `first_at`, `last_at` [ns UTC], `content` the digits of its origin's hash."""

    path: Path
    first_at: int
    last_at: int
    content: str


class Store:
    """The folder `history` of a data folder; made by the first import."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """A folder for unfinished partitions, for one import at a time; empty at first and gone afterwards.

        FeedError if another import is under way or the store cannot be written.
        """
        folder = self.root / WORKSHOP
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / ".lock").open("w") as lock:
                _lock(lock.fileno(), self.root)
                # What an import that was killed left behind.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise FeedError(f"{self.root} cannot be written: {error}") from error

    def folder_of(self, label: Label) -> Path:
        """Where partitions of this label lie."""
        resolution = "tick" if label.span_ns is None else span_text(label.span_ns)
        return self.root / label.kind / f"{_tame(label.symbol)}.{_tame(label.venue)}" / resolution

    def with_content(self, content: str) -> Partition | None:
        """The partition made from a file with this hash, if it was imported."""
        for path in self.root.glob(f"*/*/*/*_{content[:CONTENT_DIGITS]}.parquet"):
            return _partition(path)
        return None

    def overlapping(self, label: Label, first_at: int, last_at: int) -> Partition | None:
        """A partition of the same label with rows between these instants."""
        for path in sorted(self.folder_of(label).glob("*.parquet")):
            one = _partition(path)
            if one is not None and one.first_at <= last_at and first_at <= one.last_at:
                return one
        return None

    def place(self, finished: Path, label: Label, first_at: int, last_at: int, content: str) -> Path:
        """Move a durable partition to where it is found; after this it outlives a crash."""
        folder = self.folder_of(label)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{first_at}_{last_at}_{content[:CONTENT_DIGITS]}.parquet"
        finished.replace(target)
        for made in (folder, *folder.parents[:3]):
            _sync_folder(made)
        return target


def _lock(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FeedError(f"{root} is in the hands of another import: expected it to be free") from None


def _partition(path: Path) -> Partition | None:
    match = _PARTITION.fullmatch(path.name)
    return None if match is None else Partition(path, int(match[1]), int(match[2]), match[3])


def _tame(word: str) -> str:
    """A symbol as a name of a folder."""
    return _ODD.sub("_", word) or "_"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
