"""Why the support desk's own services say no."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class SupportCode(StrEnum):
    """Reasons, in the support door's words: no other door has these services."""

    TRADE_NOT_FOUND = "TRADE_NOT_FOUND"
    TRADE_HAS_OPEN_POSITION = "TRADE_HAS_OPEN_POSITION"
    TRADE_NOT_ADJUSTABLE = "TRADE_NOT_ADJUSTABLE"
    MIXED_CURRENCIES = "MIXED_CURRENCIES"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    VERSION_MISMATCH = "VERSION_MISMATCH"


class SupportRefused(Exception):
    """A wish of a support desk is refused; `details` are facts that JSON can hold."""

    def __init__(self, code: SupportCode, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})


def invalid(field: str, problem: str) -> SupportRefused:
    """One field that cannot be taken; `problem` says what was expected."""
    details = {"fields": [{"field": field, "problem": problem}]}
    return SupportRefused(SupportCode.VALIDATION_FAILED, f"{field} {problem}", details)
