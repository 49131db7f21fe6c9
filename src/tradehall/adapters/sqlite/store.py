"""All that lives in journal.db, opened in the right order."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.checkpoints import Checkpoints
from tradehall.adapters.sqlite.connection import lock_folder, migrate, open_writer
from tradehall.adapters.sqlite.journal import SqliteJournal
from tradehall.adapters.sqlite.views import (
    SqliteViews,
    SqliteViewStore,
)
from tradehall.ports.journal import JournalDamaged

FILE_NAME: Final = "journal.db"

log: Final = logging.getLogger("tradehall.journal")


class SqliteStore:
    """The journal and its views in `folder`, for one server at a time.

    JournalRefused: another server is in it. JournalDamaged: the file is malformed, or newer than the program.
    `on_unknown` must end the process: it is called when nobody knows what the disk holds.
    """

    def __init__(self, folder: Path, on_unknown: Callable[[BaseException], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._lock = lock_folder(folder)
        try:
            self._db = open_writer(self.path)
            migrate(self._db, self.path)
            self.journal = SqliteJournal(self.path, self._db, self._written)
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise JournalDamaged(f"{self.path} cannot be used: {error}") from error
        self._checkpoints = Checkpoints(self.path, self.journal.writing, on_unknown)
        self.view_store = SqliteViewStore(self._db, self._written)
        self.views = SqliteViews(self.path)

    def _written(self, size: int) -> None:
        self._checkpoints.written(size)

    def close(self) -> None:
        """Let go of everything; the log is emptied into the database."""
        self.views.close()
        self._checkpoints.stop()
        self.journal.close()
        self._lock.close()
