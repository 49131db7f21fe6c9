"""Bodies and queries of the studio door, as they are read."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from tradehall.app.records.deployments import Mode, SizeType, StopPolicy
from tradehall.app.records.listings import ListingVisibility
from tradehall.faces.kit import WireDecimal, WireJson, WireObject, WirePositive
from tradehall.faces.kit.pages import PageQuery

Text: TypeAlias = Annotated[str, Meta(max_length=500)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=80)]
Number: TypeAlias = Annotated[int, Meta(ge=1, le=10**15)]


class NewStrategyRequest(Struct, forbid_unknown_fields=True):
    """`timeframe`: 1m to 1w. Exactly one of definition and template, unless it is a draft."""

    name: Name
    symbol: str
    timeframe: str
    definition: WireObject | None = None
    template: str | None = None
    draft: bool = False
    category: int | str | None = None


class StrategyRequest(Struct, forbid_unknown_fields=True):
    """What changes; what is left out stays. A definition becomes the next version."""

    name: Name | None = None
    symbol: str | None = None
    timeframe: str | None = None
    definition: WireObject | None = None
    draft: bool | None = None
    category: int | str | None = None
    notifications: bool | None = None


class DefinitionRequest(Struct, forbid_unknown_fields=True):
    """A definition to be judged."""

    definition: WireJson


class CopyRequest(Struct, forbid_unknown_fields=True):
    """`name` of the copy; without: that of the original, and "(copy)"."""

    name: Name | None = None


class PublishRequest(Struct, forbid_unknown_fields=True):
    """What is said of a listing; what is left out stays, or is the strategy's own."""

    title: str | None = None
    summary: str | None = None
    category_id: int | None = None
    visibility: ListingVisibility | None = None


class BudgetRequest(Struct, forbid_unknown_fields=True):
    """A share of the strategy's budget."""

    currency: str
    allocated: WireDecimal


class LimitsRequest(Struct, forbid_unknown_fields=True):
    """None: no such limit."""

    max_open_positions: int | None = None
    max_daily_loss: WirePositive | None = None


class NewDeploymentRequest(Struct, forbid_unknown_fields=True):
    """`strategy_id`: number or keygen. `account_login` absent: the owner's first account."""

    strategy_id: int | str
    symbols: list[str] | None = None
    size: WirePositive | None = None
    size_type: SizeType = SizeType.LOTS
    mode: Mode = Mode.PAPER
    account_login: int | None = None
    budget: BudgetRequest | None = None
    limits: LimitsRequest | None = None
    leverage: int = 1
    strict_sl: bool = True
    expires_at: str | None = None


class StopRequest(Struct, forbid_unknown_fields=True):
    """What becomes of its orders and positions."""

    policy: StopPolicy = StopPolicy.CANCEL


class ScannerRequest(Struct, forbid_unknown_fields=True):
    """`pattern_type`: candlestick, chart, harmonic or condition, or the name of one pattern (CDLHAMMER)."""

    name: Name
    pattern_type: str
    universe: list[str]
    timeframe: str
    condition: WireJson = None
    pattern: str | None = None


class ScannerPatch(Struct, forbid_unknown_fields=True):
    """What changes; what is left out stays. `state`: idle or running."""

    name: Name | None = None
    pattern_type: str | None = None
    universe: list[str] | None = None
    timeframe: str | None = None
    condition: WireJson | UnsetType = UNSET
    pattern: str | None = None
    state: str | None = None


class BacktestRequest(Struct, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """The period (RFC 3339; from inclusive, to exclusive), the symbols, the cash to begin with, and the costs."""

    since: str | None = None
    until: str | None = None
    symbols: list[str] | None = None
    initial_cash: WirePositive | None = None
    costs: WireObject | None = None


# Queries.


class StrategiesQuery(PageQuery, frozen=True, kw_only=True):
    """`status` default: all but deleted; `q`: part of the name."""

    status: list[str] = []
    symbol: list[str] = []
    timeframe: list[str] = []
    is_published: bool | None = None
    q: str = ""
    sort: str = "-created_at"


class MarketplaceQuery(PageQuery, frozen=True, kw_only=True):
    """`q`: part of the title."""

    q: str = ""
    symbol: list[str] = []
    category_id: list[int] = []
    sort: str = "-published_at"


class DeploymentsQuery(PageQuery, frozen=True, kw_only=True):
    """`active`: starting, running, paused, stopping."""

    active: bool | None = None
    state: list[str] = []
    mode: list[str] = []
    strategy_id: str = ""
    symbol: list[str] = []
    account_login: int | None = None
    sort: str = "-created_at"


class DeleteQuery(Struct, frozen=True):
    """`deployments`: refuse, stop or stop_and_close."""

    deployments: str = "refuse"


class PeriodQuery(PageQuery, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """From inclusive, to exclusive; RFC 3339."""

    since: str = ""
    until: str = ""
    symbol: str = ""


class WhyQuery(Struct, frozen=True):
    """How many of the last evaluations."""

    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class BacktestsQuery(PageQuery, frozen=True, kw_only=True):
    """Backtests by state and strategy (number or keygen)."""

    state: list[str] = []
    strategy_id: str = ""
    sort: str = "-created_at"


class ScannersQuery(PageQuery, frozen=True, kw_only=True):
    """`state` default: all but deleted; `q`: part of the name."""

    state: list[str] = []
    pattern_type: list[str] = []
    q: str = ""
    sort: str = "-created_at"
