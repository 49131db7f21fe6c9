"""Scanners as their owners make them."""

import uuid
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.scanners import (
    KIND,
    RUNNING_MAX,
    SCANNERS_MAX,
    UNIVERSE_MAX,
    Scanner,
    ScannerState,
)
from tradehall.app.strategies.registering import checked_name
from tradehall.app.strategies.strategies import Owner, checked_timeframe
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid, invalid_fields, version_mismatch
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.scanners import KNOWN_PATTERNS, PatternType, Scan, read_scan


class ScannerFields(Struct, frozen=True, kw_only=True):
    """What is said of a scanner; None: nothing. `pattern_type` may also name one pattern."""

    name: str | None = None
    pattern_type: str | None = None
    pattern: str | None = None
    condition: Any | UnsetType = UNSET
    universe: tuple[str, ...] | None = None
    timeframe: str | None = None
    state: str | None = None


class Scanners:
    """Scanners within a caller's reach."""

    def __init__(self, room: StudioRoom, instruments: Mapping[str, Instrument]) -> None:
        self._room = room
        self._instruments = instruments

    def get(self, reach: Reach, scanner_id: int) -> Scanner:
        """A scanner, deleted ones too; StudioRefused where there is none within reach."""
        return find_scanner(self._room.book, reach, scanner_id)

    def visible(self, reach: Reach) -> list[Scanner]:
        """All within reach, in no order."""
        return [each for each in self._room.book.scanners if reach.covers(each)]

    async def create(self, fields: ScannerFields, owner: Owner, *, by: Actor) -> Scanner:
        """A scanner that looks from the next bar on."""
        said = self._checked(fields, None)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Scanner]:
            if len(book.scanners.of_owner(owner.user_id)) >= SCANNERS_MAX:
                raise StudioRefused(StudioCode.LIMIT_REACHED, f"there are {SCANNERS_MAX} scanners already")
            number, count = book.next_number(book.scanners)
            state = _checked_running(book, ScannerState.RUNNING)
            scanner = Scanner(
                number, str(uuid.uuid4()), created_at=now, updated_at=now, domain=owner.domain,
                user_id=owner.user_id, **{**said, "state": said.get("state", state)},
            )  # fmt: skip
            line = audit_line(by, now, "scanner.create", (KIND, number), after=scanner)
            return StudioWrite([book.scanners.change(scanner), count], [line]), scanner

        return await self._room.change(decide)

    async def update(
        self, reach: Reach, scanner_id: int, fields: ScannerFields, *, by: Actor, expected: int | None = None
    ) -> Scanner:
        """Change what is looked for, where, or whether at all."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Scanner]:
            old = _at_version(find_scanner(book, reach, scanner_id), expected)
            if old.is_deleted:
                raise StudioRefused(StudioCode.PRECONDITION_FAILED, "the scanner is deleted: restore it first")
            said = self._checked(fields, old)
            if said.get("state") is ScannerState.RUNNING and old.state is not ScannerState.RUNNING:
                _checked_running(book, ScannerState.RUNNING)
            after = replace(old, **said, updated_at=now, version=old.version + 1)
            return _write(book, now, by, "scanner.update", old, after), after

        return await self._room.change(decide)

    async def delete(self, reach: Reach, scanner_id: int, *, by: Actor, expected: int | None = None) -> Scanner:
        """Stop and hide it; a second time changes nothing."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, Scanner]:
            old = _at_version(find_scanner(book, reach, scanner_id), expected)
            if old.is_deleted:
                return None, old
            after = replace(old, state=ScannerState.DELETED, deleted_at=now, updated_at=now, version=old.version + 1)
            return _write(book, now, by, "scanner.delete", old, after), after

        return await self._room.change(decide)

    async def restore(self, reach: Reach, scanner_id: int, *, by: Actor, expected: int | None = None) -> Scanner:
        """A deleted scanner, idle."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Scanner]:
            old = _at_version(find_scanner(book, reach, scanner_id), expected)
            if not old.is_deleted:
                raise StudioRefused(StudioCode.SCANNER_NOT_DELETED, f"scanner {scanner_id} is not deleted")
            after = replace(old, state=ScannerState.IDLE, deleted_at=None, updated_at=now, version=old.version + 1)
            return _write(book, now, by, "scanner.restore", old, after), after

        return await self._room.change(decide)

    def _checked(self, fields: ScannerFields, old: Scanner | None) -> dict[str, Any]:
        """The record's fields; StudioRefused for those that cannot be."""
        said: dict[str, Any] = {}
        if fields.name is not None or old is None:
            said["name"] = checked_name(fields.name or "").strip()
        if fields.universe is not None or old is None:
            said["universe"] = self._universe(fields.universe or ())
        if fields.timeframe is not None or old is None:
            said["timeframe"] = checked_timeframe(fields.timeframe or "")
        if fields.state is not None:
            said["state"] = _checked_state(fields.state)
        asks = (fields.pattern_type, fields.pattern) != (None, None) or fields.condition is not UNSET
        if old is None or asks:
            said |= _pattern(fields, old)
        return said

    def _universe(self, universe: tuple[str, ...]) -> tuple[str, ...]:
        if not 1 <= len(universe) <= UNIVERSE_MAX:
            raise invalid("universe", f"must name 1 to {UNIVERSE_MAX} symbols")
        found = {symbol: resolve_symbol(symbol, self._instruments) for symbol in universe}
        unknown = [(f"universe[{at}]", "is not listed") for at, symbol in enumerate(universe) if found[symbol] is None]
        if unknown:
            raise invalid_fields(unknown)
        return tuple(dict.fromkeys(symbol for symbol in found.values() if symbol is not None))


def scan_of(scanner: Scanner) -> Scan:
    """What a scanner looks for. DefinitionError where it means nothing any more."""
    return read_scan(scanner.pattern_type, scanner.pattern, scanner.condition)


def find_scanner(book: StudioBook, reach: Reach, scanner_id: int) -> Scanner:
    """The scanner within reach; StudioRefused otherwise."""
    found = book.scanners.get(scanner_id)
    if found is None or not reach.covers(found):
        raise StudioRefused(StudioCode.SCANNER_NOT_FOUND, "there is no such scanner")
    return found


def _pattern(fields: ScannerFields, old: Scanner | None) -> dict[str, Any]:
    """Type, pattern and condition; a type may be the name of one pattern."""
    kind = fields.pattern_type or (old.pattern_type if old else "")
    pattern = fields.pattern or ""
    named = named_pattern(kind)
    if named is not None:
        kind, pattern = named
    is_same_type = old is not None and kind == old.pattern_type
    condition = fields.condition
    if condition is UNSET:
        condition = old.condition if old is not None and is_same_type else None
    if fields.pattern is None and named is None and old is not None and is_same_type:
        pattern = old.pattern
    try:
        read_scan(kind, pattern, condition)
    except DefinitionError as error:
        raise invalid_fields([(problem.path, problem.problem) for problem in error.problems]) from None
    return {"pattern_type": kind, "pattern": pattern, "condition": condition}


def named_pattern(text: str) -> tuple[str, str] | None:
    """Type and name of the pattern that a text names, with or without CDL, in any case; None: it names none."""
    for kind, names in KNOWN_PATTERNS.items():
        for name in (text, text.upper(), f"CDL{text.upper()}", text.lower()):
            if name in names and text not in tuple(PatternType):
                return kind.value, name
    return None


def _checked_state(text: str) -> ScannerState:
    if text in (ScannerState.IDLE, ScannerState.RUNNING):
        return ScannerState(text)
    raise invalid("state", "must be idle or running")


def _checked_running(book: StudioBook, state: ScannerState) -> ScannerState:
    if sum(each.state is ScannerState.RUNNING for each in book.scanners) >= RUNNING_MAX:
        raise StudioRefused(StudioCode.LIMIT_REACHED, f"{RUNNING_MAX} scanners of the house are running already")
    return state


def _at_version(scanner: Scanner, expected: int | None) -> Scanner:
    if expected not in (None, scanner.version):
        raise version_mismatch(scanner.version, expected or 0)
    return scanner


def _write(book: StudioBook, now: int, by: Actor, action: str, old: Scanner, after: Scanner) -> StudioWrite:
    line = audit_line(by, now, action, (KIND, after.scanner_id), before=old, after=after)
    return StudioWrite([book.scanners.change(after)], [line])
