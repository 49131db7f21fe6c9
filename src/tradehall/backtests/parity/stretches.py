"""Stretches: what lies between two beginnings of a trading loop; each is run again on the state it began with."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from tradehall.venue.session import AnyRow, LoopMade, RowsLost, SessionEnded


class Gap(Struct, frozen=True):
    """Rows `first` to `last` are not in the recording; record `after` was the last before them.

    `was_lost`: the recorder said so itself, because too many waited for the disk.
    """

    first: int
    last: int
    after: int
    was_lost: bool

    @property
    def sentence(self) -> str:
        """In words."""
        rows = f"row {self.first}" if self.first == self.last else f"rows {self.first} to {self.last}"
        verb = "is" if self.first == self.last else "are"
        why = ": too many waited for the disk" if self.was_lost else ""
        return f"{rows} behind record {self.after} {verb} missing{why}"


class Stretch(Struct):
    """One life of a trading loop, as far as it was recorded.

    `session`: the number of the session it is part of, from 0. `until`: the last record of the journal that it made
    and that was kept. `is_ended`: the recording ends with it on purpose, nothing was cut off. `last_at` [ns UTC]:
    when it was told anything for the last time.
    """

    session: int
    made: LoopMade
    until: int
    is_ended: bool = False
    row_count: int = 0
    last_at: int = 0
    gaps: list[Gap] = []


def survey(sessions: Sequence[Iterable[AnyRow]], head: int) -> list[Stretch]:
    """The stretches of `sessions`, in order; `head`: the journal's last record.

    Rows that precede the first beginning of a session can not be used; they count as a gap.
    """
    stretches: list[Stretch] = []
    for number, rows in enumerate(sessions):
        stretches += _surveyed(number, rows)
    for stretch, following in pairwise(stretches):
        if not stretch.is_ended:
            stretch.until = following.made.after
    if stretches and not stretches[-1].is_ended:
        stretches[-1].until = head
    return stretches


def _surveyed(session: int, rows: Iterable[AnyRow]) -> list[Stretch]:
    stretches: list[Stretch] = []
    seen, after, lost = 0, 0, 0
    for row in rows:
        if isinstance(row, LoopMade):
            stretches.append(Stretch(session, row, row.after))
        if isinstance(row, RowsLost):
            lost = row.count
        elif stretches:
            if row.number > seen + 1:
                stretches[-1].gaps.append(Gap(seen + 1, row.number - 1, after, lost > 0))
            lost = 0
            _count(stretches[-1], row)
        if not isinstance(row, RowsLost):
            seen, after = row.number, row.after
    return stretches


def _count(stretch: Stretch, row: AnyRow) -> None:
    stretch.row_count += 1
    now: int | None = getattr(row, "now", None)
    if now is not None:
        stretch.last_at = now
    if isinstance(row, SessionEnded):
        stretch.is_ended = True
        stretch.until = row.after
