"""Views of the whole house: ended orders, fills and closed positions of all accounts, as operators look for them."""

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.order import WORKING, Order, OrderStatus, Side
from tradehall.domain.position import PositionSide
from tradehall.domain.rejection import RejectCode

_encode: Final = msgspec.json.Encoder().encode


class OrderEnd(StrEnum):
    """How an order ended: as its status says, but what we refused ourselves apart from what the venue did."""

    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    DENIED = "DENIED"


# A name of the module: an enum's attribute is found slowly.
_REJECTED: Final = OrderStatus.REJECTED
_ENDS: Final = {status: OrderEnd(status) for status in OrderStatus if status not in WORKING}


def end_of(order: Order) -> OrderEnd:
    """How `order`, which has ended, ended."""
    if order.status is _REJECTED and order.reject_code != RejectCode.VENUE_REJECTED:
        return OrderEnd.DENIED
    return _ENDS[order.status]


class HouseOrderQuery(Struct, frozen=True, kw_only=True):
    """Ended orders, highest number first, which is newest first; None: any.

    `since` <= created_at < `until` [ns UTC]. `strategy_ids`: of any of these; at most STRATEGIES_MAX. `known_total`:
    how many there are on all pages, where the caller knows; `spans`: outside of these is nothing that would come on
    the page, and `offset` counts from the first of them. Both are the same in all these queries.
    """

    account_id: AccountId | None = None
    strategy_ids: tuple[str, ...] | None = None
    symbol: str | None = None
    side: Side | None = None
    ends: frozenset[OrderEnd] | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0
    known_total: int | None = None
    spans: tuple["NumberSpan", ...] | None = None


class HouseFillQuery(Struct, frozen=True, kw_only=True):
    """Fills, newest first; None: any. `since` <= at < `until` [ns UTC]."""

    account_id: AccountId | None = None
    strategy_ids: tuple[str, ...] | None = None
    symbol: str | None = None
    side: Side | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0
    known_total: int | None = None
    spans: tuple["NumberSpan", ...] | None = None


STRATEGIES_MAX = 200


class CountedFill(NamedTuple):
    """A fill, and whether it was the first of its order."""

    fill: Fill
    is_first: bool


class Closing(Struct, frozen=True, gc=False, omit_defaults=True):
    """Units of a position that went out by one fill: of a strategy's book, or of what is in no book.

    Money in `currency`: the quote currency in a book, else the account's. `realized_pnl` gross; `fees`
    (positive: charged): the units' share of what was paid for both ways. Instants ns UTC.
    """

    position_id: PositionId
    account_id: AccountId
    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    currency: str
    opened_at: int
    closed_at: int
    order_id: OrderId
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    peak_quantity: Decimal = ZERO
    strategy_id: str | None = None


class ClosingRow(NamedTuple):
    """A closing, numbered by its place in the journal; `is_last`: the position is flat by it."""

    closing_key: int
    account_id: AccountId
    strategy_id: str | None
    position_id: PositionId
    symbol: str
    is_last: int
    closed_at: int
    body: str


def closing_row(closing_key: int, closing: Closing, is_last: bool) -> ClosingRow:
    """The row of a closing."""
    return ClosingRow(
        closing_key,
        closing.account_id,
        closing.strategy_id,
        closing.position_id,
        closing.symbol,
        int(is_last),
        closing.closed_at,
        _encode(closing).decode(),
    )


class ClosedQuery(Struct, frozen=True, kw_only=True):
    """Closed positions, the last closed first; None: any."""

    account_id: AccountId | None = None
    strategy_id: str | None = None
    symbol: str | None = None
    limit: int = 100
    offset: int = 0
    known_total: int | None = None
    spans: tuple["NumberSpan", ...] | None = None


class NumberSpan(NamedTuple):
    """Numbers from `first` to before `last`. Spans come highest first."""

    first: int
    last: int


class Line(StrEnum):
    """Rows numbered in the order of their instants: orders by created_at, fills by at, closings by closed_at."""

    ORDERS = "orders"
    FILLS = "fills"
    CLOSINGS = "closings"


# A line is counted in stretches of so many numbers, as a power of two. Closings are numbered by records.
PLACE_BITS: Final = {Line.ORDERS: 12, Line.FILLS: 12, Line.CLOSINGS: 32}
NUMBER_MAX: Final = 2**63 - 1


class Share(NamedTuple):
    """So many rows of a line have these values; "" where it has no such column. `place`: the number of the stretch."""

    account_id: AccountId
    strategy_id: str | None
    symbol: str
    side: str
    end: str
    place: int
    rows: int


class Counted(NamedTuple):
    """Rows of a line up to number `last`, or up to journal record `seq`, counted as they stood together.

    Of closings only the last ones of their positions count.
    """

    seq: int
    last: int
    shares: list[Share]


class Edges(NamedTuple):
    """Where two instants cut a line: between them are the numbers of `span` and no others.

    The stretches from `first_place` to before `last_place` lie in it whole; `shares`: of what it has beside them.
    """

    span: NumberSpan
    first_place: int
    last_place: int
    shares: list[Share]
