"""Bodies that the studio door answers with. Money, prices and sizes are decimal texts, instants RFC 3339."""

from typing import Any

from msgspec import Struct


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
    program: str
    is_copied: bool
    is_published: bool
    notifications: bool
    add_ons: dict[str, Any]
    definition_version: int
    active_deployment_count: int
    copier_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


class StrategyWhole(StrategyShown, frozen=True, kw_only=True):
    """A strategy with its newest definition, and that in plain words."""

    definition: dict[str, Any] | None
    text: str
    latest_backtest: "BacktestShown | None"


class VersionShown(Struct, frozen=True):
    """One version of a definition."""

    version: int
    symbol: str
    timeframe: str
    definition: dict[str, Any]
    text: str
    created_at: str
    actor: str


class ProblemShown(Struct, frozen=True):
    """What is wrong with a definition, and where: `rules[0].when.above[1]`."""

    path: str
    problem: str


class Validation(Struct, frozen=True):
    """`text` tells a valid definition in plain words."""

    valid: bool
    problems: list[ProblemShown]
    text: str


class DeletionEffects(Struct, frozen=True):
    """What a deletion did besides."""

    unpublished: bool
    deployments_stopped: list[int]


class DeletionShown(Struct, frozen=True):
    """A deleted strategy."""

    strategy: StrategyShown
    effects: DeletionEffects


class PerformanceShown(Struct, frozen=True):
    """From real round trips of all deployments, `round_trips` of them."""

    round_trips: int
    wins: int
    losses: int
    open_positions: int
    currency: str | None
    net_pnl: str | None
    win_rate: float | None
    profit_factor: float | None


class PublicationShown(Struct, frozen=True):
    """What is said of a strategy in the marketplace."""

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


class ListingShown(Struct, frozen=True, kw_only=True):
    """A listing as others see it."""

    strategy_id: int
    keygen: str
    title: str
    summary: str
    category: CategoryShown
    visibility: str
    symbol: str
    timeframe: str
    text: str
    copier_count: int
    published_at: str | None
    performance: PerformanceShown


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
    program: str
    symbols: list[str]
    size: str
    size_type: str
    leverage: int
    strict_sl: bool
    state: str
    active: bool
    state_reason: str | None
    definition_version: int
    budget: BudgetShown | None
    limits: LimitsShown
    expires_at: str | None
    open_trade_count: int
    closed_trade_count: int
    net_pnl: str
    last_signal_at: str | None
    created_at: str
    updated_at: str
    started_at: str | None
    stopped_at: str | None
    version: int


class OpenPositionShown(Struct, frozen=True):
    """What it has open: `ticket` is the position's number, None where several share it."""

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


class ValueShown(Struct, frozen=True):
    """A value as it was looked at; None: not known yet."""

    name: str
    value: float | None


class ConditionShown(Struct, frozen=True):
    """A condition at one bar: met, unmet or unknown (warming up), with what it saw."""

    path: str
    text: str
    verdict: str
    values: list[ValueShown]
    parts: list["ConditionShown"]


class RuleShown(Struct, frozen=True):
    """A rule at one look. `looked` False: it looks at other moments. `condition` None: it has none."""

    rule: int
    looked: bool
    verdict: str | None
    text: str
    condition: ConditionShown | None


class OutcomeShown(Struct, frozen=True):
    """What became of one action."""

    path: str
    text: str
    done: bool
    reason: str


class EvaluationShown(Struct, frozen=True):
    """One look: `at` is the close of the bar, or the beat."""

    symbol: str
    at: str
    looked_at: str
    data_age_ms: float | None
    rules: list[RuleShown]
    outcomes: list[OutcomeShown]
    blocks: list[str]


class LookShown(Struct, frozen=True):
    """When it looks next, and how old the data is now."""

    symbol: str
    next_look_at: str | None
    last_bar_closed_at: str | None
    data_age_ms: float | None


class WhyShown(Struct, frozen=True):
    """Why it has, or has not, traded. `summary` is for people."""

    deployment_id: int
    state: str
    as_of: str
    summary: str
    blocks: list[str]
    next_look_at: str | None
    looks: list[LookShown]
    evaluations: list[EvaluationShown]


class SignalShown(Struct, frozen=True, kw_only=True):
    """A rule that spoke. `outcome`: pending, sent, refused, notified, missed or idle."""

    id: int
    deployment_id: int
    strategy_id: str
    account_login: int
    symbol: str
    at: str
    bar_at: str
    rule: int
    action: str
    price: str
    quantity: str | None
    stop_loss: str | None
    take_profit: str | None
    outcome: str
    reason: str
    order_ids: list[str]
    client_order_id: str


class EquityShown(Struct, frozen=True):
    """What a deployment was worth."""

    at: str
    equity: str
    realized_pnl: str
    unrealized_pnl: str


class BacktestQueued(Struct, frozen=True):
    """A backtest that waits for its turn."""

    id: int
    state: str


class BacktestShown(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A backtest. `metrics` when it is completed."""

    id: int
    strategy_id: int
    strategy_keygen: str
    definition_version: int
    symbols: list[str]
    timeframe: str
    from_: str | None
    to: str | None
    initial_cash: str
    costs: dict[str, Any]
    state: str
    progress: float
    reason: str | None
    metrics: dict[str, Any] | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    version: int


class ScannerShown(Struct, frozen=True, kw_only=True):
    """A scanner."""

    id: int
    keygen: str
    user_id: int | None
    name: str
    pattern_type: str
    pattern: str
    condition: dict[str, Any] | None
    text: str
    universe: list[str]
    timeframe: str
    state: str
    last_match_at: str | None
    match_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


class MatchShown(Struct, frozen=True):
    """A pattern that was found. `direction`: up, down, or None."""

    id: int | None
    scanner_id: int
    symbol: str
    timeframe: str
    pattern: str
    bar_at: str
    at: str
    price: str
    direction: str | None


class ScanRun(Struct, frozen=True):
    """What is found at the last closed bars now; `scanned` symbols were looked at."""

    scanner_id: int
    as_of: str
    scanned: int
    matches: list[MatchShown]


class ParameterShown(Struct, frozen=True):
    """A parameter with its default and bounds."""

    name: str
    default: Any
    minimum: Any
    maximum: Any
    choices: list[str]


class IndicatorShown(Struct, frozen=True):
    """An indicator. `of`: the series it takes, with their defaults; `fields`: prices of the bar it takes always."""

    name: str
    title: str
    group: str
    inputs: list[str]
    fields: list[str]
    parameters: list[ParameterShown]
    outputs: list[str]
    is_pattern: bool


class Indicators(Struct, frozen=True):
    """All indicators, by name."""

    items: list[IndicatorShown]
    total: int


class RoundTripShown(Struct, frozen=True, kw_only=True):
    """A round trip of a backtest: from entry to flat. `result`: win, loss, breakeven, None: it is open."""

    id: int
    symbol: str
    side: str
    quantity: str
    entry_price: str
    exit_price: str | None
    opened_at: str
    closed_at: str | None
    gross_pnl: str
    fees: str
    net_pnl: str
    currency: str
    exit_reason: str
    result: str | None
