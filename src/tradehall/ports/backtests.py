"""Backtests that the studio asks for: what is run, by whom, and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from msgspec import Struct

from tradehall.domain.instrument import Instrument

BARS_MAX: Final = 500_000  # Of all symbols and timeframes of one run.


class BarRows(Struct, frozen=True):
    """Closed bars of one symbol and timeframe as columns, oldest first; `at` are starts [ns UTC]."""

    symbol: str
    timeframe: str
    at: Sequence[int]
    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float]


class BacktestJob(Struct, frozen=True, kw_only=True):
    """A definition on some symbols over the past; instants in ns UTC.

    `bars` reach further back than `begins_at`, for indicators to warm up. `costs`: see docs/faces/studio.md.
    """

    name: str
    keygen: str
    definition: dict[str, Any]
    timeframe: str
    symbols: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    bars: tuple[BarRows, ...]
    cash: Decimal
    costs: dict[str, Any] = {}
    begins_at: int | None = None
    ends_at: int | None = None


class BacktestDone(Struct, frozen=True):
    """What a run found: figures by name, round trips (JSON), and the report as a page (HTML)."""

    metrics: dict[str, Any]
    round_trips: bytes
    report: bytes


class BacktestFailed(Exception):
    """A run that did not reach its end; the text is a sentence that says why."""


class BacktestWorker(Protocol):
    """Runs jobs beside the server."""

    async def run(self, job: BacktestJob, on_progress: Callable[[float], None]) -> BacktestDone:
        """Run one to its end; who is cancelled leaves nothing running. BacktestFailed."""
        ...


# What may be said of costs, and what it means; rates are shares, not percent.
COST_NAMES: Final[Mapping[str, str]] = {
    "taker_rate": "share of notional, of fills that take",
    "maker_rate": "share of notional, of fills that make",
    "per_unit": "money for each unit",
    "fixed": "money for each fill",
    "minimum": "least money for a fill",
    "spread": "price between bid and ask",
    "spread_rate": "the same as a share of the price",
    "leverage": "notional / margin",
}
