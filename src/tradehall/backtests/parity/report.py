"""Parity of a recorded session: run all its stretches again, compare, and say what differs and why."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.backtests.parity.comparing import Raw, divergences_of
from tradehall.backtests.parity.cursor import Payloads
from tradehall.backtests.parity.divergence import Cause, CauseKind, Difference, Divergence
from tradehall.backtests.parity.rerun import Assumptions, Rerun, Robot
from tradehall.backtests.parity.stretches import Gap, Stretch, survey
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.engine.events import InstrumentListed
from tradehall.engine.record import RecordFacts, decode_facts, decode_record
from tradehall.engine.replay import decode_snapshot, encode_snapshot, fold, redecide
from tradehall.engine.state import State
from tradehall.venue.session import AnyRow, LoopMade

# A process that is killed takes the rows of its recorder's last wait with it; what the journal has beyond this is
# missing for another reason.
TAIL_NS_MAX: Final = 2 * NS_PER_SECOND

Progress = Callable[[int, int], None]
Rows = Callable[[], Iterable[AnyRow]]


class StretchSummary(Struct, frozen=True):
    """What was compared of one stretch; instants in ns UTC, `first` and `last` are records of the journal.

    `tail`: records that a killed process did not get recorded any more. `undurable`: decisions it lost.
    """

    first: int
    last: int
    row_count: int
    matched: int
    fills_matched: int
    tail: int
    undurable: int
    is_ended: bool
    gaps: list[Gap]
    version: str


class ParityReport(Struct, frozen=True):
    """All that was found; `assumed`: what was to be otherwise than in the session, in words."""

    stretches: list[StretchSummary]
    divergences: list[Divergence]
    assumed: list[str]

    @property
    def is_same(self) -> bool:
        """Whether the re-run is the session, event for event."""
        return not self.divergences

    @property
    def matched(self) -> int:
        """Records that are equal byte for byte."""
        return sum(each.matched for each in self.stretches)

    @property
    def fills_matched(self) -> int:
        """Fills in them."""
        return sum(each.fills_matched for each in self.stretches)


def parity(
    sessions: Sequence[Rows],
    payloads: Payloads,
    head: int,
    assumptions: Assumptions | None = None,
    progress: Progress = lambda done, total: None,
    robot: Robot | None = None,
) -> ParityReport:
    """Run recorded sessions again and hold them against the journal, whose last record is `head`.

    `sessions`: for each, oldest first, what gives its rows; they are read twice. Each stretch begins on the state the
    journal has then, so nothing of one stretch follows into the next. `robot`: a strategy that is run itself.
    """
    return _Parity(sessions, payloads, head, assumptions or Assumptions(), progress, robot).run()


class _Parity:
    def __init__(
        self,
        sessions: Sequence[Rows],
        payloads: Payloads,
        head: int,
        assumptions: Assumptions,
        progress: Progress,
        robot: Robot | None,
    ) -> None:
        self._sessions = sessions
        self._payloads = payloads
        self._assumptions = assumptions
        self._progress = progress
        self._robot = robot
        self._stretches = survey([rows() for rows in sessions], head)
        self._total = sum(stretch.row_count for stretch in self._stretches)
        self._done = 0
        self._base = State()
        self._summaries: list[StretchSummary] = []
        self._divergences: list[Divergence] = []
        self._rules: dict[int, str] | None = None

    def run(self) -> ParityReport:
        waiting = iter(self._stretches)
        for number, rows in enumerate(self._sessions):
            quotes: dict[str, Quote] = {}
            count = sum(stretch.session == number for stretch in self._stretches)
            parted = _Parted(rows())
            for _ in range(count):
                self._stretch(next(waiting), parted.next_part(), quotes)
        self._progress(self._total, self._total)
        return ParityReport(self._summaries, self._divergences, self._assumed())

    def _stretch(self, stretch: Stretch, rows: Iterator[AnyRow], quotes: dict[str, Quote]) -> None:
        if stretch.made.is_start:
            quotes.clear()
        rerun = Rerun(
            stretch, self._state_at(stretch.made.after), quotes, self._payloads, self._assumptions, self._robot
        )
        rerun.play(self._counted(rows))
        for _ in rows:
            pass  # Behind a fault: the next stretch begins with its own row.
        tail = self._tail(stretch, rerun)
        self._summaries.append(
            StretchSummary(
                stretch.made.after + 1, stretch.until, stretch.row_count, rerun.matched, rerun.fills_matched, tail,
                rerun.undurable, stretch.is_ended, stretch.gaps, stretch.made.version,
            )
        )  # fmt: skip
        if rerun.fault is not None:
            self._add_fault(stretch, *rerun.fault)
        if rerun.has_diverged:
            explain = _Explaining(self, stretch).explain
            self._divergences += divergences_of(rerun, explain, len(self._divergences) + 1)

    def _state_at(self, seq: int) -> State:
        """The state after record `seq`, to be changed by whoever asked."""
        if self._base.seq < seq:
            for payload in self._payloads(self._base.seq):
                fold(self._base, self._as_assumed(decode_facts(payload)))
                if self._base.seq == seq:
                    break
        return State.restore(decode_snapshot(encode_snapshot(self._base.snapshot())))

    def _as_assumed(self, facts: RecordFacts) -> RecordFacts:
        changed = self._assumptions.instruments
        if not changed:
            return facts
        events = tuple(
            InstrumentListed(changed[event.instrument.symbol])
            if isinstance(event, InstrumentListed) and event.instrument.symbol in changed
            else event
            for event in facts.events
        )
        return msgspec.structs.replace(facts, events=events)

    def _counted(self, rows: Iterator[AnyRow]) -> Iterator[AnyRow]:
        for row in rows:
            yield row
            self._done += 1
            if self._done % 1_000 == 0:
                self._progress(self._done, self._total)

    # What the recording does not reach.

    def _tail(self, stretch: Stretch, rerun: Rerun) -> int:
        """How many records a killed process did not get recorded; more than that is a divergence."""
        if rerun.not_covered is None or rerun.fault is not None:
            return 0
        first, last = rerun.not_covered
        at = self._instant_of(last)
        if at - stretch.last_at > TAIL_NS_MAX:
            sentence = (
                f"the recording ends at {to_rfc3339(stretch.last_at)}, without saying that it does:"
                f" records {first} to {last}, until {to_rfc3339(at)}, have nothing to be held against"
            )
            self._add(
                Difference.NOT_COVERED, at, first, f"records {first} to {last}", CauseKind.RECORDING_ENDS, sentence
            )
        return last - first + 1

    def _instant_of(self, seq: int) -> int:
        return decode_facts(next(self._payloads(seq - 1))).now

    def _add_fault(self, stretch: Stretch, after: int, text: str) -> None:
        sentence = f"a decision behind record {after} broke off in the re-run"
        self._add(Difference.BROKE_OFF, stretch.last_at, after, text, CauseKind.FAULT, sentence)

    def _add(self, difference: Difference, at: int, seq: int, text: str, kind: CauseKind, sentence: str) -> None:
        is_fault = difference is Difference.BROKE_OFF
        self._divergences.append(
            Divergence(
                number=len(self._divergences) + 1, difference=difference, at=at, seq=seq, account_id=None, symbol=None,
                order_id=None, session="–" if is_fault else text, rerun=text if is_fault else "–",
                cause=Cause(kind, sentence),
            )
        )  # fmt: skip

    # What is otherwise than in the session.

    def _assumed(self) -> list[str]:
        made = {stretch.made.settings: None for stretch in self._stretches}
        return [line for settings in made for line in self.settings_changed(settings)] + self._instruments_changed()

    def settings_changed(self, settings: Struct) -> list[str]:
        """What of the venue's settings is otherwise, in words."""
        assumed = self._assumptions.venue
        return [] if assumed is None else [f"venue {line}" for line in _changes(settings, assumed)]

    def _instruments_changed(self) -> list[str]:
        return [
            f"{symbol} {line}"
            for symbol, instrument in self._assumptions.instruments.items()
            for line in self.instrument_changed(symbol, instrument)
        ]

    def instrument_changed(self, symbol: str, assumed: Struct) -> list[str]:
        """What of an instrument's rules is otherwise, in words."""
        listed: Struct | None = None
        for payload in self._payloads(0):
            if symbol.encode() in payload and b'"InstrumentListed"' in payload:
                for event in decode_facts(payload).events:
                    if isinstance(event, InstrumentListed) and event.instrument.symbol == symbol:
                        listed = event.instrument
        return [] if listed is None else _changes(listed, assumed)

    def rule_changed(self, seq: int) -> str | None:
        """Whether record `seq` would be decided differently today, on its own state and quotes."""
        if self._rules is None:
            decided = redecide(map(decode_record, self._payloads(0)))
            self._rules = {
                each.seq: each.error or f"today it comes to {msgspec.json.encode(each.found).decode()}"
                for each in decided
                if each is not None
            }
        return self._rules.get(seq)

    @property
    def assumed_instruments(self) -> list[str]:
        """Symbols whose rules are otherwise."""
        return list(self._assumptions.instruments)


class _Explaining:
    """Causes that are not the own of one record: settings, rules, gaps."""

    def __init__(self, parity: _Parity, stretch: Stretch) -> None:
        self._parity = parity
        self._stretch = stretch
        self._settings = parity.settings_changed(stretch.made.settings)

    def explain(self, raw: Raw) -> Cause | None:
        """The cause of a divergence; None if none is known."""
        assumed = list(self._settings)
        if raw.symbol in self._parity.assumed_instruments:
            assumed.append(f"the rules of {raw.symbol}")
        if assumed:
            return Cause(CauseKind.SETTING_CHANGED, "; ".join(assumed))
        gaps = [gap for gap in self._stretch.gaps if gap.after <= raw.seq]
        if gaps:
            return Cause(CauseKind.ROWS_MISSING, "; ".join(gap.sentence for gap in gaps))
        rule = self._parity.rule_changed(raw.seq) if raw.is_of_session else None
        return None if rule is None else Cause(CauseKind.RULE_CHANGED, f"record {raw.seq}: {rule}")


class _Parted:
    """Rows of a session, handed out part by part: each from one beginning of a loop to the next."""

    def __init__(self, rows: Iterable[AnyRow]) -> None:
        self._rows = iter(rows)
        self._is_at_beginning = any(isinstance(row, LoopMade) for row in self._rows)

    def next_part(self) -> Iterator[AnyRow]:
        """The rows behind a beginning, up to the next; to be read to the end before the next part is asked for."""
        assert self._is_at_beginning, "there is no further part"
        self._is_at_beginning = False
        for row in self._rows:
            if isinstance(row, LoopMade):
                self._is_at_beginning = True
                return
            yield row


def _changes(before: Struct, after: Struct) -> list[str]:
    return [
        f"{name}: {_text(getattr(before, name))} → {_text(getattr(after, name))}"
        for name in before.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    ]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, Struct) else str(value)
