"""What the terminal door answers, as it stands on the wire.

Prices, lots and money are JSON numbers, instants unix milliseconds. `sl` and `tp` are 0 where there is none.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")

Millis = Annotated[int, Meta(description="Unix milliseconds", examples=[1772446800000])]
SideWord = Literal["buy", "sell"]
OrderState = Literal["placed", "filled", "cancelled", "expired", "rejected"]
ReasonWord = Literal["api", "manual", "sl", "tp", "stop_out", "strategy"]
ScopeWord = Literal["read", "trade", "full"]


class Error(Struct, frozen=True, gc=False, omit_defaults=True):
    """Every refusal of this door; `detail` says more where there is more to say."""

    success: Literal[False]
    error: str
    code: str
    detail: str | None = None


class Answer(Struct, Generic[T], frozen=True):
    """Every answer with one thing in it."""

    success: Literal[True]
    data: T


class Listed(Struct, Generic[T], frozen=True):
    """Every answer with a list: `count` of them are here, `total` there are."""

    success: Literal[True]
    data: list[T]
    count: int
    total: int


class HealthStatus(Struct, frozen=True, gc=False):
    """Whether the server runs, and whether quotes come in and orders can be kept."""

    status: Literal["ok"]
    connected: bool


class Account(Struct, frozen=True, gc=False):
    """The account at the latest quotes. `profit` is floating: `equity` = `balance` + `profit`."""

    login: int
    name: str
    server: str
    currency: str
    leverage: float
    mode: Literal["hedging", "netting"]
    balance: float
    credit: float
    equity: float
    profit: float
    margin: float
    free_margin: float
    margin_level: float | None
    trade_allowed: bool
    connected: bool
    time: Millis


class Deal(Struct, frozen=True, gc=False):
    """What moved money or a position. Funds: `entry` is `balance`, `symbol` and `side` are null."""

    deal: int
    ticket: int
    order: int
    symbol: str | None
    side: SideWord | None
    entry: Literal["in", "out", "balance"]
    volume: float
    price: float
    profit: float
    commission: float
    swap: float
    reason: ReasonWord
    comment: str
    time: Millis


class Position(Struct, frozen=True, gc=False):
    """An open position; `profit` is floating, without swap and commission."""

    ticket: int
    symbol: str
    type: Literal[0, 1]
    side: SideWord
    volume: float
    open_price: float
    current_price: float
    sl: float
    tp: float
    profit: float
    swap: float
    commission: float
    open_time: Millis
    comment: str
    client_order_id: str | None
    magic: int


class ClosedPosition(Position, frozen=True, gc=False, kw_only=True):
    """A position that went flat: `volume` and `profit` are those of its last part."""

    close_price: float
    reason: ReasonWord


class ClosingResult(Struct, frozen=True, gc=False):
    """What a close did; the rest keeps the ticket."""

    ticket: int
    closed_volume: float
    remaining_volume: float
    price: float
    profit: float
    deal: int


class Order(Struct, frozen=True, gc=False):
    """A pending order, or one that ended in the last 24 hours; `expiration` 0: until cancelled."""

    ticket: int
    symbol: str
    type: Annotated[int, Meta(ge=0, le=5)]
    type_name: str
    side: SideWord
    volume: float
    price: float
    sl: float
    tp: float
    expiration: Millis
    state: OrderState
    created_time: Millis
    comment: str
    client_order_id: str | None
    magic: int
    position_ticket: int | UnsetType = UNSET


class PlacedOrder(Struct, frozen=True, gc=False):
    """A pending order was placed."""

    ticket: int
    type: Literal[2, 3, 4, 5]
    price: float
    state: Literal["placed"]


class CancelledOrder(Struct, frozen=True, gc=False):
    """A pending order was cancelled."""

    ticket: int
    state: Literal["cancelled"]


class TradeResult(Struct, frozen=True, gc=False):
    """A market order was filled. `ticket`: the position it opened, changed or closed."""

    ticket: int
    price: float
    symbol: str
    type: Literal[0, 1]
    action: SideWord
    volume: float
    sl: float
    tp: float
    deal: int
    time: Millis
    latency_ms: int


class PlacedOrFilled(Struct, frozen=True, gc=False):
    """For the documents: a pending order has `state`, a filled one all the rest."""

    ticket: int
    price: float
    type: Annotated[int, Meta(ge=0, le=5)]
    state: Literal["placed"] | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    action: SideWord | UnsetType = UNSET
    volume: float | UnsetType = UNSET
    sl: float | UnsetType = UNSET
    tp: float | UnsetType = UNSET
    deal: int | UnsetType = UNSET
    time: Millis | UnsetType = UNSET
    latency_ms: int | UnsetType = UNSET


class ClosedTicket(Struct, frozen=True, gc=False):
    """One of the positions that were closed."""

    ticket: int
    price: float
    profit: float


class CancelledTicket(Struct, frozen=True, gc=False):
    """One of the pending orders that were cancelled."""

    ticket: int


class FailedTicket(Struct, frozen=True, gc=False):
    """One that stayed, and why."""

    ticket: int
    error: str


class CloseAllResult(Struct, frozen=True, gc=False):
    """What became of each ticket."""

    closed: list[ClosedTicket]
    cancelled: list[CancelledTicket]
    failed: list[FailedTicket]


class ListedSymbol(Struct, frozen=True, gc=False):
    """An instrument and its quote. `point` is the smallest price step, swaps are points per night."""

    symbol: str
    description: str
    group: str
    base: str
    quote: str
    digits: int
    point: float
    contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    stops_level: int
    bid: float | None
    ask: float | None
    spread: int | None
    trade_mode: Literal["full"]
    market_open: bool
    swap_long: float
    swap_short: float


class Symbol(ListedSymbol, frozen=True, gc=False, kw_only=True):
    """`sessions`: a list per day, Monday first, of [start, end) minutes UTC; empty: around the clock."""

    sessions: list[list[list[int]]]


class Quote(Struct, frozen=True, gc=False):
    """The latest quote; `spread` in points."""

    symbol: str
    bid: float
    ask: float
    spread: int
    time: Millis


class Candle(Struct, frozen=True, gc=False):
    """A bar of bids from `time` on; the running one says `complete: false`."""

    time: Millis
    open: float
    high: float
    low: float
    close: float
    volume: float
    complete: bool | UnsetType = UNSET


class Key(Struct, frozen=True, gc=False):
    """An API key as its owner sees it; `prefix` is all that is ever shown again of the secret."""

    id: str
    name: str
    scope: ScopeWord
    prefix: str
    created_at: Millis
    last_used_at: Millis | None
    expires_at: Millis | None
    revoked_at: Millis | None
    login: int
    ip_allow: list[str]


class NewKey(Key, frozen=True, gc=False, kw_only=True):
    """With the secret in `key`, shown this once."""

    key: str


def answer(data: T) -> Answer[T]:
    """One thing, in the door's envelope."""
    return Answer(True, data)


def listed(data: list[Any], total: int | None = None) -> Listed[Any]:
    """A list, in the door's envelope; without `total` it is all there is."""
    return Listed(True, data, len(data), len(data) if total is None else total)
