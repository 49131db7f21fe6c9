"""Bodies that the support door answers with. Money, prices and quantities are decimal texts, instants RFC 3339.

What it shows as the studio does is in `faces/shown`; figures are in `figures/schemas`.
"""

from typing import Any

from msgspec import Struct

from tradehall.faces.kit.pages import Page
from tradehall.faces.shown.deployments import DeploymentShown, HappenedShown, OpenPositionShown
from tradehall.faces.shown.scanners import ScannerShown
from tradehall.faces.shown.strategies import DeletionEffects, StrategyShown


class UserShown(Struct, frozen=True, kw_only=True):
    """A person; `account_logins` are their trading accounts."""

    id: int
    unique_key: str
    email: str
    phone: str | None
    first_name: str
    last_name: str
    country: str | None
    status: str
    email_verified: bool
    phone_verified: bool
    account_logins: list[int]
    strategy_count: int
    active_deployment_count: int
    last_login_at: str | None
    created_at: str
    updated_at: str
    version: int


class UserPage(Page[UserShown], frozen=True):
    """A page of people."""


class StatusEffectsShown(Struct, frozen=True):
    """What a change of status did."""

    sessions_revoked: int
    deployments_changed: list[int]
    orders_cancelled: int
    positions_closed: int
    keys_revoked: int


class UserWithEffects(UserShown, frozen=True, kw_only=True):
    """A person after a change of status."""

    effects: StatusEffectsShown


class ResetShown(Struct, frozen=True):
    """A password reset; `link` once, to who asked for it."""

    reset_id: str
    user_id: int
    status: str
    delivery: str
    sent_to: str
    expires_at: str
    link: str | None


class Completed(Struct, frozen=True):
    """The password is set, and all sessions are over."""

    status: str


class StrategyPage(Page[StrategyShown], frozen=True):
    """A page of strategies."""


class BacktestShown(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The newest backtest of a strategy."""

    id: int
    state: str
    symbols: list[str]
    timeframe: str
    since: str | None
    until: str | None
    initial_cash: str
    metrics: dict[str, Any] | None
    created_at: str
    ended_at: str | None


class StrategyWhole(StrategyShown, frozen=True, kw_only=True):
    """A strategy with its definition, and its newest backtest."""

    definition: dict[str, Any] | None
    latest_backtest: BacktestShown | None


class DeletionShown(Struct, frozen=True):
    """A deleted strategy."""

    strategy: StrategyShown
    effects: DeletionEffects


class DeploymentPage(Page[DeploymentShown], frozen=True):
    """A page of deployments."""


class DeploymentWhole(DeploymentShown, frozen=True, kw_only=True):
    """A deployment with what it holds and what happened to it lately, newest first."""

    open_positions: list[OpenPositionShown]
    events: list[HappenedShown]


class ScannerPage(Page[ScannerShown], frozen=True):
    """A page of scanners."""


class OriginalShown(Struct, frozen=True):
    """What an adjusted trade was before."""

    taken_at: str | None
    closed_at: str | None
    strike: str | None
    result: str | None


class TradeShown(Struct, frozen=True, kw_only=True):
    """A round trip, from entry to exit. `adjusted`: what somebody said differs from what is; `original` has that.

    `unrealized_pnl`, `current_price`: while it is open. Money in `currency`, net of fees and swaps.
    """

    id: int
    user_id: int | None
    account_login: int
    deployment_id: int | None
    strategy_id: int | None
    symbol: str
    side: str
    quantity: str
    status: str
    decision: str
    order_price: str | None
    entry_price: str | None
    strike: str | None
    stop_loss: str | None
    target: str | None
    exit_price: str | None
    exit_reason: str | None
    taken_at: str | None
    closed_at: str | None
    result: str | None
    gross_pnl: str
    fees: str
    swaps: str
    net_pnl: str
    unrealized_pnl: str | None
    current_price: str | None
    currency: str
    tickets: list[int]
    order_ids: list[str]
    adjusted: bool
    original: OriginalShown | None
    created_at: str
    updated_at: str
    version: int


class TotalsShown(Struct, frozen=True):
    """Over the whole filter: ended and open trades; wins, losses and money by currency of those that ended."""

    count: int
    wins: int
    losses: int
    breakeven: int
    net_pnl: dict[str, str]
    adjusted: int


class TradePage(Page[TradeShown], frozen=True):
    """A page of trades, and what all pages come to."""

    totals: TotalsShown


class AuditShown(Struct, frozen=True):
    """An entry of the audit. `id` is made of its place in the chain: it changes with what the entry says."""

    id: str
    at: str
    domain: str
    actor: str
    role: str
    ip: str
    request_id: str
    action: str
    entity_type: str
    entity_id: str
    user_id: int | None
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    outcome: str
    error_code: str | None


class AuditPage(Page[AuditShown], frozen=True):
    """A page of the audit."""


class AuditKeyShown(Struct, frozen=True):
    """What checks exports of the audit: 32 bytes, in hex."""

    algorithm: str
    public_key: str


class Health(Struct, frozen=True):
    """The door is open."""

    status: str
