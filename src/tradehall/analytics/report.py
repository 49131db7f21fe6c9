"""The report of a backtest as plain values: what the runner fills in, and the JSON and HTML reports print."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradehall.analytics.equity import EquityCurve
from tradehall.analytics.metrics import Metrics
from tradehall.analytics.round_trips import RoundTrip
from tradehall.analytics.thinning import Thinned
from tradehall.domain.money import ZERO


class Provenance(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Where a line of the past came from. `digest`: of the files, so that the same data can be told again."""

    source: str
    symbol: str
    kind: str = "bars"
    timeframe: str = ""
    rows: int = 0
    first_at: int = 0
    last_at: int = 0
    digest: str = ""
    notes: tuple[str, ...] = ()


class Series(Struct, frozen=True, gc=False, omit_defaults=True):
    """A line for a chart, thinned: `at` [ns UTC] rising, a value for each."""

    at: list[int] = []
    values: list[float] = []

    @classmethod
    def of(cls, line: Thinned | EquityCurve) -> "Series":
        """What is left of a long series."""
        at, values = line.points()
        return cls(at.tolist(), values.tolist())


class Costs(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What trading cost [account currency], positive when paid; `swaps` signed as booked (negative: paid).

    `spread`: half the spread of each fill's quote × units. `slippage`: what fills were worse than the touch.
    Both are part of the prices and therefore of the P&L already; None where nobody reckoned them.
    """

    commission: Decimal = ZERO
    swaps: Decimal = ZERO
    spread: Decimal | None = None
    slippage: Decimal | None = None


def costs_of(
    round_trips: Iterable[RoundTrip], *, spread: Decimal | None = None, slippage: Decimal | None = None
) -> Costs:
    """What round trips paid, those still open too."""
    trips = list(round_trips)
    commission, swaps = sum((trip.fees for trip in trips), ZERO), sum((trip.swaps for trip in trips), ZERO)
    return Costs(commission=commission, swaps=swaps, spread=spread, slippage=slippage)


class Skipped(Struct, frozen=True, gc=False, omit_defaults=True):
    """How much of the past the exact engine needed to see: `visited` of `total` quotes or bars."""

    total: int = 0
    visited: int = 0
    reason: str = ""

    @property
    def share(self) -> float:
        """Share that could not matter and was not visited; 0 of nothing."""
        return 1.0 - self.visited / self.total if self.total else 0.0


class Failure(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why the run ended early: `traceback` as Python prints it, `at` the simulated instant [ns UTC]."""

    traceback: str
    at: int = 0
    state: str = ""


class BacktestReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is told about a run. With `failure` it is incomplete, and says so.

    `symbols`: the first is the one held in buy-and-hold. `prices` per symbol, `equity` marked to them. `metrics`:
    from the marked equity; `closed`: from closed round trips alone, as a deployment is measured. `monthly`:
    "2025-01" → return. `settings` and `conventions`: name → plain words.
    """

    strategy: str
    start: int
    end: int
    currency: str
    symbols: tuple[str, ...]
    metrics: Metrics
    closed: Metrics | None = None
    equity: Series = Series()
    prices: dict[str, Series] = {}
    monthly: dict[str, float] = {}
    round_trips: tuple[RoundTrip, ...] = ()
    costs: Costs = Costs()
    skipped: Skipped = Skipped()
    provenance: tuple[Provenance, ...] = ()
    settings: dict[str, str] = {}
    conventions: dict[str, str] = {}
    failure: Failure | None = None
    strategy_id: str | None = None
    version: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether the run reached its end."""
        return self.failure is None
