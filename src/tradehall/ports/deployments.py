"""What deployments leave behind: how far bars were looked at, signals, what each one holds and is worth, matches."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from tradehall.domain.order import OrderTerms

# Kept for each deployment or scanner; beyond it the oldest go, from time to time: at most a hundred more are there.
SIGNALS_KEPT_MAX: Final = 10_000
EQUITY_POINTS_KEPT_MAX: Final = 20_000
MATCHES_KEPT_MAX: Final = 10_000
PAGE_MAX: Final = 1_000


class SignalOutcome(StrEnum):
    """What became of a signal."""

    PENDING = "pending"  # It is about to be carried out, and will be at the next start if not before.
    SENT = "sent"  # The engine took it.
    REFUSED = "refused"
    NOTIFIED = "notified"  # The deployment only tells.
    MISSED = "missed"  # An entry of a bar that was over too long ago.
    IDLE = "idle"  # There was nothing to close, cancel or move.


class Signal(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """A rule of a deployment that spoke; instants in ns UTC.

    `bar_at`: start of the bar it looked at; `at`: when it did. `rule`: its place in the definition. `action`:
    open_long, open_short, close_long, close_short, close, set_stop_loss, set_take_profit, cancel. `price`: the
    bar's close [quote currency per unit]. `terms`: the order it asks for, where it opens. `order_ids`: those it
    led to. `reason`: why it was refused, missed or had nothing to do. `signal_id` 0: not written yet.
    """

    deployment_id: int
    keygen: str
    account_id: int
    symbol: str
    bar_at: int
    at: int
    rule: int
    action: str
    price: Decimal
    client_order_id: str
    side: str = ""
    quantity: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    terms: OrderTerms | None = None
    outcome: SignalOutcome = SignalOutcome.PENDING
    order_ids: tuple[int, ...] = ()
    reason: str = ""
    user_id: int | None = None
    domain: str = ""
    signal_id: int = 0


class BarCursor(Struct, frozen=True, gc=False):
    """All deployments on `symbol` have looked at the bars of `timeframe` up to the one that starts at `at`."""

    symbol: str
    timeframe: str
    at: int


class EquityPoint(Struct, frozen=True, gc=False):
    """What a deployment was worth at `at` [ns UTC], in its account's currency."""

    deployment_id: int
    at: int
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal


class Match(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """A scanner found its pattern on the bar that starts at `bar_at`; instants in ns UTC.

    `direction`: 1 up, -1 down, 0 neither.
    """

    scanner_id: int
    symbol: str
    timeframe: str
    pattern: str
    bar_at: int
    at: int
    price: Decimal
    direction: int = 0
    match_id: int = 0


class SignalQuery(Struct, frozen=True, kw_only=True):
    """Which signals, newest first; None: any. `since` inclusive, `until` exclusive [ns UTC]."""

    deployment_id: int | None = None
    keygen: str | None = None
    symbol: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0


class EquityQuery(Struct, frozen=True, kw_only=True):
    """Points of one deployment, newest first."""

    deployment_id: int
    since: int | None = None
    until: int | None = None
    limit: int = 1_000
    offset: int = 0


class MatchQuery(Struct, frozen=True, kw_only=True):
    """Matches of one scanner, newest first."""

    scanner_id: int
    symbol: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0


class Left(Struct, frozen=True):
    """What the last run left: cursors, signals that may not have been carried out, and what each deployment holds.

    `ledgers` (JSON, by deployment) are what the journal's records up to `ledger_seq` made of them; None: no
    ledger was ever kept.
    """

    cursors: Sequence[BarCursor]
    pending: Sequence[Signal]
    ledgers: Mapping[int, bytes]
    ledger_seq: int | None


class DeploymentStore(Protocol):
    """Tables beside the records. Calls are synchronous and short; RecordsFault when the store fails."""

    def load(self) -> Left:
        """What the last run left."""
        ...

    def keep(self, cursors: Sequence[BarCursor], signals: Sequence[Signal]) -> Sequence[int]:
        """Note how far bars were looked at and what was decided, in one transaction; the signals' numbers."""
        ...

    def settle(self, signals: Sequence[Signal]) -> None:
        """What became of signals that were kept."""
        ...

    def keep_ledgers(self, seq: int, ledgers: Mapping[int, bytes]) -> None:
        """These ledgers are as of the journal's record `seq`, and so are those that are not named."""
        ...

    def signals(self, query: SignalQuery) -> tuple[Sequence[Signal], int]:
        """A page, and how many there are in all."""
        ...

    def add_equity(self, points: Sequence[EquityPoint]) -> None:
        """Keep points; the oldest of a deployment go beyond EQUITY_POINTS_KEPT_MAX."""
        ...

    def equity(self, query: EquityQuery) -> tuple[Sequence[EquityPoint], int]:
        """A page, and how many there are in all."""
        ...

    def add_matches(self, matches: Sequence[Match]) -> Sequence[Match]:
        """Keep matches that are not kept yet; those that are new, with their numbers."""
        ...

    def matches(self, query: MatchQuery) -> tuple[Sequence[Match], int]:
        """A page, and how many there are in all."""
        ...
