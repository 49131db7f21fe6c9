"""Clerk: decisions → round trips and executions → their rows; the same in the house and in its bookkeeper."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

from tradehall.app.support.attribution import Attribution
from tradehall.app.support.executions import ExecutionFold
from tradehall.app.support.folding import FOLD_VERSION, TripFold
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.engine.record import Record
from tradehall.ports.trips import Execution, FoldItem, Overlay, Trip, TripLines, TripStore, TripWrite

# Rows are made of so many at one go, in a quarter of a millisecond.
PER_STEP: Final = 16
# Read, folded and written in one piece: each is a thread's work, a connection, a transaction. What changes twice within
# it is written once: a thousand cost two thirds of what 256 and 256 and … do.
PER_PIECE: Final = 1_024

_NOTHING: Final = TripWrite({}, (), [])


class Surroundings(Protocol):
    """What the fold has to know and the journal does not tell."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """By symbol."""
        ...

    @property
    def hedging(self) -> Iterable[AccountId]:
        """Hedging accounts."""
        ...

    def currency_of(self, account_id: AccountId) -> str:
        """An account's."""
        ...

    def quote_of(self, symbol: str) -> Quote | None:
        """The latest."""
        ...

    def overlay_of(self, trip_id: int) -> Overlay | None:
        """What is laid over a trip now."""
        ...


class Clerk:
    """Goes on from where the store is. Belongs to one caller at a time, who keeps what was folded by `write`.

    RecordsFault from here on whenever the store fails; then what is in hand is of no use any more, and neither is he.
    """

    def __init__(
        self, store: TripStore, surroundings: Surroundings, attribution: Attribution, stamps: StampQueue
    ) -> None:
        self._store = store
        self._surroundings = surroundings
        self._stamps = stamps
        self.seq, items = store.load(FOLD_VERSION)
        trips = {key: body for key, body in items.items() if not key.startswith("x")}
        ways = {key: body for key, body in items.items() if key.startswith("x")}
        where = surroundings
        self._trips = TripFold(attribution, where.currency_of, where.hedging, trips)
        self._executions = ExecutionFold(
            attribution, lambda: where.instruments, where.currency_of, where.quote_of, ways
        )
        self._piece = _Piece()
        self._lines: list[TripLines] = []

    def fold(self, records: Iterable[Record]) -> None:
        """These are next."""
        for record in records:
            self.seq = record.seq
            self._trips.apply(record.seq, record.now, record.events)
            self._executions.apply(record, self._stamps.take(record.seq), self._trips.trip_of)
        # What is encoded of a whole piece at once would keep the loop for milliseconds.
        self._piece.add(self._trips.take(), self._executions.take())

    def make_rows(self) -> Iterator[None]:
        """Make rows of what was folded, step by step; `write` follows the last one."""
        piece, self._piece = self._piece, _Piece()
        for part in piece.parts():
            self._lines.append(self._store.lines(part, {}))
            yield
        # Behind the others, for that is what counts: something may have been laid over a trip meanwhile.
        overlay_of = self._surroundings.overlay_of
        overlays = {number: each for number in piece.trips if (each := overlay_of(number)) is not None}
        laid_over = {number: piece.trips[number] for number in overlays}
        self._lines.append(self._store.lines(TripWrite(laid_over, [*piece.items.values()]), overlays))

    def write(self) -> None:
        """Keep what was folded; in whatever thread."""
        lines, self._lines = self._lines, []
        self._store.write(self.seq, lines)


class _Piece:
    """What is written together: of a thing that changed more than once, its last state."""

    def __init__(self) -> None:
        self.trips: dict[int, Trip | None] = {}
        self.items: dict[str, FoldItem] = {}
        self.rows: dict[OrderId, Execution] = {}

    def add(
        self, trips: tuple[dict[int, Trip | None], list[FoldItem]], executions: tuple[list[Execution], list[FoldItem]]
    ) -> None:
        """What changed since."""
        self.trips |= trips[0]
        self.items |= {item.key: item for item in (*trips[1], *executions[1])}
        self.rows |= {row.order_id: row for row in executions[0]}

    def parts(self) -> Iterator[TripWrite]:
        """Trips and executions, some at a time. Orders stand in the store as they were numbered."""
        trips, rows = iter(self.trips.items()), iter(sorted(self.rows.values()))
        while (part := TripWrite(dict(islice(trips, PER_STEP)), (), [*islice(rows, PER_STEP)])) != _NOTHING:
            yield part


def in_steps(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """PER_STEP at a time."""
    return (records[start : start + PER_STEP] for start in range(0, len(records), PER_STEP))
