"""Writing a session: rows of the loop's thread → batches of the recorder's thread → segments on the disk."""

import gzip
import logging
import os
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from tradehall.adapters.sessions.refusals import RecordingRefused
from tradehall.venue.session import AnyRow, RowsLost, encode_row

# What a kill may take of the recording: at most the rows of one wait. A power cut may take those since the last sync.
WRITE_EVERY_S: Final = 0.1
SYNC_EVERY_S: Final = 1.0
# Quotes of one symbol resemble each other so much that more effort gains little.
COMPRESSION: Final = 1
STOP_WITHIN_S: Final = 10.0

log: Final = logging.getLogger("tradehall.recording")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one session: rows that wait for the recorder's thread, rows of a batch, bytes of a file, bytes in all.

    Rows beyond the first are dropped, and the recording says how many; beyond the last the recording ends.
    """

    rows_waiting: int = 200_000
    rows_of_batch: int = 20_000
    segment_bytes: int = 64 * 1024 * 1024
    session_bytes: int = 16 * 1024 * 1024 * 1024


DEFAULT_LIMITS: Final = Limits()


class SessionWriter:
    """Records one session into the folder `path`; `put` belongs to the loop's thread and takes under a microsecond.

    A fault of the disk ends the recording, loudly, and nothing else. RecordingRefused: the folder cannot be used.
    """

    def __init__(self, path: Path, started_at: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._name = f"session-{started_at:020d}"
        self._limits = limits
        self._rows: deque[AnyRow] = deque()
        self._lost = 0
        self._last: AnyRow | None = None
        self._segment = 0
        self._segment_bytes = 0
        self._bytes = 0
        self._is_over = False
        self._stopping = threading.Event()
        self._synced_at = monotonic()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error) from None
        self._file = -1
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin to write what was put, and what will be. RecordingRefused."""
        try:
            self._file = self._next_segment()
        except OSError as error:
            raise self._refused(error) from None
        self._thread.start()

    def put(self, row: AnyRow) -> None:
        """Record `row`; where too many wait already it is dropped, and the recording will say so."""
        if len(self._rows) >= self._limits.rows_waiting:
            self._lost += 1
        else:
            if self._lost:
                self._confess(row.number - 1)
            self._rows.append(row)
        self._last = row

    def stop(self) -> None:
        """Write the rest, durably. Blocks for as long as that takes."""
        if self._lost and self._last is not None:
            self._confess(self._last.number)
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    def _refused(self, error: OSError) -> RecordingRefused:
        return RecordingRefused(f"the session cannot be recorded in {self._path}: {error.strerror}")

    def _confess(self, number: int) -> None:
        assert self._last is not None, "rows were lost before there was one"
        log.error("the recording lost %d rows: %d wait for the disk", self._lost, len(self._rows))
        self._rows.append(RowsLost(number, self._last.after, self._lost))
        self._lost = 0

    # The recorder's thread.

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(WRITE_EVERY_S)
            try:
                self._write()
                if is_last or monotonic() - self._synced_at > SYNC_EVERY_S:
                    self._sync()
            except OSError as error:
                self._give_up(f"the disk refused it: {error}")
        os.close(self._file)

    def _write(self) -> None:
        """All rows that wait now."""
        rows = self._rows
        while rows:
            lines = [encode_row(rows.popleft()) for _ in range(min(len(rows), self._limits.rows_of_batch))]
            if not self._is_over:
                self._append(gzip.compress(b"\n".join(lines) + b"\n", COMPRESSION, mtime=0))

    def _append(self, member: bytes) -> None:
        if self._bytes + len(member) > self._limits.session_bytes:
            self._give_up(f"it has reached {self._limits.session_bytes} bytes")
            return
        if self._segment_bytes + len(member) > self._limits.segment_bytes:
            self._sync()
            os.close(self._file)
            self._file = self._next_segment()
        written = 0
        while written < len(member):
            written += os.write(self._file, member[written:])
        self._segment_bytes += len(member)
        self._bytes += len(member)

    def _next_segment(self) -> int:
        self._segment += 1
        self._segment_bytes = 0
        path = self._path / f"{self._name}-{self._segment:06d}.jsonl.gz"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def _sync(self) -> None:
        os.fsync(self._file)
        self._synced_at = monotonic()

    def _give_up(self, why: str) -> None:
        if not self._is_over:
            log.error("the recording of the session ends here, trading goes on: %s", why)
        self._is_over = True
