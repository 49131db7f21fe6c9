"""Checkpoints: the write-ahead log → the database, in a thread of its own, so that no order waits for one."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.connection import checkpoint, open_writer
from tradehall.adapters.sqlite.journal import SqliteJournal

# What was written since the last checkpoint. A log that is emptied is written again from its start, and a sync of pages
# that a file has already takes half as long as one that makes it grow.
CHECKPOINT_AFTER_BYTES: Final = 8 << 20
# Pages that a batch writes whatever its size: the ends of tables, and places in their indexes.
BYTES_PER_BATCH: Final = 64 << 10
# Beyond this many pages the log is begun anew, which stops the writer for the few that came meanwhile.
WAL_PAGES_MAX: Final = (64 << 20) // 4096

READERS_TIMEOUT_MS: Final = 20


class Checkpoints:
    """Keeps the log of the database at `path` short. `writing` is held by whoever writes there.

    `on_unknown` is called, in this thread, when a sync failed: then nobody knows what the disk holds.
    """

    def __init__(self, path: Path, journal: SqliteJournal, on_unknown: Callable[[BaseException], None]) -> None:
        self._journal = journal
        self._on_unknown = on_unknown
        self._db = open_writer(path)
        # At the end, for readers that are still there: the next start empties what is left. Nobody waits before.
        self._db.execute(f"PRAGMA busy_timeout = {READERS_TIMEOUT_MS}")
        self._bytes = 0
        self._is_stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def written(self, size: int) -> None:
        """A batch with `size` bytes of payload was written; any thread."""
        self._bytes += size + BYTES_PER_BATCH
        if self._bytes >= CHECKPOINT_AFTER_BYTES:
            self._bytes = 0
            self._wake.set()

    def stop(self) -> None:
        """End the thread and empty the log into the database; nobody writes any more."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join()
        self._checkpoint("TRUNCATE")
        self._db.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._is_stopping:
                return
            if self._checkpoint() <= WAL_PAGES_MAX:
                continue
            if self._journal.is_dictated:
                self._journal.is_log_long = True
            else:
                with self._journal.writing:
                    self._checkpoint()

    def _checkpoint(self, mode: str = "PASSIVE") -> int:
        try:
            return checkpoint(self._db, mode)
        except sqlite3.OperationalError as error:
            self._on_unknown(error)
            raise
