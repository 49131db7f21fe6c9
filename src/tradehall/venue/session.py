"""A session: all that a trading loop was told, in order, as it is recorded; docs/parity.md tells what for.

The journal keeps what was wished and decided. What it does not keep is the market between the decisions, and the
exact instants: with both, the session can be run again, event for event.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from msgspec import Struct

from tradehall.domain.market import Depth, Print, Quote
from tradehall.engine.commands import AnyCommand
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Row(Struct, frozen=True, gc=False, tag=True, tag_field="kind", omit_defaults=True):
    """Row number `number` of a session, which counts from 1; `after`: the shard's last record then."""

    number: int
    after: int


class LoopMade(Row, frozen=True):
    """Engine and venue begin on the state of record `after`; `is_start`: with a process, which knows no quotes yet."""

    settings: VenueSettings
    version: str
    is_start: bool


class QuoteHeard(Row, frozen=True):
    """The market board took `quote`; the loop was told at `now` [ns UTC]. None: the shard was closed."""

    quote: Quote
    now: int | None = None


class QuoteAgain(Row, frozen=True):
    """The loop was told the latest quote of `symbol` once more, at `now`: the shard has opened again."""

    symbol: str
    now: int


class DepthHeard(Row, frozen=True):
    """The loop was told of a book at `now`."""

    depth: Depth
    now: int


class PrintHeard(Row, frozen=True):
    """The loop was told of an execution in the market at `now`."""

    printed: Print
    now: int


class WishHeard(Row, frozen=True):
    """A wish was decided at `now`; record `seq` of the journal keeps it, and what came of it."""

    now: int
    seq: int


class TimeHeard(Row, frozen=True):
    """Time was told: by the alarm, or by a wish that changed nothing itself."""

    now: int


class RowsLost(Row, frozen=True):
    """`count` rows before this one found no room on their way to the disk."""

    count: int


class SessionEnded(Row, frozen=True):
    """The recording ends here on purpose, for `reason`."""

    reason: str


AnyRow = (
    LoopMade
    | QuoteHeard
    | QuoteAgain
    | DepthHeard
    | PrintHeard
    | WishHeard
    | TimeHeard
    | RowsLost
    | SessionEnded
)  # fmt: skip

encode_row = msgspec.json.Encoder().encode
decode_row = msgspec.json.Decoder(AnyRow).decode


class Tape(Protocol):
    """Who notes what a loop is told; `after` is the shard's last record."""

    def made(self, after: int, settings: VenueSettings) -> None:
        """A loop begins."""
        ...

    def quote(self, after: int, quote: Quote, now: int) -> None:
        """A quote is told."""
        ...

    def depth(self, after: int, depth: Depth, now: int) -> None:
        """A book is told."""
        ...

    def printed(self, after: int, printed: Print, now: int) -> None:
        """An execution of others is told."""
        ...

    def wish(self, after: int, now: int, seq: int) -> None:
        """A wish was decided, in record `seq`."""
        ...

    def time(self, after: int, now: int) -> None:
        """Time is told."""
        ...


class TapedLoop(TradingLoop):
    """A TradingLoop that has all it is told noted on a tape, and decides exactly what any other would."""

    def __init__(
        self,
        state: State,
        settings: VenueSettings,
        quotes: Mapping[str, Quote],
        on_record: Callable[[Record], None],
        tape: Tape,
    ) -> None:
        super().__init__(Engine(state), SimulatedVenue(settings, state, quotes), quotes, on_record)
        self._settings = settings
        self._tape = tape

    def rebuild(self) -> None:
        """See TradingLoop."""
        self._tape.made(self._state.seq, self._settings)
        super().rebuild()

    def submit(self, command: AnyCommand, now: int) -> Record | None:
        """See TradingLoop."""
        after = self._state.seq
        record = super().submit(command, now)
        if record is None:
            self._tape.time(after, now)
        else:
            self._tape.wish(after, now, record.seq)
        return record

    def on_quote(self, quote: Quote, now: int) -> None:
        """See TradingLoop."""
        self._tape.quote(self._state.seq, quote, now)
        super().on_quote(quote, now)

    def on_depth(self, depth: Depth, now: int) -> None:
        """See TradingLoop."""
        self._tape.depth(self._state.seq, depth, now)
        super().on_depth(depth, now)

    def on_print(self, print_: Print, now: int) -> None:
        """See TradingLoop."""
        self._tape.printed(self._state.seq, print_, now)
        super().on_print(print_, now)

    def on_time(self, now: int) -> None:
        """See TradingLoop."""
        self._tape.time(self._state.seq, now)
        super().on_time(now)
