"""Bodies that the support door answers with. Money, prices and quantities are decimal texts, instants RFC 3339."""

from typing import Any

from msgspec import Struct

from tradehall.faces.kit.pages import Page


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


class CategoryShown(Struct, frozen=True):
    """A shelf of the marketplace."""

    id: int
    label: str
    description: str
    is_valid: bool = True


class StrategyShown(Struct, frozen=True, kw_only=True):
    """A strategy as lists show it."""

    id: int
    keygen: str
    user_id: int | None
    name: str
    symbol: str
    timeframe: str
    category: CategoryShown
    status: str
    is_copied: bool
    is_published: bool
    notifications: bool
    add_ons: dict[str, Any]
    active_deployment_count: int
    copier_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


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


class DeletionEffects(Struct, frozen=True):
    """What a deletion did besides."""

    unpublished: bool
    deployments_stopped: list[int]


class DeletionShown(Struct, frozen=True):
    """A deleted strategy."""

    strategy: StrategyShown
    effects: DeletionEffects


class PublicationShown(Struct, frozen=True):
    """What the marketplace says of a strategy."""

    strategy_id: int
    published: bool
    title: str
    summary: str
    category_id: int
    visibility: str
    copier_count: int
    published_at: str | None
    unpublished_at: str | None
    version: int


class BudgetShown(Struct, frozen=True):
    """Its share, and how much of it is tied up."""

    currency: str
    allocated: str
    reserved: str


class LimitsShown(Struct, frozen=True):
    """None: no such limit."""

    max_open_positions: int | None
    max_daily_loss: str | None


class DeploymentShown(Struct, frozen=True, kw_only=True):
    """A deployment as lists show it."""

    id: int
    user_id: int | None
    strategy_id: int
    strategy_keygen: str
    account_login: int
    mode: str
    symbols: list[str]
    size: str
    size_type: str
    leverage: int
    strict_sl: bool
    state: str
    active: bool
    state_reason: str | None
    budget: BudgetShown | None
    limits: LimitsShown
    expires_at: str | None
    open_trade_count: int
    closed_trade_count: int
    last_signal_at: str | None
    created_at: str
    updated_at: str
    stopped_at: str | None
    version: int


class DeploymentPage(Page[DeploymentShown], frozen=True):
    """A page of deployments."""


class OpenPositionShown(Struct, frozen=True):
    """What it has open; `ticket` None: several share the position."""

    ticket: int | None
    symbol: str
    side: str
    quantity: str
    entry_price: str
    unrealized_pnl: str


class HappenedShown(Struct, frozen=True):
    """Something that was asked of a deployment, or happened to it."""

    at: str
    type: str
    detail: str


class DeploymentWhole(DeploymentShown, frozen=True, kw_only=True):
    """A deployment with what it holds and what happened to it lately, newest first."""

    open_positions: list[OpenPositionShown]
    events: list[HappenedShown]


class ScannerShown(Struct, frozen=True, kw_only=True):
    """A scanner."""

    id: int
    keygen: str
    user_id: int | None
    name: str
    pattern_type: str
    universe: list[str]
    timeframe: str
    state: str
    last_match_at: str | None
    match_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


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


class WindowShown(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """From inclusive, to exclusive."""

    since: str
    until: str


class StagesShown(Struct, frozen=True):
    """Milliseconds: signal to submission, to acknowledgement, to the first fill; None: not yet, or not for its kind."""

    decision_ms: float | None
    ack_ms: float | None
    fill_ms: float | None


class LatencyRecord(Struct, frozen=True):
    """How long one order took."""

    trade_id: int | None
    order_id: str
    symbol: str
    latency_ms: float | None
    stages: StagesShown
    timestamp: str


class LatencySummaryShown(Struct, frozen=True):
    """Of the orders whose latency is known [ms]; percentiles by nearest rank."""

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class LatencyShown(Struct, frozen=True):
    """Latency of a user's orders: the newest `limit` of `total`."""

    user_id: int
    window: WindowShown
    total: int
    summary: LatencySummaryShown
    records: list[LatencyRecord]
    groups: dict[str, LatencySummaryShown]


class SlippageRecord(Struct, frozen=True):
    """What one order's fills were worse than the reference price; negative is better for the user."""

    trade_id: int | None
    order_id: str
    symbol: str
    side: str
    reference_price: str | None
    fill_price: str
    quantity: str
    slippage: str | None
    slippage_ticks: str | None
    slippage_bps: float | None
    cost: str | None
    currency: str
    timestamp: str


class SlippageSummaryShown(Struct, frozen=True):
    """Of the orders with a reference; costs by currency."""

    count: int
    mean_bps: float | None
    median_bps: float | None
    p95_bps: float | None
    worst_bps: float | None
    total_cost: dict[str, str]


class SlippageShown(Struct, frozen=True):
    """Slippage of a user's orders: the newest `limit` of `total`."""

    user_id: int
    window: WindowShown
    against: str
    total: int
    summary: SlippageSummaryShown
    records: list[SlippageRecord]
    groups: dict[str, SlippageSummaryShown]


class MetricsShown(Struct, frozen=True, rename={"total_return": "return"}):
    """Fractions, not percent; money in the currency of the answer."""

    trade_count: int
    open_trade_count: int
    win_rate: float | None
    pnl: str
    gross_profit: str
    gross_loss: str
    profit_factor: float | None
    total_return: float | None
    max_drawdown: float
    max_drawdown_amount: str
    sharpe_ratio: float | None
    expectancy: str | None
    avg_win: str | None
    avg_loss: str | None
    avg_holding_seconds: int | None
    fees: str


class EquityPointShown(Struct, frozen=True):
    """Capital and all that was brought by then."""

    at: str
    equity: str


class PerformanceShown(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """What a strategy's round trips brought. `adjusted`: results that somebody changed are among them."""

    strategy_id: int
    deployment_id: int | None
    currency: str
    since: str | None
    until: str | None
    adjusted: bool
    metrics: MetricsShown
    equity_curve: list[EquityPointShown]


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


class Health(Struct, frozen=True):
    """The door is open."""

    status: str
