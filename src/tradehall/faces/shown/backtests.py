"""Backtests: what they came to."""

from typing import Any

from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.faces.shown.texts import instants_told


def backtest_metrics(found: BacktestRun) -> dict[str, Any] | None:
    """The figures of a run that is completed, as docs/metrics.md defines them; its first and last instant as text."""
    return None if found.metrics is None else instants_told(found.metrics, "start", "end")
