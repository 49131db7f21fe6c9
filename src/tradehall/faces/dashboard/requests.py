"""What callers of the dashboard send: bodies and queries. Fields of a body that are not here are refused.

An empty filter value is no filter. Decimals come in as JSON numbers or text.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tradehall.domain.market import Timeframe
from tradehall.domain.strategy import TradingState
from tradehall.faces.kit import WireDecimal, WirePositive

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
BARS_MAX = 20_000
REASON_MAX = 500
ALLOCATED_MAX = 1_000_000_000_000_000

# Without control characters, which no store and no log should meet.
_PLAIN = r"^[^\u0000-\u001f\u007f]*$"
UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
Uuid = Annotated[str, Meta(pattern=UUID_PATTERN)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Reason = Annotated[str, Meta(max_length=REASON_MAX, pattern=_PLAIN)]
Account = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,17}$")]
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]
Offset = Annotated[int, Meta(ge=0, le=2**53)]
InstantText = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]
SideText = Annotated[str, Meta(extra_json_schema={"enum": ["BUY", "SELL", "buy", "sell"]})]
StatusText = Annotated[str, Meta(extra_json_schema={"enum": ["open", "closed"]})]


class Query(Struct, frozen=True, gc=False, kw_only=True):
    """Base of all queries."""


class SpanQuery(Query, frozen=True, kw_only=True):
    """`since` inclusive, `until` exclusive."""

    since: InstantText | None = None
    until: InstantText | None = None


class PageQuery(SpanQuery, frozen=True, kw_only=True):
    """Which rows of a list."""

    limit: Limit = LIMIT_DEFAULT
    offset: Offset = 0


class FillFilter(SpanQuery, frozen=True, kw_only=True):
    """Filters of fills; `strategy_name` is a part of one, in any case."""

    strategy_id: Uuid | None = None
    strategy_name: str | None = None
    instrument_id: str | None = None
    account_id: Account | None = None
    side: SideText | None = None


class FillsQuery(FillFilter, frozen=True, kw_only=True):
    """Filters of the list of fills."""

    limit: Limit = LIMIT_DEFAULT
    offset: Offset = 0


class OrdersQuery(FillsQuery, frozen=True, kw_only=True):
    """Filters of the list of orders; `status` repeated or separated by commas."""

    status: list[str] = []


class AccountQuery(Query, frozen=True, kw_only=True):
    """Whose order, where two accounts gave one name."""

    account_id: Account | None = None


class PositionsQuery(Query, frozen=True, kw_only=True):
    """Filters of positions: the open ones, unless `status` is closed or `all` is true."""

    strategy_id: Uuid | None = None
    instrument_id: str | None = None
    account_id: Account | None = None
    status: StatusText | None = None
    all: bool = False
    limit: Limit = LIMIT_DEFAULT
    offset: Offset = 0


class StrategiesQuery(Query, frozen=True, kw_only=True):
    """Filters of strategies: `name` is a part of one, in any case."""

    status: str | None = None
    name: str | None = None


class SummaryQuery(SpanQuery, frozen=True, kw_only=True):
    """What is counted."""

    strategy_id: Uuid | None = None


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """Filters of the audit trail."""

    entity_type: str | None = None
    entity_id: str | None = None
    action: str | None = None
    severity: str | None = None
    actor: str | None = None
    outcome: str | None = None


class SignalsQuery(PageQuery, frozen=True, kw_only=True):
    """Filters of signals."""

    strategy_id: Uuid | None = None
    instrument_id: str | None = None
    signal_type: str | None = None


class AsOfQuery(Query, frozen=True, kw_only=True):
    """`as_of`: as it was then."""

    as_of: InstantText | None = None


class BudgetQuery(AsOfQuery, frozen=True, kw_only=True):
    """Which entry; `as_of`: as it was then."""

    currency: str | None = None


class RemoveQuery(Query, frozen=True, kw_only=True):
    """`force` removes an entry that is in use."""

    force: bool = False
    reason: Reason | None = None


class BarsQuery(Query, frozen=True, kw_only=True):
    """Which bars: the last `limit` up to `until`."""

    symbol: Name
    timeframe: Timeframe
    limit: Annotated[int, Meta(ge=1, le=BARS_MAX)] = 500
    until: InstantText | None = None


class StudyQuery(BarsQuery, frozen=True, kw_only=True):
    """Which indicator over these bars: its name and its parameters in their order, `BBANDS(20, 2.5)`."""

    study: Annotated[str, Meta(max_length=160)]


class QuotesQuery(Query, frozen=True, kw_only=True):
    """Of these symbols, separated by commas; none: of all."""

    symbols: list[str] = []


class AccountsQuery(Query, frozen=True, kw_only=True):
    """Which accounts, by number."""

    account_id: Account | None = None
    limit: Limit = LIMIT_MAX
    offset: Offset = 0


class EquityQuery(Query, frozen=True, kw_only=True):
    """Since when."""

    since: InstantText | None = None


# Bodies.


class Body(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies."""


class BudgetRequest(Body, frozen=True, kw_only=True):
    """How much a strategy may tie up."""

    allocated: WireDecimal
    reason: Reason | None = None


class StrategyRequest(Body, frozen=True, kw_only=True):
    """A strategy whose program trades from outside, through the gateway."""

    name: Annotated[str, Meta(min_length=1, max_length=80, pattern=_PLAIN)]
    strategy_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    account_id: Account
    instrument_id: Name


class OrderRequest(Body, frozen=True, kw_only=True):
    """An order of an account. `price` is the limit, `trigger_price` the stop."""

    account_id: Account
    instrument_id: Name
    side: SideText
    order_type: Annotated[
        str, Meta(extra_json_schema={"enum": ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"]})
    ]
    quantity: WirePositive
    time_in_force: Annotated[str, Meta(extra_json_schema={"enum": ["GTC", "DAY", "GTD", "IOC", "FOK"]})] = "GTC"
    price: WirePositive | None = None
    trigger_price: WirePositive | None = None
    trailing_distance: WirePositive | None = None
    stop_loss: WirePositive | None = None
    take_profit: WirePositive | None = None
    expires_at: InstantText | None = None
    reduce_only: bool = False
    post_only: bool = False
    position_id: Name | None = None
    strategy_id: Uuid | None = None
    client_order_id: Name | None = None


class AmendRequest(Body, frozen=True, kw_only=True):
    """What to change; null takes an exit away, and leaves all else as it is."""

    quantity: WirePositive | None = None
    price: WirePositive | None = None
    trigger_price: WirePositive | None = None
    trailing_distance: WirePositive | None = None
    stop_loss: WirePositive | UnsetType | None = UNSET
    take_profit: WirePositive | UnsetType | None = UNSET


class CloseRequest(Body, frozen=True, kw_only=True):
    """What to close: all that its owner holds, without `quantity`."""

    account_id: Account
    strategy_id: Uuid | None = None
    quantity: WirePositive | None = None


class StateRequest(Body, frozen=True, kw_only=True):
    """What an account or a strategy may do from now on."""

    state: TradingState
    reason: Reason = ""


class KillRequest(Body, frozen=True, kw_only=True):
    """Whom to halt: an account, a strategy wherever it trades, or one on one account; all without either."""

    account_id: Account | None = None
    strategy_id: Uuid | None = None
    flatten: bool = True
    reason: Reason = "kill switch"
