"""Bodies of figures. Money and prices are decimal texts, instants RFC 3339."""

from msgspec import Struct


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
