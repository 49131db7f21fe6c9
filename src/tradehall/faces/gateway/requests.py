"""What callers of the gateway send: bodies and queries.

Decimals come in as text or number, words (BUY, LIMIT …) in any case: `wishes` reads them. Null is as good
as leaving a field out.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

from tradehall.domain.market import Timeframe
from tradehall.domain.order import MarginMode, OrderType, Side, TrailingType
from tradehall.engine.order_types import SHAPES
from tradehall.faces.kit import WirePositive
from tradehall.faces.kit.body_rules import Json, has_none_of, needs, where

ORDERS_DEFAULT = 500
ORDERS_MAX = 5_000
BARS_DEFAULT = 100
BARS_MAX = 10_000

# What a caller names: short, and without control characters, which no store and no log should meet.
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\u0000-\u001f\u007f]*$")]


def _any_case(words: Iterable[str]) -> Meta:
    # Any mixture is taken; the document names the two that clients send.
    return Meta(extra_json_schema={"enum": [*words, *(word.lower() for word in words)]})


SideText = Annotated[str, _any_case(Side)]
OrderTypeText = Annotated[str, _any_case(OrderType)]
TimeInForceText = Annotated[str, _any_case(("GTC", "DAY", "IOC", "FOK"))]
TrailingTypeText = Annotated[str, _any_case(TrailingType)]
MarginModeText = Annotated[str, _any_case(MarginMode)]
CloseTypeText = Annotated[str, _any_case(("MARKET", "LIMIT"))]
InstantText = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]
Limit = Annotated[int, Meta(ge=0, le=1_000_000_000)]


# Bodies.


class OrderRequest(Struct, frozen=True, gc=False):
    """An order to place. `client_order_id` makes it safe to repeat."""

    symbol: Name
    side: SideText
    quantity: WirePositive
    order_type: OrderTypeText
    limit_price: WirePositive | None = None
    stop_price: WirePositive | None = None
    trailing_distance: WirePositive | None = None
    trailing_type: TrailingTypeText | None = None
    time_in_force: TimeInForceText | None = None
    client_order_id: Name | None = None
    stop_loss: WirePositive | None = None
    take_profit: WirePositive | None = None
    reduce_only: bool | None = None
    post_only: bool | None = None
    hidden: bool | None = None
    display_quantity: WirePositive | None = None
    oco_group_id: Name | None = None
    leverage: WirePositive | None = None
    margin_mode: MarginModeText | None = None
    position_id: Name | None = None
    strategy_id: Name | None = None


class ModifyOrderRequest(Struct, frozen=True, gc=False):
    """What to change; null leaves as is. `quantity` is the new total."""

    quantity: WirePositive | None = None
    limit_price: WirePositive | None = None
    stop_price: WirePositive | None = None
    stop_loss: WirePositive | None = None
    take_profit: WirePositive | None = None
    trailing_distance: WirePositive | None = None


class ClosePositionRequest(Struct, frozen=True, gc=False):
    """How to close: all of it at market, unless said otherwise."""

    quantity: WirePositive | None = None
    order_type: CloseTypeText | None = None
    limit_price: WirePositive | None = None
    cancel_associated_orders: bool | None = None


class ModifyPositionExitsRequest(Struct, frozen=True, gc=False):
    """New prices of a position's resting exits; at least one."""

    stop_loss: WirePositive | None = None
    take_profit: WirePositive | None = None


# Which prices go with which type, as the document says it.


def _prices_of(kind: OrderType) -> Json:
    shape = SHAPES[kind]
    wanted = {
        "limit_price": shape.limit_price,
        "stop_price": shape.stop_price,
        "trailing_distance": shape.trailing_distance,
        "trailing_type": shape.trailing_distance,
    }
    rules = [needs(name) if is_wanted else has_none_of(name) for name, is_wanted in wanted.items()]
    return where("order_type", (kind, kind.lower()), *rules)


PRICES_OF_TYPES: Final = tuple(_prices_of(kind) for kind in OrderType)
PRICE_OF_CLOSING: Final = where(
    "order_type", ("LIMIT", "limit"), needs("limit_price"), otherwise=has_none_of("limit_price")
)


# Queries.


class AsOfQuery(Struct, frozen=True, gc=False):
    """`as_of`: as it was then."""

    as_of: InstantText | None = None


class PositionsQuery(Struct, frozen=True, gc=False):
    """Filter by symbol; `as_of`: as it was then."""

    symbol: str | None = None
    as_of: InstantText | None = None


class SymbolQuery(Struct, frozen=True, gc=False):
    """Filter by symbol."""

    symbol: str | None = None


class OrdersQuery(Struct, frozen=True, gc=False):
    """Filters of order lists. `status`: several words, repeated or separated by commas."""

    symbol: str | None = None
    status: list[str] = []
    side: SideText | None = None
    client_order_id: str | None = None
    oco_group_id: str | None = None
    since: InstantText | None = None
    until: InstantText | None = None
    limit: Limit | None = None


class OrdersAsOfQuery(OrdersQuery, frozen=True, gc=False):
    """The same filters; `as_of`: orders and statuses as they were then."""

    as_of: InstantText | None = None


class TradesQuery(Struct, frozen=True, gc=False):
    """Filters of the list of trades; `since` is inclusive, `until` is not."""

    symbol: str | None = None
    order_id: str | None = None
    since: InstantText | None = None
    until: InstantText | None = None
    limit: Limit | None = None


class BarsQuery(Struct, frozen=True, gc=False):
    """Which bars: with `start` the first `limit` from there, without it the last."""

    timeframe: Timeframe
    start: InstantText | None = None
    end: InstantText | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class HealthQuery(Struct, frozen=True, gc=False):
    """`detail=1` asks for the detailed body."""

    detail: str | None = None
