"""Scanners: patterns looked for on the closed bars of many symbols."""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tradehall.app.records.users import DEFAULT_DOMAIN

KIND: Final = "scanner"

SCANNERS_MAX: Final = 200  # Of one owner, deleted ones included.
RUNNING_MAX: Final = 1_000  # Of the house.
UNIVERSE_MAX: Final = 200
NAME_LENGTH_MAX: Final = 80


class ScannerState(StrEnum):
    """idle ↔ running; any → deleted → idle."""

    IDLE = "idle"
    RUNNING = "running"
    DELETED = "deleted"


class Scanner(Struct, frozen=True, omit_defaults=True):
    """A scanner; instants in ns UTC.

    `pattern_type`: candlestick, chart, harmonic or condition; `pattern`: which one of them, "" for any or for
    a condition. `condition` is written as in a strategy's definition (`{"inputs": …, "when": …}`).
    """

    scanner_id: int
    keygen: str
    name: str
    pattern_type: str
    universe: tuple[str, ...]
    timeframe: str
    created_at: int
    updated_at: int
    domain: str = DEFAULT_DOMAIN
    user_id: int | None = None
    pattern: str = ""
    condition: dict[str, Any] | None = None
    state: ScannerState = ScannerState.RUNNING
    last_match_at: int | None = None
    match_count: int = 0
    deleted_at: int | None = None
    version: int = 1

    @property
    def is_deleted(self) -> bool:
        """Whether its owner does not see it any more."""
        return self.state is ScannerState.DELETED
