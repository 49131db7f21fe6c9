"""Connections to the journal's file: how they are set up, and what their errors mean."""

import fcntl
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, Final

from tradehall.ports.journal import JournalDamaged, JournalRefused

log: Final = logging.getLogger("tradehall.journal")

BUSY_TIMEOUT_S: Final = 2.0
# The scribe of a server that was killed holds the lock until its last write has ended.
LOCK_WITHIN_S: Final = 1.0
LOCK_LOOK_S: Final = 0.01
CACHE_KIB: Final = 32_768
# A reader forgets its pages whenever somebody wrote since its last read, so that a larger cache only fills memory: each
# thread that reads has its own.
READER_CACHE_KIB: Final = 4_096
STATEMENTS_CACHED: Final = 128

# Errors at a commit after which SQLite has certainly not written the commit mark. A failed sync is not
# among them: then nobody knows what the disk holds.
_NOT_WRITTEN: Final = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_NOMEM,
    sqlite3.SQLITE_NOMEM,
}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def open_writer(path: Path, *, is_synced: bool = True, cache_kib: int = CACHE_KIB) -> sqlite3.Connection:
    """A connection that may write, synced in full; it is handed from thread to thread, one at a time.

    Not `is_synced`: when the machine stops, the last writes may be lost. For what can be made again.
    """
    db = sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'OFF'}")
        # Checkpoints have a connection and a thread of their own, so that no order waits for one.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(f"PRAGMA cache_size = -{cache_kib}")
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that may only read; texts come as bytes. The file may be in use by a server."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    db.text_factory = bytes
    try:
        db.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    except BaseException:
        db.close()
        raise
    return db


def checkpoint(db: sqlite3.Connection, mode: str = "PASSIVE") -> int:
    """Copy pages of the log into the database; how many the log holds. 0, and a warning: there is no room for them.

    sqlite3.OperationalError: a sync failed, and nobody knows what the disk holds.
    """
    try:
        pages: int = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[1]
    except sqlite3.OperationalError as error:
        if not is_surely_unwritten(error):
            raise
        log.warning("the log could not be emptied into the database: error=%r", str(error))
        return 0
    return pages


def is_surely_unwritten(error: sqlite3.Error) -> bool:
    """Whether a commit that ended in `error` has certainly not happened."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code in _NOT_WRITTEN or code & 0xFF in _NOT_WRITTEN - {sqlite3.SQLITE_BUSY})


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file's structure is broken."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGED


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """While a house is opened: what SQLite complains of becomes JournalDamaged, or JournalRefused if it may pass."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            raise JournalRefused(f"{path} cannot be used now: {error}") from error
        raise JournalDamaged(f"{path} is damaged: {error}") from error


def lock_folder(folder: Path) -> IO[bytes]:
    """Keep other servers out of `folder` for as long as the returned file is open. JournalRefused if one is in it."""
    lock = (folder / "journal.lock").open("ab")
    give_up_at = time.monotonic() + LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError as error:
            if time.monotonic() >= give_up_at:
                lock.close()
                raise JournalRefused(f"another server uses {folder}: stop it, or choose another data folder") from error
            time.sleep(LOCK_LOOK_S)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date, one transaction per step. JournalDamaged if it is newer than the program."""
    steps = migrations()
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(steps):
        raise JournalDamaged(
            f"{path} has schema version {version}, this Tradehall knows {len(steps)}: use a newer Tradehall"
        )
    for number, step in enumerate(steps[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;")


def migrations() -> list[str]:
    """The steps of the schema, first to last."""
    folder = resources.files("tradehall.adapters.sqlite.migrations")
    names = sorted(step.name for step in folder.iterdir() if step.name.endswith(".sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1)), f"migrations are not in line: {names}"
    return [folder.joinpath(name).read_text(encoding="utf8") for name in names]
