"""The program of a bookkeeper: python -m tradehall.wiring.bookkeeping_job FOLDER"""

import signal
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from tradehall.adapters.bookkeeper_process import receive, send
from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.executions import FileTrips
from tradehall.adapters.sqlite.journal import read_entries
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import FILE_NAME
from tradehall.app.records import deployments, strategies
from tradehall.app.studio.book import StudioBook
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.briefing import Briefed
from tradehall.app.support.clerk import PER_PIECE, Clerk
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.engine.record import decode_record
from tradehall.ports.bookkeeping import BookkeepingReport, BookkeepingTask
from tradehall.ports.records import RecordChange, RecordsFault

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(BookkeepingTask).decode


def bookkeeping_command(folder: Path) -> list[str]:
    """What runs it for the house in `folder`."""
    return [sys.executable, "-m", __name__, str(folder)]


class Bookkeeping:
    """Carries out tasks on the files of a house."""

    def __init__(self, folder: DataFolder) -> None:
        self._journal = folder.path / FILE_NAME
        self._store = FileTrips(folder.support)
        self._briefed = Briefed()
        self._stamps = StampQueue()
        self._records = SqliteRecords(folder.records)
        self._attribution = Attribution(StudioPages(self._records).book)
        self._clerk: Clerk | None = None

    def carry_out(self, task: BookkeepingTask) -> BookkeepingReport:
        """A piece of it; whoever wants more asks again."""
        self._briefed.hear(task)
        self._stamps.take_over(task.stamps)
        try:
            if task.overlays:
                self._store.lay_over(task.overlays)
            if self._clerk is None:
                self._clerk = Clerk(self._store, self._briefed, self._attribution, self._stamps)
            self._go_on(self._clerk, task.until)
        except RecordsFault as fault:
            self._clerk = None  # What it folded is not written.
            return BookkeepingReport(0, str(fault))
        return BookkeepingReport(self._clerk.seq)

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()
        self._records.close()

    def _go_on(self, clerk: Clerk, until: int) -> None:
        count = min(PER_PIECE, until - clerk.seq)
        if count <= 0:
            return
        # Read first, and then made sense of: while somebody reads, the journal's log cannot begin anew.
        with closing(read_entries(self._journal, clerk.seq)) as entries:
            payloads = [entry.payload for entry in islice(entries, count)]
        assert len(payloads) == count, f"the journal has no record {until}, which is durable"
        clerk.fold(decode_record(payload) for payload in payloads)
        for _ in clerk.make_rows():
            pass
        clerk.write()


class StudioPages:
    """Of the studio's book what attribution reads, as the store holds it now."""

    def __init__(self, records: SqliteRecords) -> None:
        self._records = records
        self._book: StudioBook | None = None

    def book(self) -> StudioBook:
        """Read again where somebody has written since."""
        if self._records.changed_elsewhere() or self._book is None:
            self._book = StudioBook()
            for kind in (strategies.KIND, deployments.KIND):
                kept = self._records.all(kind)
                self._book.apply(RecordChange(kind, key, body) for key, body in kept.items())
        return self._book


def main(folder: DataFolder) -> None:
    """Carry out what is asked for until nobody asks any more."""
    # Whoever tells the server to end tells the whole group: what it has handed over is to be done all the same.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with closing(Bookkeeping(folder)) as bookkeeping:
        while (message := receive(sys.stdin.buffer)) is not None:
            send(sys.stdout.buffer, _encode(bookkeeping.carry_out(_decode(message))))


if __name__ == "__main__":
    try:
        main(DataFolder(Path(sys.argv[1])))
    except BrokenPipeError:
        sys.exit(0)  # The server is gone, before it heard.
