"""What callers of the terminal door send: bodies and queries. Fields of a body that are not here are refused.

Numbers are JSON numbers; `sl`, `tp`, `price` and `expiration` of 0 or null mean none.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tradehall.faces.kit import WireNumber
from tradehall.faces.kit.body_rules import mentions_one_of, needs, needs_one_of, where
from tradehall.faces.terminal.translate import TIMEFRAMES

DEALS_DEFAULT = 100
DEALS_MAX = 1_000
CANDLES_DEFAULT = 100
CANDLES_MAX = 5_000
# The last whole millisecond of which our clocks, which count nanoseconds, have an idea.
LAST_MS = 9_223_372_036_853

# Without control characters, which no store and no log should meet.
_PLAIN = r"^[^\u0000-\u001f\u007f]*$"
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Comment = Annotated[str, Meta(max_length=64, pattern=_PLAIN)]
KeyName = Annotated[str, Meta(min_length=1, max_length=100)]
Ticket = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Magic = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Points = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Instant = Annotated[int, Meta(ge=0, le=LAST_MS)]
InstantText = Annotated[str, Meta(max_length=64, description="Unix milliseconds or RFC 3339")]
PENDING_WORDS = [2, 3, 4, 5, "buy_limit", "sell_limit", "buy_stop", "sell_stop"]
TypeText = Annotated[str, Meta(extra_json_schema={"enum": ["0", "1", *map(str, PENDING_WORDS)]})]
KindText = Annotated[str, Meta(extra_json_schema={"enum": ["trade", "balance", "all"]})]
TimeframeText = Annotated[str, Meta(extra_json_schema={"enum": [*TIMEFRAMES, *map(str.lower, TIMEFRAMES)]})]
TypeWord = Annotated[
    int | str,
    Meta(extra_json_schema={"enum": [0, 1, *PENDING_WORDS]}),
]
ScopeText = Annotated[str, Meta(extra_json_schema={"enum": ["read", "trade", "full"]})]
SideText = Annotated[str, Meta(extra_json_schema={"enum": ["buy", "sell", "BUY", "SELL"]})]


class Body(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Base of all bodies."""


class TradeRequest(Body, frozen=True, kw_only=True):
    """An order at market, or with `type` 2..5 and `price` a pending one. `deviation` in points."""

    symbol: Name
    volume: WireNumber
    action: SideText | None = None
    type: TypeWord | None = None
    price: WireNumber | None = None
    sl: WireNumber | None = None
    tp: WireNumber | None = None
    deviation: Points | None = None
    expiration: Instant | None = None
    comment: Comment | None = None
    magic: Magic | None = None
    client_order_id: Name | None = None


class OrderRequest(Body, frozen=True, kw_only=True):
    """A pending order; `type` 0 and 1 are executed at market."""

    symbol: Name
    type: TypeWord
    volume: WireNumber
    price: WireNumber | None = None
    sl: WireNumber | None = None
    tp: WireNumber | None = None
    expiration: Instant | None = None
    comment: Comment | None = None
    magic: Magic | None = None
    client_order_id: Name | None = None


class ModifyOrderRequest(Body, frozen=True, kw_only=True):
    """What to change of a pending order, one at least."""

    price: WireNumber | UnsetType = UNSET
    sl: WireNumber | UnsetType | None = UNSET
    tp: WireNumber | UnsetType | None = UNSET
    expiration: Instant | UnsetType | None = UNSET


class ModifyPositionRequest(Body, frozen=True, kw_only=True):
    """New exits of a position, one at least."""

    sl: WireNumber | UnsetType | None = UNSET
    tp: WireNumber | UnsetType | None = UNSET


class ModifyTicketRequest(ModifyPositionRequest, frozen=True, kw_only=True):
    """The same, with the ticket in the body."""

    ticket: Ticket


class CloseRequest(Body, frozen=True, kw_only=True):
    """How much to close: all, without `volume`."""

    volume: WireNumber | None = None
    comment: Comment | None = None
    client_order_id: Name | None = None


class CloseTicketRequest(CloseRequest, frozen=True, kw_only=True):
    """The same, with the ticket in the body."""

    ticket: Ticket


class CloseAllRequest(Body, frozen=True, kw_only=True):
    """Which positions to close, and whether pending orders go too."""

    symbol: Name | None = None
    side: SideText | None = None
    cancel_orders: bool = False
    client_order_id: Name | None = None


class NewKeyRequest(Body, frozen=True, kw_only=True):
    """A key to make; `login` is for operators, who answer for more than one."""

    name: KeyName
    scope: ScopeText
    expires_at: Instant | None = None
    ip_allow: list[str] | None = None
    login: Ticket | None = None


class ChangeKeyRequest(Body, frozen=True, kw_only=True):
    """What to change of a key, one at least."""

    name: KeyName | UnsetType = UNSET
    scope: ScopeText | UnsetType = UNSET
    expires_at: Instant | UnsetType | None = UNSET
    ip_allow: list[str] | UnsetType = UNSET


# What a document adds to these: which fields need each other.

PRICE_OF_TYPE: Final = where(
    "type", PENDING_WORDS, needs("price"), otherwise={"properties": {"price": {"enum": [None, 0]}}}
)
ACTION_OR_TYPE: Final = needs_one_of(["action"], ["type"])
A_CHANGE_OF_ORDER: Final = mentions_one_of(*ModifyOrderRequest.__struct_fields__)
A_CHANGE_OF_POSITION: Final = mentions_one_of("sl", "tp")
A_CHANGE_OF_KEY: Final = mentions_one_of(*ChangeKeyRequest.__struct_fields__)

# Queries.


class Query(Struct, frozen=True, gc=False, kw_only=True):
    """`iso=true` adds a `*_iso` twin to every instant of the answer."""

    iso: bool = False


class SymbolQuery(Query, frozen=True, kw_only=True):
    """Filter by symbol."""

    symbol: str | None = None


class OrdersQuery(SymbolQuery, frozen=True, kw_only=True):
    """Filter by symbol and type (2..5, or its name)."""

    type: TypeText | None = None


class HistoryQuery(SymbolQuery, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Which deals; without `from` those of the last 30 days."""

    ticket: Ticket | None = None
    kind: KindText | None = None
    limit: Annotated[int, Meta(ge=1, le=DEALS_MAX)] = DEALS_DEFAULT
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    from_: InstantText | None = None
    to: InstantText | None = None


class CloseQuery(Query, frozen=True, kw_only=True):
    """As the body, where a DELETE has none."""

    volume: WireNumber | None = None
    comment: Comment | None = None


class SymbolsQuery(Query, frozen=True, kw_only=True):
    """`search` in symbol and description, `group` by its name; both in any case."""

    search: str | None = None
    group: str | None = None


class CandlesQuery(Query, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Which bars: with `from` the first `limit` from there, without it the last."""

    timeframe: TimeframeText
    limit: Annotated[int, Meta(ge=1, le=CANDLES_MAX)] = CANDLES_DEFAULT
    from_: InstantText | None = None
    to: InstantText | None = None


class KeysQuery(Query, frozen=True, kw_only=True):
    """Whose keys, for operators."""

    login: Ticket | None = None
