"""Parity of what lies in files: a data folder's journal and the sessions recorded beside it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from tradehall.adapters.clock import SimulatedClock
from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sessions.reader import find_sessions
from tradehall.adapters.sqlite.deployments import SqliteDeployments
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.backtests.deals import DealComparison, Deals, compared
from tradehall.app.backtests.deployed import DeployedRobot
from tradehall.app.records import deployments
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.strategies import VERSION_KIND, StrategyVersion, version_key
from tradehall.app.strategies.definitions import read_definition
from tradehall.backtests.parity.report import ParityReport, Progress, parity
from tradehall.backtests.parity.rerun import Assumptions
from tradehall.config import Config
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Timeframe
from tradehall.engine.events import InstrumentListed
from tradehall.engine.record import decode_facts, decode_record
from tradehall.ports.deployments import PAGE_MAX, Signal, SignalQuery
from tradehall.ports.journal import checked
from tradehall.venue.session import LoopMade, QuoteHeard
from tradehall.venue.settings import VenueSettings
from tradehall.wiring.feeds import make_feed

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


class DeploymentParity(Struct, frozen=True):
    """A deployment's session and its program over the same market; `name` of its strategy."""

    name: str
    deployment_id: int
    signals: int
    comparison: DealComparison


def deployment_parity_of(
    files: SqliteInspection, config: Config, recording: Path, deployment_id: int, progress: Progress
) -> DeploymentParity:
    """Run a deployment's program itself over what was recorded, and hold what it deals against what it dealt.

    AssumptionRefused: there is no such deployment, or it runs no block graph. RecordingMissing, FeedError.
    """
    folder = DataFolder(config.data)
    records = SqliteRecords(folder.records)
    try:
        deployment, version = _deployed(records, deployment_id)
        query = SignalQuery(deployment_id=deployment_id, limit=PAGE_MAX)
        said = _all_signals(SqliteDeployments(records), query)
    finally:
        records.close()
    state_symbols = _symbols(files)
    definition = read_definition(version.definition, state_symbols)
    sessions = find_sessions(recording)
    begins_at = next((row.now for row in sessions[0].rows() if isinstance(row, QuoteHeard) and row.now), 0)
    feed = make_feed(config, SimulatedClock(begins_at), folder)
    timeframe = Timeframe(version.timeframe)
    robot = DeployedRobot(deployment, definition, timeframe, feed.history, files, feed.bar_grace_ns)

    def payloads(after: int) -> Iterator[bytes]:
        return (entry.payload for entry in files.entries(after))

    report = parity([session.rows for session in sessions], payloads, files.head.seq, None, progress, robot)
    session = Deals(deployment_id)
    for stretch in report.stretches:
        for payload in islice(payloads(stretch.first - 1), stretch.last - stretch.tail - stretch.first + 1):
            session.take(decode_record(payload))
    return DeploymentParity(
        version_name(deployment), deployment_id, len(robot.signals),
        compared(session, robot.deals, said, robot.signals, robot.ends),
    )  # fmt: skip


def version_name(deployment: Deployment) -> str:
    """What a person calls the strategy of a deployment."""
    return f"strategy {deployment.keygen}, version {deployment.definition_version}"


def _deployed(records: SqliteRecords, deployment_id: int) -> tuple[Deployment, StrategyVersion]:
    body = records.get(deployments.KIND, str(deployment_id))
    if body is None:
        raise AssumptionRefused(f"there is no deployment {deployment_id}")
    deployment = msgspec.json.decode(body, type=Deployment)
    version = records.get(VERSION_KIND, version_key(deployment.strategy_id, deployment.definition_version))
    if version is None:
        raise AssumptionRefused(f"deployment {deployment_id} runs no block graph: only those can be run again here")
    return deployment, msgspec.json.decode(version, type=StrategyVersion)


def _all_signals(store: SqliteDeployments, query: SignalQuery) -> list[Signal]:
    found: list[Signal] = []
    while True:
        page, total = store.signals(msgspec.structs.replace(query, offset=len(found)))
        found += page
        if not page or len(found) >= total:
            return found


def _symbols(files: SqliteInspection) -> set[str]:
    return {
        event.instrument.symbol
        for entry in files.entries()
        if b'"InstrumentListed"' in entry.payload
        for event in decode_facts(entry.payload).events
        if isinstance(event, InstrumentListed)
    }


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
