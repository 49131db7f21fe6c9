"""Re-run: a stretch of a recorded session through a fresh trading loop.

Market data and instants come from the recording, wishes from the journal; what engine and venue tell each other they
must find again themselves.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from tradehall.backtests.parity.cursor import Cursor, Payloads
from tradehall.backtests.parity.divergence import Cause, CauseKind
from tradehall.backtests.parity.sides import OWN_COMMANDS, Side
from tradehall.backtests.parity.stretches import Stretch
from tradehall.domain.fill import VenueFilled
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Print, Quote
from tradehall.domain.time import to_rfc3339
from tradehall.engine.commands import AnyCommand, ListInstrument, PlaceOrder, ReportExecution
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.session import (
    AnyRow,
    DepthHeard,
    PrintHeard,
    QuoteAgain,
    QuoteHeard,
    TimeHeard,
    WishHeard,
)
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Assumptions(Struct, frozen=True):
    """What is to be otherwise than in the session: the venue's settings, the rules of some instruments."""

    venue: VenueSettings | None = None
    instruments: dict[str, Instrument] = {}


class Robot(Protocol):
    """A strategy that is run itself: its wishes in the journal are left out, and those it makes here are taken."""

    def begin(
        self, state: State, quotes: Mapping[str, Quote], submit: Callable[[AnyCommand, int], Record | None]
    ) -> None:
        """A stretch begins on `state`; `submit` decides a wish at an instant."""
        ...

    def owns(self, command: AnyCommand) -> bool:
        """Whether a wish of the session is its own."""
        ...

    def on_record(self, record: Record) -> None:
        """Something was decided in the re-run."""
        ...

    def before(self, now: int) -> None:
        """What is due before `now` is to be done, each at its own instant."""
        ...

    def on_quote(self, quote: Quote, now: int) -> None:
        """The loop has been told of a quote."""
        ...

    def on_print(self, printed: Print, now: int) -> None:
        """The loop has been told of an execution of others."""
        ...


class Rerun:
    """One stretch, run again on `state` as it was when the stretch began; `quotes` as they were, kept up here.

    Until the first record that differs everything is compared byte by byte and nothing kept; from then on `session`
    and `rerun` hold both sides. `causes`: by record of the session, what is known to have been otherwise for it.
    """

    def __init__(
        self,
        stretch: Stretch,
        state: State,
        quotes: dict[str, Quote],
        payloads: Payloads,
        assumptions: Assumptions,
        robot: Robot | None = None,
    ) -> None:
        self.session = Side()
        self.rerun = Side()
        self.causes: dict[int, Cause] = {}
        self.matched = 0
        self.fills_matched = 0
        self.undurable = 0
        self.has_diverged = False
        self.fault: tuple[int, str] | None = None
        # The first record of each side that differs.
        self.first: tuple[Record | None, Record | None] = (None, None)
        self._stretch = stretch
        self._quotes = quotes
        self._assumptions = assumptions
        self._expected = Cursor(payloads, stretch.made.after, stretch.until)
        self._wishes = Cursor(payloads, stretch.made.after, stretch.until)
        self._wish: int | None = None
        self._told_at = 0  # When the loop was last told anything, and when the session's last record was made.
        self._made_at = state.now
        settings = assumptions.venue or stretch.made.settings
        venue = SimulatedVenue(settings, state, quotes)
        self._loop = TradingLoop(Engine(state), venue, quotes, self._on_record)
        self._loop.rebuild()
        self._robot = robot
        if robot is not None:
            robot.begin(state, quotes, self._loop.submit)

    @property
    def not_covered(self) -> tuple[int, int] | None:
        """First and last record that the recording does not reach; None: it reaches them all."""
        first = self._expected.seq
        return None if first is None else (first, self._stretch.until)

    def play(self, rows: Iterable[AnyRow]) -> None:
        """Tell the loop all `rows` of the stretch. A decision that breaks off ends it and is kept in `fault`."""
        stretch = self._stretch
        for row in rows:
            try:
                self._place_wishes(row.after)
                self._expect(row.after)
                if isinstance(row, QuoteHeard):
                    self._quotes[row.quote.symbol] = row.quote  # On the board, whoever is told of it.
                # What was told after the last record that was kept is not known to have come to anything.
                if row.after <= stretch.until:
                    self._told_at = getattr(row, "now", None) or self._told_at
                    if self._robot is not None:
                        self._robot.before(self._told_at)
                    self._tell(row)
            except Exception:
                self.fault = (row.after, traceback.format_exc())
                self.has_diverged = True
                return
        if stretch.is_ended:
            self._place_wishes(stretch.until)
            self._expect(stretch.until)

    def _tell(self, row: AnyRow) -> None:
        if isinstance(row, QuoteHeard):
            if row.now is not None:
                self._loop.on_quote(row.quote, row.now)
                if self._robot is not None:
                    self._robot.on_quote(row.quote, row.now)
        elif isinstance(row, WishHeard):
            record = self._wishes.wish(row.seq)
            if record is not None:
                self._submit(record, row.now)
        elif isinstance(row, TimeHeard):
            self._loop.on_time(row.now)
        elif isinstance(row, DepthHeard):
            self._loop.on_depth(row.depth, row.now)
        elif isinstance(row, PrintHeard):
            self._loop.on_print(row.printed, row.now)
            if self._robot is not None:
                self._robot.on_print(row.printed, row.now)
        elif isinstance(row, QuoteAgain) and row.symbol in self._quotes:
            self._loop.on_quote(self._quotes[row.symbol], row.now)

    def _place_wishes(self, until: int) -> None:
        """Wishes that the journal has and the recording does not: they come when they were decided."""
        while (record := self._wishes.wish(until)) is not None:
            sentence = f"no row says when the wish of record {record.seq} came: it is told at the instant of its record"
            self.causes.setdefault(record.seq, Cause(CauseKind.WISH_UNPLACED, sentence))
            self._submit(record, record.now)

    def _submit(self, record: Record, now: int) -> None:
        if self._robot is not None and self._robot.owns(record.command):
            return  # It makes its own.
        if self.has_diverged:
            self._expect(record.seq - 1)  # What the wish may name must be known on both sides.
        self._wish, self._told_at = record.seq, now
        self._loop.submit(self._translated(record.command), now)
        self._wish = None

    # Comparing.

    def _on_record(self, found: Record) -> None:
        if self._robot is not None:
            self._robot.on_record(found)
        if not self.has_diverged:
            if self._expected.holds(found):
                self._made_at = found.now
                self.matched += 1
                self.fills_matched += sum(type(event).__name__ == "OrderFilled" for event in found.events)
                return
            if found.seq > self._stretch.until and not self._stretch.is_ended:
                self.undurable += 1  # Decided, and lost with the process before it was durable.
                return
            self.has_diverged = True
        self._note_first(None, found)
        self.rerun.take(found, self._wish if type(found.command) not in OWN_COMMANDS else None)

    def _number_of(self, record: Record) -> int | None:
        """The number of a wish of the session; None: it is the house's own, or the robot's."""
        is_own = type(record.command) in OWN_COMMANDS
        return None if is_own or (self._robot is not None and self._robot.owns(record.command)) else record.seq

    def _expect(self, until: int) -> None:
        """Records up to `until` were made by what was told so far: what has not been found again differs."""
        while (seq := self._expected.seq) is not None and seq <= until:
            self.has_diverged = True
            record = self._expected.take()
            self._note_first(record, None)
            self._look_at_inputs(record)
            self._made_at = record.now
            self.session.take(record, self._number_of(record))

    def _note_first(self, was: Record | None, came: Record | None) -> None:
        self.first = (self.first[0] or was, self.first[1] or came)

    def _look_at_inputs(self, record: Record) -> None:
        for quote in record.quotes:
            known = self._quotes.get(quote.symbol)
            if known != quote:
                self._blame_quote(record, quote.symbol, f"{quote.bid}/{quote.ask}", known)
        report = record.command.report if isinstance(record.command, ReportExecution) else None
        if isinstance(report, VenueFilled) and report.bid is not None:
            symbol = _symbol_of(record)
            known = self._quotes.get(symbol) if symbol is not None else None
            if known is None or (known.bid, known.ask) != (report.bid, report.ask):
                self._blame_quote(record, symbol or "?", f"{report.bid}/{report.ask}", known)
        # A record is made when the loop is told something, or a nanosecond after the one before.
        if record.now not in (self._told_at, self._made_at + 1):
            sentence = f"record {record.seq} was made at {to_rfc3339(record.now)}; no row was told then"
            self.causes.setdefault(record.seq, Cause(CauseKind.INSTANT_MISSING, sentence))

    def _blame_quote(self, record: Record, symbol: str, wanted: str, known: Quote | None) -> None:
        held = "none at all" if known is None else f"{known.bid}/{known.ask}"
        sentence = f"record {record.seq} was decided on the quote {wanted} of {symbol}; the recording has {held} then"
        self.causes.setdefault(record.seq, Cause(CauseKind.QUOTE_MISSING, sentence))

    # Numbers of orders that have shifted.

    def _translated(self, command: AnyCommand) -> AnyCommand:
        if isinstance(command, ListInstrument):
            changed = self._assumptions.instruments.get(command.instrument.symbol)
            return command if changed is None else ListInstrument(changed)
        if not self.has_diverged:
            return command
        if isinstance(command, PlaceOrder):
            terms = command.terms
            return msgspec.structs.replace(command, terms=_renumbered(terms, self._number_here))
        return _renumbered(command, self._number_here)  # type: ignore[no-any-return]

    def _number_here(self, order_id: int) -> int:
        """The re-run's number of what the session calls `order_id`; its own where the re-run has no such thing."""
        here = self.rerun.order_id(self.session.key(order_id))
        return order_id if here is None else here


_NUMBERED: Final = ("order_id", "position_id")


def _renumbered(words: Any, number: Callable[[int], int]) -> Any:
    changes = {name: number(value) for name in _NUMBERED if (value := getattr(words, name, None)) is not None}
    return msgspec.structs.replace(words, **changes) if changes else words


def _symbol_of(record: Record) -> str | None:
    for event in record.events:
        if type(event).__name__ == "OrderFilled":
            return event.fill.symbol  # type: ignore[union-attr]
    return None
