"""Backtest runs: a strategy over the past, queued, run beside the loop, kept with its figures."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tradehall.app.records.users import DEFAULT_DOMAIN

KIND: Final = "backtest_run"
# Its report (HTML) and round trips (JSON), which lists need not carry.
REPORT_KIND: Final = "backtest_report"
ROUND_TRIPS_KIND: Final = "backtest_round_trips"

RUNS_KEPT_MAX: Final = 200  # Of one owner; beyond it the oldest that are over go.
QUEUE_MAX: Final = 50  # Of the house.


class RunState(StrEnum):
    """queued → running → completed; both → failed or cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER: Final = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})


class BacktestRun(Struct, frozen=True, omit_defaults=True):
    """A backtest of one version of a strategy; instants in ns UTC.

    `since`, `until`: the period asked for, None: all there is. `initial_cash` [account currency]. `costs`:
    as they were asked for. `progress` 0 to 1. `metrics`: figures by name, when completed.
    """

    run_id: int
    strategy_id: int
    keygen: str
    definition_version: int
    symbols: tuple[str, ...]
    timeframe: str
    created_at: int
    updated_at: int
    domain: str = DEFAULT_DOMAIN
    user_id: int | None = None
    since: int | None = None
    until: int | None = None
    initial_cash: Decimal = Decimal(100_000)
    costs: dict[str, Any] = {}
    state: RunState = RunState.QUEUED
    progress: float = 0.0
    reason: str | None = None
    metrics: dict[str, Any] | None = None
    started_at: int | None = None
    ended_at: int | None = None
    version: int = 1

    @property
    def is_over(self) -> bool:
        """Whether it changes no more."""
        return self.state in OVER
