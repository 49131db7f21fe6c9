"""All that lives in journal.db, opened in the right order."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.checkpoints import Checkpoints
from tradehall.adapters.sqlite.connection import faults_named, lock_folder, migrate, open_writer
from tradehall.adapters.sqlite.journal import SqliteJournal
from tradehall.adapters.sqlite.scribe import SqliteScribe
from tradehall.adapters.sqlite.views import SqliteViews, SqliteViewStore
from tradehall.adapters.sqlite.wal import LogContent, read_log
from tradehall.ports.journal import JournalDamaged

FILE_NAME: Final = "journal.db"

log: Final = logging.getLogger("tradehall.journal")


class SqliteStore:
    """The journal and its views in `folder`, for one server at a time.

    JournalRefused: another server is in it, or it cannot be written. JournalDamaged: a file is missing or
    malformed, or newer than the program. `on_unknown` must end the process: it is called, in any thread, when
    nobody knows what the disk holds. Not `is_synced`: for what can be made again, see open_writer.
    """

    def __init__(self, folder: Path, on_unknown: Callable[[BaseException], None], *, is_synced: bool = True) -> None:
        self._is_synced = is_synced
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._lock = lock_folder(folder)
        try:
            self._db = self._open()
        except BaseException:
            self._lock.close()
            raise
        self._checkpoints = Checkpoints(self.path, self.journal, on_unknown)
        self.view_store = SqliteViewStore(self._db, self.path, self._written)
        self.views = SqliteViews(self.path)
        self.scribe = SqliteScribe(self.journal, self.path, self._lock)

    def _open(self) -> sqlite3.Connection:
        left = self._left_behind()
        with faults_named(self.path), ExitStack() as on_fault:
            db = open_writer(self.path, is_synced=self._is_synced)
            on_fault.callback(db.close)
            migrate(db, self.path)
            self.journal = SqliteJournal(self.path, db, self._written)
            self._empty_log(db, left)
            on_fault.pop_all()
        return db

    def _left_behind(self) -> LogContent:
        """What a crash left in the log. JournalDamaged if something beside the journal says that it was there."""
        wal = self.path.with_name(FILE_NAME + "-wal")
        snapshots = self.path.parent / "snapshots"
        if not self.path.exists() and (wal.exists() or any(snapshots.glob("*.json"))):
            raise JournalDamaged(f"{self.path} is missing, but what belongs to it is still there")
        return read_log(wal)

    def _empty_log(self, db: sqlite3.Connection, left: LogContent) -> None:
        """Bring what the log holds into the database, and say what was recovered and what could not be."""
        _, whole, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if left.frames:
            log.info("recovered after a crash: last_record=%d log_pages=%d", self.journal.head.seq, whole)
        if left.frames > whole or not left.is_readable:
            log.warning(
                "the log ended torn, what was never wholly written is dropped: recovered up to record %d, pages=%d",
                self.journal.head.seq,
                max(0, left.frames - whole),
            )
        pages, page_bytes = (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
        size = self.path.stat().st_size
        if size < pages * page_bytes:
            raise JournalDamaged(f"{self.path} was cut: it has {size} bytes, its header says {pages * page_bytes}")

    def _written(self, size: int) -> None:
        self._checkpoints.written(size)

    def close(self) -> None:
        """Let go of everything; the log is emptied into the database."""
        self.views.close()
        self.scribe.dismiss()
        self._checkpoints.stop()
        self.journal.close()
        self._lock.close()
