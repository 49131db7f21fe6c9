"""The journal in SQLite: records, and rows of views with them or after them; one sync stands behind records."""

import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.connection import checkpoint, is_damage, is_surely_unwritten, open_reader
from tradehall.adapters.sqlite.rows import ROWS_PER_CALL_MAX, insert, insert_views
from tradehall.ports.journal import EMPTY, MENTION, MENTIONS_MAX, Entry, Head, JournalDamaged, JournalRefused, chain
from tradehall.ports.views import ViewRows

ENTRIES_PER_FETCH: Final = 1_000
PROBE_CHARACTERS: Final = 65_536
# Most records have no rows. So often it is written down all the same how far the views are, for a start that
# follows a crash projects from there on.
MARK_EVERY: Final = 1_000

_NO_ROWS: Final = ViewRows()


class SqliteJournal:
    """See the port. `db` is a writing connection that this journal owns from now on.

    `on_written` is told the size of each batch [bytes of payload]: the checkpoints listen to it.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, on_written: Callable[[int], None]) -> None:
        self._path = path
        self._db = db
        self._on_written = on_written
        # The views hold what follows from records up to one number; a lower one may be written down.
        self._rows_until = self._marked = 0
        # Held while writing, so that a checkpoint which has to stop the writer waits for its turn, and it for that.
        self.writing = threading.Lock()
        # The scribe wrote last, and is the one to be stopped; it is to stop for a checkpoint after its next batch.
        self.is_dictated = self.is_log_long = False
        self._head = read_head(db)

    @property
    def head(self) -> Head:
        """See the port."""
        return self._head

    def append(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int | None = None) -> None:
        """See the port."""
        seq, checksum = self._head
        records = []
        for payload in payloads:
            seq += 1
            checksum = chain(checksum, payload)
            # A bytearray is bound twice as fast as bytes.
            records.append((seq, payload.decode(), bytearray(checksum)))
        with self.writing:
            self._write(records, rows, seq if rows_until is None else rows_until)
        self._head = Head(seq, checksum)
        self._on_written(sum(map(len, payloads)))

    def write_rows(self, rows: ViewRows) -> None:
        """See the port."""
        with self.writing:
            self._write([], rows, self._head.seq)

    def catch_up(self) -> None:
        """In the scribe: another process may have written since."""
        self._head = read_head(self._db)

    def checkpoint(self) -> None:
        """In the scribe, between two batches: bring the rest of the log into the database; the next begins it anew.

        Where there is no room for it, it stays where it is. sqlite3.OperationalError: nobody knows.
        """
        checkpoint(self._db)

    def follow(self, head: Head, rows_until: int, size: int) -> None:
        """The scribe has written `size` bytes of payload for this journal: it ends at `head` now."""
        self._head = head
        self._rows_until = rows_until
        self.is_dictated = True
        self._on_written(size)

    def _write(self, records: "list[tuple[int, str, bytearray]]", rows: ViewRows, rows_until: int) -> None:
        db = self._db
        self.is_dictated = False
        is_marked = not rows.is_empty or rows_until - self._marked >= MARK_EVERY
        is_committing = False
        try:
            if len(records) <= ROWS_PER_CALL_MAX and not is_marked:
                # One statement is a transaction of its own, and asks for the interpreter's lock a third as often.
                is_committing = True
                insert(db, "journal", records)
            else:
                db.execute("BEGIN IMMEDIATE")
                insert(db, "journal", records)
                if is_marked:
                    insert_views(db, rows, rows_until)
                is_committing = True
                db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if is_committing and not is_surely_unwritten(error):
                raise
            self._take_back(error)
        self._rows_until = rows_until
        if is_marked:
            self._marked = rows_until

    def _take_back(self, error: sqlite3.OperationalError) -> None:
        """Roll back and make sure of it. JournalRefused then; anything else that is raised means: unknown."""
        if is_damage(error):
            raise error
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        assert read_head(self._db) == self._head, "the journal grew although writing to it failed"
        raise JournalRefused(str(error)) from error

    def probe(self) -> None:
        """See the port."""
        with self.writing:
            try:
                self._db.execute("INSERT OR REPLACE INTO probe VALUES (1, ?)", ("x" * PROBE_CHARACTERS,))
            except sqlite3.OperationalError as error:
                if not is_surely_unwritten(error):
                    raise
                self._take_back(error)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See the port."""
        return read_entries(self._path, after)

    def mentions(self, order_id: int, after: int, until: int) -> list[int]:
        """See the port."""
        # GLOB takes half as long as instr(), and lets other threads work meanwhile.
        sql = "SELECT seq FROM journal WHERE seq > ? AND seq <= ? AND payload GLOB ? ORDER BY seq LIMIT ?"
        with closing(open_reader(self._path)) as db:
            found = db.execute(sql, (after, until, f"*{MENTION}{order_id}*", MENTIONS_MAX))
            return [seq for (seq,) in found]

    def close(self) -> None:
        """See the port."""
        if self._rows_until > self._marked:
            with suppress(sqlite3.OperationalError):  # The disk is full: the next start projects a little.
                insert_views(self._db, _NO_ROWS, self._rows_until)
        self._db.close()


def read_head(db: sqlite3.Connection) -> Head:
    """The last record in the file."""
    row = db.execute("SELECT seq, checksum FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return EMPTY if row is None else Head(row[0], bytes(row[1]))


def read_entries(path: Path, after: int) -> Generator[Entry, None, None]:
    """Records beyond `after` of the file at `path`, all as of one moment. JournalDamaged if it is malformed."""
    seq = after
    db = None
    try:
        db = open_reader(path)
        cursor = db.execute("SELECT seq, payload, checksum FROM journal WHERE seq > ? ORDER BY seq", (after,))
        count = 1  # Who wants one record pays for one, and who wants some for not much more.
        while chunk := cursor.fetchmany(count):
            for row in chunk:
                yield Entry(*row)
            seq, count = chunk[-1][0], min(4 * count, ENTRIES_PER_FETCH)
    except sqlite3.DatabaseError as error:
        raise JournalDamaged(f"{path} cannot be read after record {seq}: {error}") from error
    finally:
        if db is not None:
            db.close()
