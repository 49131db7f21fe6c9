"""What a run found."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradehall.analytics.equity import EquityCurve
from tradehall.analytics.metrics import Metrics, measure, measure_closed
from tradehall.analytics.months import monthly_returns
from tradehall.analytics.round_trips import RoundTrip
from tradehall.analytics.thinning import Thinned
from tradehall.backtests.curve import Curve
from tradehall.backtests.ears import Paid
from tradehall.backtests.settings import BacktestSettings
from tradehall.backtests.setup import metric_settings
from tradehall.domain.account import MarginState
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.engine.record import Record
from tradehall.engine.state import Snapshot


class Counters(Struct, frozen=True):
    """How much there was, and how much of it was looked at.

    `prices`: quotes, and of bars their four prices, in the period. `looks`: calls of the strategy's `on_bar` and
    `on_quote`. `shown`: prices that the engine was shown, by the reason, stops between two prices of a bar included.
    """

    bars: int
    prices: int
    looks: int
    shown: Mapping[str, int]
    records: int
    fills: int

    @property
    def skipped(self) -> int:
        """Prices that the engine was not shown."""
        return max(0, self.prices - sum(self.shown.values()))

    @property
    def skipped_share(self) -> float:
        """Part of the prices that the engine was not shown, from 0 to 1."""
        return self.skipped / self.prices if self.prices else 0.0


class AccountResult(Struct, frozen=True):
    """An account at the end [its currency]; `equity` counts what is still open at the last prices."""

    account_id: AccountId
    currency: str
    started_with: Decimal
    balance: Decimal
    equity: Decimal
    margin_state: MarginState
    open_positions: int
    working_orders: int


class Failure(Struct, frozen=True):
    """Why a run did not reach its end: what was called, at which instant [ns UTC], and the engine as it stood then."""

    at: int
    during: str
    error: str
    traceback: str
    state: Snapshot


class Result(Struct, frozen=True):
    """What a run found. `records` is empty where a sink took them; `failure` is None where the run reached its end.

    `began_at`, `ended_at` [ns UTC]: the first and the last price of the period; 0 where there was none.
    `round_trips`: in the order of their ends, then those still open. `equity`: of all accounts together, for
    metrics (of the first, where they have different currencies). `prices`: the bids of each symbol, thinned for
    a chart. `notes`: what a person should know, a sentence each.
    """

    strategy: str
    settings: BacktestSettings
    instruments: tuple[Instrument, ...]
    began_at: int
    ended_at: int
    accounts: tuple[AccountResult, ...]
    round_trips: list[RoundTrip]
    curves: tuple[Curve, ...]
    equity: EquityCurve
    prices: Mapping[str, Thinned]
    paid: Paid
    counters: Counters
    records: list[Record]
    notes: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the run reached its end."""
        return self.failure is None

    @property
    def metrics(self) -> Metrics:
        """All figures of the run: docs/metrics.md."""
        currency, trips = self._measured_trips()
        chosen = metric_settings(self.instruments, self.settings)
        return measure(self.equity, trips, currency=currency, settings=chosen, buy_and_hold=self.buy_and_hold)

    @property
    def closed_metrics(self) -> Metrics:
        """The figures of closed round trips alone: what the doors say of a deployment that did the same."""
        currency, trips = self._measured_trips()
        return measure_closed(
            trips,
            capital=Decimal(self.equity.ends[0]),
            start=self.began_at,
            end=self.ended_at,
            currency=currency,
            settings=metric_settings(self.instruments, self.settings),
        )

    def _measured_trips(self) -> tuple[str, list[RoundTrip]]:
        """The currency that is measured in, and the round trips in it."""
        currency = self.settings.accounts[0].money
        return currency, [trip for trip in self.round_trips if trip.currency == currency]

    @property
    def monthly(self) -> dict[str, float]:
        """Return by month: "2025-01" → 0.05."""
        return monthly_returns(self.equity)

    @property
    def buy_and_hold(self) -> float | None:
        """What the first symbol's bid gained from its first to its last price; None where there was none."""
        _, bids = self.prices[self.instruments[0].symbol].points()
        return float(bids[-1] / bids[0] - 1.0) if bids.size else None
