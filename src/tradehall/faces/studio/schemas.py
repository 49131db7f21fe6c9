"""Bodies that the studio door answers with. Money, prices and sizes are decimal texts, instants RFC 3339.

What it shows as the support door does is in `faces/shown`; why a deployment trades, or does not, in `why`.
"""

from typing import Any

from msgspec import Struct

from tradehall.faces.shown import deployments, scanners, strategies
from tradehall.faces.shown.deployments import HappenedShown, OpenPositionShown
from tradehall.faces.shown.strategies import CategoryShown, DeletionEffects


class StrategyShown(strategies.StrategyShown, frozen=True, kw_only=True):
    """A strategy as lists show it."""

    program: str
    definition_version: int


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


class DeploymentShown(deployments.DeploymentShown, frozen=True, kw_only=True):
    """A deployment as lists show it."""

    program: str
    definition_version: int
    net_pnl: str
    started_at: str | None


class DeploymentWhole(DeploymentShown, frozen=True, kw_only=True):
    """A deployment with what it holds and what happened to it lately, newest first."""

    open_positions: list[OpenPositionShown]
    events: list[HappenedShown]


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


class EquityTold(Struct, frozen=True):
    """A new point, as the stream tells it."""

    deployment_id: int
    point: EquityShown


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


class ScannerShown(scanners.ScannerShown, frozen=True, kw_only=True):
    """A scanner with what it looks for, and what it found so far."""

    pattern: str
    condition: dict[str, Any] | None
    text: str


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
