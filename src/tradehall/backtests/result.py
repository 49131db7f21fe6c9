"""What a run found."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradehall.analytics.round_trips import RoundTrip
from tradehall.backtests.curve import Curve
from tradehall.backtests.settings import BacktestSettings
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
    `round_trips`: in the order of their ends, then those still open. `notes`: what a person should know, a
    sentence each.
    """

    strategy: str
    settings: BacktestSettings
    instruments: tuple[Instrument, ...]
    began_at: int
    ended_at: int
    accounts: tuple[AccountResult, ...]
    round_trips: list[RoundTrip]
    curves: tuple[Curve, ...]
    counters: Counters
    records: list[Record]
    notes: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the run reached its end."""
        return self.failure is None
