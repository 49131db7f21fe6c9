"""Why the studio says no: one exception, a code for programs, a sentence for people, the facts behind it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class StudioCode(StrEnum):
    """Reasons; each door has its own words for them."""

    STRATEGY_NOT_FOUND = "STRATEGY_NOT_FOUND"
    DEPLOYMENT_NOT_FOUND = "DEPLOYMENT_NOT_FOUND"
    SCANNER_NOT_FOUND = "SCANNER_NOT_FOUND"
    BACKTEST_NOT_FOUND = "BACKTEST_NOT_FOUND"
    NOT_FOUND = "NOT_FOUND"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    STRATEGY_TAKEN = "STRATEGY_TAKEN"
    STRATEGY_HAS_LIVE_DEPLOYMENTS = "STRATEGY_HAS_LIVE_DEPLOYMENTS"
    STRATEGY_NOT_DELETED = "STRATEGY_NOT_DELETED"
    STRATEGY_DELETED = "STRATEGY_DELETED"
    NOT_PUBLISHABLE = "NOT_PUBLISHABLE"
    NOT_DEPLOYABLE = "NOT_DEPLOYABLE"
    NOT_BACKTESTABLE = "NOT_BACKTESTABLE"
    LIVE_UNAVAILABLE = "LIVE_UNAVAILABLE"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    BUDGET_REFUSED = "BUDGET_REFUSED"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    DEPLOYMENT_ACTIVE = "DEPLOYMENT_ACTIVE"
    SCANNER_NOT_DELETED = "SCANNER_NOT_DELETED"
    BACKTEST_NOT_READY = "BACKTEST_NOT_READY"
    LIMIT_REACHED = "LIMIT_REACHED"
    QUEUE_FULL = "QUEUE_FULL"


class StudioRefused(Exception):
    """A wish about strategies and what they do is refused; `details` are facts that JSON can hold."""

    def __init__(self, code: StudioCode, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})


def invalid(field: str, problem: str) -> StudioRefused:
    """One field that cannot be taken; `problem` says what was expected."""
    return invalid_fields([(field, problem)])


def invalid_fields(problems: list[tuple[str, str]]) -> StudioRefused:
    """Fields that cannot be taken."""
    fields = [{"field": field, "problem": problem} for field, problem in problems]
    text = "; ".join(f"{field} {problem}" for field, problem in problems[:3])
    return StudioRefused(StudioCode.VALIDATION_FAILED, text, {"fields": fields})


def version_mismatch(is_version: int, expected: int) -> StudioRefused:
    """Somebody else changed the object meanwhile."""
    details = {"version": is_version, "expected": expected}
    return StudioRefused(StudioCode.VERSION_MISMATCH, f"it has version {is_version}, {expected} was expected", details)
