"""Batch: what the loop's thread hands to the journal's, and who waits until it is durable, and written."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

from tradehall.app.moment import Moment
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
        self.waiters: list[Moment] = []
        self.readers: list[Moment] = []
        self.follows_seq = self.seq = 0
        self.is_alone = self.is_kept = self.is_durable = self.is_written = False

    def when_durable(self, loop: AbstractEventLoop | None) -> Moment | None:
        """The moment of which its waiters hear; None if it is past."""
        return None if self.is_durable else _last_in(self.waiters, loop)

    def when_written(self, loop: AbstractEventLoop | None) -> Moment:
        """The moment of which its readers hear; it is to come."""
        return _last_in(self.readers, loop)

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


def _last_in(line: list[Moment], loop: AbstractEventLoop | None) -> Moment:
    line.append(moment := Moment(loop=loop))
    return moment


def past_batch() -> Batch:
    """A batch for which nobody has to wait."""
    batch = Batch()
    batch.is_kept = batch.is_durable = batch.is_written = True
    return batch


def let_go(line: list[Moment], refusal: str | None = None) -> None:
    """Whoever waits in `line` waits no longer: it has come, or `refusal` says why it does not."""
    waiting = line.copy()
    line.clear()
    for moment in waiting:
        if moment.done():
            continue
        if refusal is None:
            moment.come()
        else:
            moment.set_exception(ShardUnavailable(refusal))
