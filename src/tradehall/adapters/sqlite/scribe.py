"""The scribe: a process of its own that writes the journal while orders keep coming.

Writing a batch asks for the interpreter's lock some twenty times, each time a wake of one thread by another; where
orders keep coming, these take longer than the write. A process asks nobody. It is a journal that is told by messages
what to append: each is its length [4 bytes, little-endian] and MessagePack.

    python -m tradehall.adapters.sqlite.scribe PATH SOCKET PAGE
"""

import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import IO, Final

import msgspec
from msgspec import Struct

from tradehall.adapters.sqlite.connection import open_writer
from tradehall.adapters.sqlite.journal import SqliteJournal
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order
from tradehall.ports.deals import Deal
from tradehall.ports.house_views import Closing
from tradehall.ports.journal import Head, JournalRefused, ScribeGone
from tradehall.ports.tickets import Ticket
from tradehall.ports.views import VIEWS, LedgerEntry, ViewRows

_LENGTH: Final = struct.Struct("<I")
RECEIVE_BYTES: Final = 1 << 18
# The ends of tables and the upper pages of their indexes; the system has the others at hand.
CACHE_KIB: Final = 8_192
# One that was told to end has nothing left to do.
END_WITHIN_S: Final = 10.0


class Rows(Struct, array_like=True):
    """What ViewRows holds, as it is."""

    orders: list[Order]
    fills: list[tuple[Fill, bool]]
    ledger: list[LedgerEntry]
    tickets: list[tuple[int, Ticket]]
    deals: list[tuple[int, Deal]]
    closings: list[tuple[int, Closing, bool]]


assert Rows.__struct_fields__ == tuple(VIEWS), "what is not named here would not be written"


class Task(Struct, array_like=True):
    """What a journal that ends at `head` is to append; without payloads: rows alone."""

    head: Head
    payloads: list[bytes]
    rows: Rows | None
    rows_until: int
    is_log_long: bool


class Report(Struct, array_like=True):
    """Where the journal ends now; or why it was refused, or what nobody had foreseen."""

    head: Head
    refusal: str | None = None
    fault: str | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_task: Final = msgspec.msgpack.Decoder(Task).decode
_decode_report: Final = msgspec.msgpack.Decoder(Report).decode


class SqliteScribe:
    """See the port. It writes for `journal`, at `path`; while it lives it holds `lock` too, so that no other server
    begins before the last write of one that was killed has ended.
    """

    def __init__(self, journal: SqliteJournal, path: Path, lock: IO[bytes]) -> None:
        self._journal = journal
        self._path = path
        self._lock = lock
        self._line: Line | None = None
        self._tally: Tally | None = None
        self._begun = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._task: Task | None = None

    def hire(self) -> None:
        """See the port."""
        ours, theirs = socket.socketpair()
        self._line = Line(ours)
        with theirs, page_to_share() as page:
            self._tally, self._begun = Tally(page), 0
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self._path), str(theirs.fileno()), str(page)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), page, self._lock.fileno()),
            )

    def fileno(self) -> int:
        """See the port."""
        return self._at_work.fileno()

    def greet(self) -> None:
        """See the port."""
        self._report()

    def begin(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int) -> None:
        """See the port."""
        packed = None
        if not rows.is_empty:
            packed = Rows(*(getattr(rows, view) for view in VIEWS))
        journal = self._journal
        self._task = Task(journal.head, list(payloads), packed, rows_until, journal.is_log_long)
        journal.is_log_long = False
        self._begun += 1
        self._at_work.send(_encode(self._task))

    def has_finished(self) -> bool:
        """See the port."""
        return self._tally is not None and self._tally.holds(self._begun)

    def is_readable(self) -> bool:
        """See the port."""
        return self._at_work.is_readable()

    def finish(self) -> None:
        """See the port."""
        task, self._task = self._task, None
        assert task is not None, "begin comes first"
        report = self._report()
        if report.refusal is not None:
            raise JournalRefused(report.refusal)
        size = sum(map(len, task.payloads))
        self._journal.follow(report.head, task.rows_until, size)

    def dismiss(self) -> None:
        """See the port."""
        if self._line is None or self._process is None:
            return
        self._line.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._line = self._tally = self._process = None

    @property
    def _at_work(self) -> "Line":
        if self._line is None:
            raise ScribeGone("nobody was hired")
        return self._line

    def _report(self) -> Report:
        told = self._at_work.receive()
        if told is None:
            raise ScribeGone("the process that writes the journal has ended")
        report = _decode_report(told)
        if report.fault is not None:
            raise ScribeGone(report.fault)
        return report


class Line:
    """Messages over a socket, whole ones. Each call waits, though a loop that watches the socket has set it not to."""

    def __init__(self, line: socket.socket) -> None:
        self._socket = line

    def fileno(self) -> int:
        """Of the socket."""
        return self._socket.fileno()

    def is_readable(self) -> bool:
        """Whether something has come, or the other side has gone."""
        return self._wait(select.POLLIN, within_ms=0)

    def send(self, message: bytes) -> None:
        """Blocks while the other side has much to read. ScribeGone if it is not there."""
        rest = memoryview(_LENGTH.pack(len(message)) + message)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError as error:
                raise ScribeGone(str(error)) from error

    def receive(self) -> bytes | None:
        """The next message; None at the end. Blocks until it is whole."""
        data = bytearray(self._some())
        while data:
            if len(data) >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(data)
                missing = _LENGTH.size + length - len(data)
                if not missing:
                    return bytes(memoryview(data)[_LENGTH.size :])
                assert missing > 0, "one message at a time"
            more = self._some()
            if not more:
                return None
            data += more
        return None

    def _some(self) -> bytes:
        while True:
            try:
                return self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                self._wait(select.POLLIN)
            except OSError:
                return b""

    def _wait(self, event: int, within_ms: int | None = None) -> bool:
        poll = select.poll()
        poll.register(self._socket, event)
        return bool(poll.poll(within_ms))

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()


class Tally:
    """How many tasks are done, modulo 256: a byte in memory that two processes share, behind `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)

    def holds(self, count: int) -> bool:
        """Whether `count` are done; it is this number or the one before."""
        return self._memory[0] == count & 0xFF

    def add(self) -> None:
        """One more is done."""
        self._memory[0] = self._memory[0] + 1 & 0xFF


@contextmanager
def page_to_share() -> Iterator[int]:
    """The descriptor of a page of memory."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("tally")
    else:
        descriptor, path = mkstemp()
        Path(path).unlink()
    try:
        os.truncate(descriptor, mmap.PAGESIZE)
        yield descriptor
    finally:
        os.close(descriptor)


def main(path: Path, line: Line, tally: Tally) -> None:
    """Write what comes over `line` until it ends."""
    # Whoever tells the server to end tells the whole group: what it has handed over is to be written all the same.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    journal = SqliteJournal(path, open_writer(path, cache_kib=CACHE_KIB), lambda size: None)
    line.send(_encode(Report(journal.head)))
    while told := line.receive():
        task = _decode_task(told)
        report = _carry_out(journal, task)
        tally.add()  # First: who saw the report must find it counted.
        line.send(_encode(report))
        if report.fault is not None:
            return
        if task.is_log_long:
            journal.checkpoint()


def _carry_out(journal: SqliteJournal, task: Task) -> Report:
    try:
        if journal.head != task.head:
            journal.catch_up()  # The server has written by itself since.
        if journal.head != task.head:
            return Report(journal.head, fault=f"the journal ends at {journal.head.seq}, not at {task.head.seq}")
        rows = ViewRows()
        if task.rows is not None:
            for view in VIEWS:
                setattr(rows, view, getattr(task.rows, view))
        if task.payloads:
            journal.append(task.payloads, rows, task.rows_until)
        else:
            journal.write_rows(rows)
    except JournalRefused as refusal:
        return Report(journal.head, refusal=str(refusal))
    except Exception as error:
        return Report(journal.head, fault=repr(error))
    return Report(journal.head)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Line(socket.socket(fileno=int(sys.argv[2]))), Tally(int(sys.argv[3])))
    except ScribeGone:  # The server is gone, before it heard.
        os._exit(0)
