"""Parity of what lies in files: a data folder's journal and the sessions recorded beside it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from tradehall.adapters.sessions.reader import find_sessions
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.backtests.parity.report import ParityReport, Progress, parity
from tradehall.backtests.parity.rerun import Assumptions
from tradehall.domain.instrument import Instrument
from tradehall.engine.events import InstrumentListed
from tradehall.engine.record import decode_facts
from tradehall.ports.journal import checked
from tradehall.venue.session import LoopMade
from tradehall.venue.settings import VenueSettings

S = TypeVar("S", bound=Struct)


class AssumptionRefused(Exception):
    """Something cannot be assumed; the text says what can."""


def parity_of(
    files: SqliteInspection, recording: Path, assumptions: Assumptions, progress: Progress
) -> tuple[ParityReport, list[str]]:
    """Run what was recorded in `recording` again, and the damage found in its files.

    RecordingMissing: there is nothing. JournalDamaged: the journal cannot be trusted.
    """
    for _ in checked(files.entries()):
        pass  # What the re-run is held against must itself be sound.
    sessions = find_sessions(recording)

    def payloads(after: int) -> Iterator[bytes]:
        return (entry.payload for entry in files.entries(after))

    report = parity([session.rows for session in sessions], payloads, files.head.seq, assumptions, progress)
    return report, [line for session in sessions for line in session.damage]


def assumptions_of(files: SqliteInspection, recording: Path, wishes: Mapping[str, str]) -> Assumptions:
    """What is to be otherwise: by path (`venue.latency_ns`, `AAPL.commission.fixed`) the text of its value.

    AssumptionRefused for a symbol that was never listed, for what is no rule or setting, and for senseless values.
    """
    venue: VenueSettings | None = None
    instruments: dict[str, Instrument] = {}
    for path, text in wishes.items():
        subject, *names = path.split(".")
        if subject == "venue":
            venue = _altered(venue or _recorded_settings(recording), names, text)
        else:
            known = instruments.get(subject) or _listed(files, subject)
            instruments[subject] = _altered(known, names, text)
    return Assumptions(venue, instruments)


def _recorded_settings(recording: Path) -> VenueSettings:
    rows = (row for session in find_sessions(recording) for row in session.rows())
    return next((row.settings for row in rows if isinstance(row, LoopMade)), VenueSettings())


def _listed(files: SqliteInspection, symbol: str) -> Instrument:
    """An instrument's rules as they were listed last."""
    found: Instrument | None = None
    for entry in files.entries():
        if b'"InstrumentListed"' in entry.payload:
            for event in decode_facts(entry.payload).events:
                if isinstance(event, InstrumentListed) and event.instrument.symbol == symbol:
                    found = event.instrument
    if found is None:
        raise AssumptionRefused(
            f"the journal lists no instrument {symbol}; what can be assumed begins with one, or venue"
        )
    return found


def _altered(words: S, names: list[str], text: str) -> S:
    if not names or names[0] not in words.__struct_fields__:
        known = ", ".join(words.__struct_fields__)
        raise AssumptionRefused(f"{'.'.join(names) or 'nothing'} cannot be assumed; expected one of {known}")
    name, *rest = names
    before = getattr(words, name)
    try:
        value = _altered(before, rest, text) if rest else _read(type(words), name, text)
        return msgspec.structs.replace(words, **{name: value})
    except (AttributeError, ValueError) as error:  # A rule without parts; msgspec's complaints are ValueErrors.
        sentence = f"{'.'.join(names)} cannot be {text}: {error}"
        raise AssumptionRefused(sentence) from None


def _read(kind: type[Struct], name: str, text: str) -> Any:
    hint = get_type_hints(kind)[name]
    return None if text == "none" else msgspec.convert(text, hint, strict=False)
