"""Batch: what the loop's thread hands to the journal's, and who waits until it is durable, and written."""

from asyncio import Future
from collections.abc import Callable
from typing import Any

from tradehall.app.outcome import ShardUnavailable
from tradehall.engine.record import Record
from tradehall.ports.views import ViewRows

Release = Callable[[Any], None]


class Batch:
    """What is made durable together: whole turns, so that a wish and the venue's answer are never parted.

    `decided`: its records, each with its payload. `follows_seq`: the last record before them, once they are being
    written; `seq`: the last of them, once that is durable. `waiters` wait for its records, `readers` for its rows and
    all before. It is alone if the one before had been durable for a while when it began. It is kept when the journal
    holds it, durable when the listeners know that.
    """

    __slots__ = (
        "decided", "follows_seq", "has_rows", "is_alone", "is_durable", "is_kept", "is_written", "readers", "releases",
        "rows", "seq", "waiters",
    )  # fmt: skip

    def __init__(self) -> None:
        self.decided: list[tuple[Record, bytes]] = []
        self.rows = ViewRows()
        self.has_rows = False
        self.releases: list[tuple[Release, object]] = []
        self.waiters: list[Future[None]] = []
        self.readers: list[Future[None]] = []
        self.follows_seq = self.seq = 0
        self.is_alone = self.is_kept = self.is_durable = self.is_written = False

    def move(self, turn: "Batch") -> None:
        """Append `turn`, which is empty then."""
        self.decided += turn.decided
        turn.decided.clear()
        if turn.has_rows:
            self.rows.move(turn.rows)
            self.has_rows, turn.has_rows = True, False
        if turn.releases:
            self.releases += turn.releases
            turn.releases.clear()


def past_batch() -> Batch:
    """A batch for which nobody has to wait."""
    batch = Batch()
    batch.is_kept = batch.is_durable = batch.is_written = True
    return batch


def let_go(line: "list[Future[None]]", refusal: str | None = None) -> None:
    """Whoever waits in `line` waits no longer: it has come, or `refusal` says why it does not."""
    if refusal is None:
        for future in line:
            if not future.done():
                future.set_result(None)
    else:
        for future in line:
            if not future.done():
                future.set_exception(ShardUnavailable(refusal))
    line.clear()
