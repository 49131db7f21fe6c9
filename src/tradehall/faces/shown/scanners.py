"""Scanners."""

from typing import Any

from msgspec import Struct

from tradehall.app.records.scanners import Scanner
from tradehall.domain.time import to_rfc3339
from tradehall.faces.shown.texts import stamp


class ScannerShown(Struct, frozen=True, kw_only=True):
    """A scanner with what it found so far."""

    id: int
    keygen: str
    user_id: int | None
    name: str
    pattern_type: str
    universe: list[str]
    timeframe: str
    state: str
    last_match_at: str | None
    match_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


def scanner_fields(found: Scanner, last_match_at: int | None, match_count: int) -> dict[str, Any]:
    """The fields of ScannerShown."""
    return {
        "id": found.scanner_id,
        "keygen": found.keygen,
        "user_id": found.user_id,
        "name": found.name,
        "pattern_type": found.pattern_type,
        "universe": list(found.universe),
        "timeframe": found.timeframe,
        "state": found.state.value,
        "last_match_at": stamp(last_match_at),
        "match_count": match_count,
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "deleted_at": stamp(found.deleted_at),
        "version": found.version,
    }
