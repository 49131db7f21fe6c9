"""Records in SQLite: one file, shared by the server and the command line.

Write-ahead log with a full sync, so that what `write` returned from survives a power cut. Several
processes may write; each waits for the other's short transaction.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from tradehall.adapters.sqlite.audit import add_audit_line, chain_old_lines, chain_tenants, read_line
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordsFault

BUSY_TIMEOUT_S: Final = 5.0
AUDIT_LINES_PER_READ_MAX: Final = 1_000

# Each step brings the file from the version before it to its own; none is ever changed again.
MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE record (
        kind TEXT NOT NULL,
        key  TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        seq    INTEGER PRIMARY KEY AUTOINCREMENT,
        at     INTEGER NOT NULL,
        actor  TEXT NOT NULL,
        action TEXT NOT NULL,
        kind   TEXT NOT NULL,
        key    TEXT NOT NULL,
        note   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_record ON audit (kind, key, seq);
    """,
    """
    CREATE TABLE alert (
        id     INTEGER PRIMARY KEY AUTOINCREMENT,
        login  INTEGER NOT NULL,
        symbol TEXT NOT NULL,
        status INTEGER NOT NULL,
        body   BLOB NOT NULL
    ) STRICT;
    CREATE INDEX alert_by_login ON alert (login, id);
    CREATE INDEX alert_active ON alert (id) WHERE status = 0;
    CREATE TABLE alert_log (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        login    INTEGER NOT NULL,
        alert_id INTEGER NOT NULL,
        symbol   TEXT NOT NULL,
        at       INTEGER NOT NULL,
        body     BLOB NOT NULL
    ) STRICT;
    CREATE INDEX alert_log_by_login ON alert_log (login, id);
    CREATE TABLE notification (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        login     INTEGER NOT NULL,
        level     INTEGER NOT NULL,
        opened_at INTEGER,
        body      BLOB NOT NULL
    ) STRICT;
    CREATE INDEX notification_by_login ON notification (login, id);
    CREATE TABLE seen_price (
        symbol TEXT NOT NULL,
        side   INTEGER NOT NULL,
        price  TEXT NOT NULL,
        at     INTEGER NOT NULL,
        PRIMARY KEY (symbol, side)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE audit ADD COLUMN domain TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN user_id INTEGER;
    ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT 'ok';
    ALTER TABLE audit ADD COLUMN detail BLOB NOT NULL DEFAULT x'7b7d';
    CREATE INDEX audit_by_domain ON audit (domain, seq);
    CREATE INDEX audit_by_user ON audit (user_id, seq) WHERE user_id IS NOT NULL;
    """,
    """
    CREATE TABLE bar_cursor (
        symbol    TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        at        INTEGER NOT NULL,
        PRIMARY KEY (symbol, timeframe)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE signal (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment_id INTEGER NOT NULL,
        keygen        TEXT NOT NULL,
        symbol        TEXT NOT NULL,
        at            INTEGER NOT NULL,
        is_pending    INTEGER NOT NULL,
        body          BLOB NOT NULL
    ) STRICT;
    CREATE INDEX signal_by_deployment ON signal (deployment_id, id);
    CREATE INDEX signal_by_strategy ON signal (keygen, id);
    CREATE INDEX signal_pending ON signal (id) WHERE is_pending = 1;
    CREATE TABLE deployment_ledger (
        deployment_id INTEGER PRIMARY KEY,
        body          BLOB NOT NULL
    ) STRICT;
    CREATE TABLE deployment_equity (
        deployment_id INTEGER NOT NULL,
        at            INTEGER NOT NULL,
        equity        TEXT NOT NULL,
        realized      TEXT NOT NULL,
        unrealized    TEXT NOT NULL,
        PRIMARY KEY (deployment_id, at)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE scanner_match (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        scanner_id INTEGER NOT NULL,
        symbol     TEXT NOT NULL,
        at         INTEGER NOT NULL,
        bar_at     INTEGER NOT NULL,
        pattern    TEXT NOT NULL,
        body       BLOB NOT NULL,
        UNIQUE (scanner_id, symbol, bar_at, pattern)
    ) STRICT;
    CREATE INDEX match_by_scanner ON scanner_match (scanner_id, id);
    """,
    """
    CREATE TABLE kept_answer (
        space        TEXT NOT NULL,
        key          TEXT NOT NULL,
        at           INTEGER NOT NULL,
        fingerprint  BLOB NOT NULL,
        status       INTEGER NOT NULL,
        content_type BLOB NOT NULL,
        body         BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX kept_answer_by_age ON kept_answer (at);
    """,
    """
    CREATE TABLE audit_trail (
        seq      INTEGER PRIMARY KEY,
        at       INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        key      TEXT NOT NULL,
        user_id  INTEGER,
        domain   TEXT NOT NULL,
        actor    TEXT NOT NULL,
        action   TEXT NOT NULL,
        outcome  TEXT NOT NULL,
        severity TEXT NOT NULL,
        body     BLOB NOT NULL,
        checksum BLOB NOT NULL
    ) STRICT;
    CREATE INDEX trail_by_key ON audit_trail (kind, key, at);
    CREATE INDEX trail_by_kind ON audit_trail (kind, at);
    CREATE INDEX trail_by_user ON audit_trail (user_id, at) WHERE user_id IS NOT NULL;
    CREATE INDEX trail_by_domain ON audit_trail (domain, at);
    CREATE INDEX trail_by_actor ON audit_trail (actor, at);
    CREATE INDEX trail_by_action ON audit_trail (action, at);
    CREATE INDEX trail_not_ok ON audit_trail (outcome, at) WHERE outcome <> 'ok';
    CREATE INDEX trail_grave ON audit_trail (severity, at) WHERE severity <> 'INFO';
    CREATE INDEX trail_by_time ON audit_trail (at);
    """,
    """
    CREATE TABLE account_equity (
        account_id INTEGER NOT NULL,
        place      INTEGER NOT NULL,
        at         INTEGER NOT NULL,
        equity     REAL NOT NULL,
        PRIMARY KEY (account_id, place)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE account_equity_seen (
        account_id INTEGER PRIMARY KEY,
        at         INTEGER NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE audit_domain (
        domain   TEXT NOT NULL,
        number   INTEGER NOT NULL,
        seq      INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        PRIMARY KEY (domain, number)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX audit_domain_by_seq ON audit_domain (seq);
    """,
)


class SqliteRecords:
    """The record store in the file `path`, made if it is not there.

    May be called from several threads; one connection serves them in turn. RecordsFault where the file
    is none of ours or cannot be written.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._lock = threading.Lock()
        try:
            _make_private(path)
            self._db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            _migrate(self._db, path)
        except (sqlite3.DatabaseError, OSError) as error:
            raise RecordsFault(f"{path} cannot be used as a record store: {error}") from error
        self._version = self._data_version()

    def all(self, kind: str) -> dict[str, bytes]:
        """See the port."""
        return dict(self._rows("SELECT key, body FROM record WHERE kind = ? ORDER BY key", (kind,)))

    def get(self, kind: str, key: str) -> bytes | None:
        """See the port."""
        rows = self._rows("SELECT body FROM record WHERE kind = ? AND key = ?", (kind, key))
        return rows[0][0] if rows else None

    def write(self, changes: Sequence[RecordChange], audit: AuditLine, *more: AuditLine) -> None:
        """See the port."""
        with self._lock, _transaction(self._db):
            for change in changes:
                _apply(self._db, change)
            for line in (audit, *more):
                add_audit_line(self._db, line)

    def mark(self, kind: str, marks: Mapping[str, bytes | None]) -> None:
        """See the port."""
        with self._lock, _transaction(self._db):
            for key, body in marks.items():
                _apply(self._db, RecordChange(kind, key, body))

    def audit_lines(self, kind: str, key: str, *, limit: int = 100) -> list[AuditLine]:
        """See the port."""
        rows = self._rows(
            "SELECT body FROM audit_trail WHERE kind = ? AND key = ? ORDER BY seq DESC LIMIT ?",
            (kind, key, min(limit, AUDIT_LINES_PER_READ_MAX)),
        )
        return [read_line(body) for (body,) in rows]

    def changed_elsewhere(self) -> bool:
        """See the port. SQLite counts the commits of other connections for us."""
        version = self._data_version()
        changed, self._version = version != self._version, version
        return changed

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, for the tables beside this one; durable at the end. RecordsFault if it fails."""
        with self._lock, _transaction(self._db):
            yield self._db

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        """What a query of the tables beside this one finds. RecordsFault if the file cannot be read."""
        return self._rows(query, values)

    def close(self) -> None:
        """See the port."""
        with self._lock:
            self._db.close()

    def _data_version(self) -> int:
        version: int = self._rows("PRAGMA data_version", ())[0][0]
        return version

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RecordsFault(f"records could not be read: {error}") from error


def _make_private(path: Path) -> None:
    """Hashes of passwords are for the owner alone; the files beside this one get its mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and nobody else writes meanwhile. RecordsFault if the file cannot be written."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise RecordsFault(f"records could not be written: {error}") from error


def _apply(db: sqlite3.Connection, change: RecordChange) -> None:
    if change.expects is not UNSET:
        row = db.execute("SELECT body FROM record WHERE kind = ? AND key = ?", (change.kind, change.key)).fetchone()
        if (row[0] if row else None) != change.expects:
            raise RecordConflict(f"{change.kind} {change.key} is not what it was")
    if change.body is None:
        db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (change.kind, change.key))
    else:
        db.execute(
            "INSERT INTO record (kind, key, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (change.kind, change.key, change.body),
        )


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    if _schema_version(db) == len(MIGRATIONS):
        return
    with _transaction(db):
        version = _schema_version(db)  # Asked again: another process may have been faster.
        if version > len(MIGRATIONS):
            raise RecordsFault(
                f"{path} has schema version {version}, this Tradehall knows {len(MIGRATIONS)}: use a newer"
            )
        for step in MIGRATIONS[version:]:
            for statement in filter(str.strip, step.split(";")):
                db.execute(statement)
        chain_old_lines(db)
        chain_tenants(db)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _schema_version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version
