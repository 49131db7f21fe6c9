"""What the gateway answers, as it stands on the wire.

Decimals go out as text in plain notation, words (BUY, LIMIT …) in upper case. Fields without a value are
sent as null.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tradehall.domain.account import PositionMode
from tradehall.domain.instrument import AssetClass
from tradehall.domain.market import Timeframe
from tradehall.domain.order import MarginMode, OrderStatus, OrderType, Side, TrailingType
from tradehall.domain.position import PositionSide

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["1.50"])]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Mode = Literal["paper", "backtest"]
TimeInForceWord = Literal["GTC", "DAY", "IOC", "FOK"]


class RejectReason(StrEnum):
    """Why an order was refused, in the gateway's ten words."""

    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    INVALID_QUANTITY = "INVALID_QUANTITY"
    INVALID_PRICE = "INVALID_PRICE"
    SYMBOL_NOT_TRADEABLE = "SYMBOL_NOT_TRADEABLE"
    MARKET_CLOSED = "MARKET_CLOSED"
    REDUCE_ONLY_VIOLATED = "REDUCE_ONLY_VIOLATED"
    POST_ONLY_VIOLATED = "POST_ONLY_VIOLATED"
    RATE_LIMITED = "RATE_LIMITED"
    UNKNOWN = "UNKNOWN"


class Error(Struct, frozen=True, gc=False):
    """Every refusal of this door."""

    code: str
    message: str
    details: Any = None


class OrderHandle(Struct, frozen=True, gc=False):
    """An order's number and status."""

    id: str
    status: OrderStatus
    client_order_id: str | None
    correlation_id: str


class Order(Struct, frozen=True, gc=False):
    """An order as it stands."""

    id: str
    client_order_id: str | None
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Number
    filled_quantity: Number
    remaining_quantity: Number
    limit_price: Number | None
    stop_price: Number | None
    stop_loss: Number | None
    take_profit: Number | None
    trailing_distance: Number | None
    trailing_type: TrailingType | None
    average_fill_price: Number | None
    status: OrderStatus
    reject_reason: RejectReason | None
    time_in_force: TimeInForceWord
    position_id: str | None
    parent_order_id: str | None
    reduce_only: bool
    post_only: bool
    hidden: bool
    display_quantity: Number | None
    oco_group_id: str | None
    leverage: Number | None
    margin_mode: MarginMode
    strategy_id: str | None
    correlation_id: str
    created_at: Instant
    updated_at: Instant


class ModifyOrderResult(Order, frozen=True, gc=False, kw_only=True):
    """The order after the change, twice: as an order, and as the SDK wants it. `previous_order_id` is null."""

    order: Order
    previous_order_id: str | None = None


class CancelOrderResult(Struct, frozen=True, gc=False):
    """The cancelled order."""

    success: bool
    order: Order


class CancelAllResult(Struct, frozen=True, gc=False):
    """How many orders were cancelled."""

    cancelled_count: int
    failed_count: int
    failed_order_ids: list[str] | None


class Position(Struct, frozen=True, gc=False):
    """An open position, valued at the latest quote."""

    id: str
    symbol: str
    side: PositionSide
    quantity: Number
    average_entry_price: Number
    current_price: Number
    unrealized_pnl: Number
    realized_pnl: Number
    opened_at: Instant
    updated_at: Instant
    leverage: Number | None
    liquidation_price: Number | None
    margin_mode: MarginMode


class ExitLeg(Struct, frozen=True, gc=False):
    """The resting orders of one exit, and where they trigger."""

    order_ids: list[str]
    trigger_price: Number


class ModifyPositionExitsResult(Struct, frozen=True, gc=False):
    """The exits that were moved."""

    position_id: str
    stop_loss: ExitLeg | None
    take_profit: ExitLeg | None


class Trade(Struct, frozen=True, gc=False):
    """One fill of an order."""

    id: str
    order_id: str
    symbol: str
    side: Side
    quantity: Number
    price: Number
    commission: Number
    commission_currency: str
    is_maker: bool
    timestamp: Instant


class Account(Struct, frozen=True, gc=False):
    """What the account is worth at the latest quotes."""

    balance: Number
    equity: Number
    margin_used: Number
    margin_available: Number
    unrealized_pnl: Number
    currency: str


class Quote(Struct, frozen=True, gc=False):
    """Best bid and ask."""

    symbol: str
    provider: str
    bid: Number
    bid_size: Number | None
    ask: Number
    ask_size: Number | None
    last: Number
    volume: Number | None
    timestamp: Instant


class Bar(Struct, frozen=True, gc=False):
    """Open, high, low, close and volume of one timeframe, from its start on."""

    symbol: str
    provider: str
    timeframe: Timeframe
    timestamp: Instant
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


class RateLimits(Struct, frozen=True, gc=False):
    """What a key may ask for; null where nothing is limited."""

    requests_per_minute: int | None
    orders_per_second: int | None
    orders_per_day: int | None


class Capabilities(Struct, frozen=True, gc=False):
    """What works here for this account."""

    supported_asset_classes: list[AssetClass]
    supported_order_types: list[OrderType]
    position_mode: PositionMode
    features: list[str]
    max_leverage: Number | None
    rate_limits: RateLimits | None
    mode: Mode


class ConnectionStatus(Struct, frozen=True, gc=False):
    """Whether the provider is there; `latency_ms` is what the last durable order took inside, 0 in simulated time."""

    connected: bool
    latency_ms: int
    last_heartbeat: Instant
    mode: Mode


class Snap(Struct, frozen=True, gc=False):
    """One circuit breaker."""

    state: Literal["open", "closed"]
    failure_count: int


class CircuitBreakerStatus(Struct, frozen=True, gc=False):
    """Both circuit breakers."""

    adapter: Snap
    exit_order: Snap


class ProviderHealth(Struct, frozen=True, gc=False):
    """A provider, and which of its instruments have fallen silent."""

    platform: str
    connected: bool
    stale_instruments: list[str]


class Health(Struct, frozen=True, gc=False, omit_defaults=True):
    """`{"status":"ok"}`; the detailed form for the SDK and on request."""

    status: Literal["ok", "connected", "degraded"]
    version: str | None = None
    git_sha: str | None = None
    providers: list[ProviderHealth] | None = None


class ReadyStatus(Struct, frozen=True, gc=False):
    """Whether requests are taken."""

    ready: bool
    providers: list[str]
    provider_count: int
    message: str | None = None


class PreviewRejection(Struct, frozen=True, gc=False):
    """The refusal that the order would get."""

    code: str
    reject_code: str
    reject_reason: RejectReason
    message: str
    details: dict[str, str]


class OrderPreview(Struct, frozen=True, gc=False):
    """What would become of an order. Nothing was changed."""

    accepted: bool
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Number
    expected_fill_price: Number | None
    expected_fill_quantity: Number | None
    fees: Number | None
    fee_currency: str
    margin_required: Number | None
    margin_used_before: Number
    margin_used_after: Number | None
    margin_available_before: Number
    margin_available_after: Number | None
    liquidation_price: Number | None
    budget_available: Number | None
    rejection: PreviewRejection | None
