"""Reading the files of a house, running or not, as of one moment and without changing anything."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tradehall.adapters.sqlite.connection import STATEMENTS_CACHED, faults_named, migrations, open_reader
from tradehall.adapters.sqlite.journal import ENTRIES_PER_FETCH, read_head
from tradehall.adapters.sqlite.store import FILE_NAME
from tradehall.adapters.sqlite.views import SqliteViewStore
from tradehall.ports.journal import Entry, Head, JournalDamaged
from tradehall.ports.views import AnyRow

FAULTS_TOLD_MAX = 10
# The version of the schema from which on the views may be behind the journal.
ROWS_BEHIND_SINCE = 2


class SqliteInspection:
    """The journal and views in `folder`, in one read transaction. JournalDamaged if they cannot be read at all."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        if not self.path.exists():
            raise JournalDamaged(f"there is no journal at {self.path}")
        with faults_named(self.path), ExitStack() as on_fault:
            self._db = open_reader(self.path)
            on_fault.callback(self._db.close)
            self._db.execute("BEGIN")
            version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(migrations()):
                raise JournalDamaged(f"{self.path} has schema version {version}: use a newer Tradehall")
            self._head = read_head(self._db)
            self._views = SqliteViewStore(self._db, self.path)
            # Before, rows were written with their records.
            self._views_seq = self._views.seq if version >= ROWS_BEHIND_SINCE else self._head.seq
            on_fault.pop_all()

    @property
    def head(self) -> Head:
        """The last record."""
        return self._head

    @property
    def views_version(self) -> int:
        """Version of the projections that wrote the views."""
        return self._views.version

    @property
    def views_seq(self) -> int:
        """The views are as they were after this record."""
        return self._views_seq

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Records beyond `after`, oldest first. JournalDamaged where the file is malformed."""
        cursor = self._db.execute("SELECT seq, payload, checksum FROM journal WHERE seq > ? ORDER BY seq", (after,))
        seq = after
        try:
            while chunk := cursor.fetchmany(ENTRIES_PER_FETCH):
                yield from map(Entry._make, chunk)
                seq = chunk[-1][0]
        except sqlite3.DatabaseError as error:
            raise JournalDamaged(f"{self.path} cannot be read after record {seq}: {error}") from error

    def rows(self, view: str) -> Iterator[AnyRow]:
        """Rows of a view by key; texts are bytes. JournalDamaged where the file is malformed."""
        try:
            yield from self._views.rows(view)
        except sqlite3.DatabaseError as error:
            raise JournalDamaged(f"the view {view} in {self.path} cannot be read: {error}") from error

    def structure_faults(self) -> list[str]:
        """What SQLite finds wrong with the file's structure and indexes; empty if nothing."""
        try:
            lines = self._db.execute(f"PRAGMA integrity_check({FAULTS_TOLD_MAX})").fetchall()
        except sqlite3.DatabaseError as error:
            return [f"{self.path.name}: {error}"]
        faults = [bytes(line).decode(errors="replace") for (line,) in lines]
        return [] if faults == ["ok"] else [f"{self.path.name}: {fault}" for fault in faults]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def scratch_views() -> SqliteViewStore:
    """Views to fold into, for comparing: in memory, and in a temporary file once they are large."""
    db = sqlite3.connect("", isolation_level=None, cached_statements=STATEMENTS_CACHED, check_same_thread=False)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE views_state (version INTEGER, seq INTEGER)")
    db.execute("INSERT INTO views_state VALUES (0, 0)")
    db.text_factory = bytes
    views = SqliteViewStore(db, Path("scratch"))
    views.clear()
    return views
