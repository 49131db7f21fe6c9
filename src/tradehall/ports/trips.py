"""Round trips and executions of orders as the support desk looks them up: rows made of the journal's events."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.columns import TripColumns
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.money import ZERO, minor_unit
from tradehall.domain.position import PositionSide

TRIPS_PAGE_MAX: Final = 100
NO_NUMBER: Final = 0


class TripStatus(StrEnum):
    """pending (its entry order works) → open → closed; pending → cancelled or rejected."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Trip(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A round trip as it stands; money in `currency`, the account's, booked so far. Instants ns UTC.

    `trip_id`: its place in the journal, which never changes. `keygen`: of the strategy that made it, None: by
    hand. `position_id`: the position, 0 before there is one. `order_price`: the entry order's limit or stop
    price, or else the touch that its first fill met. `taken_at` is when the order came while it is pending.
    `is_beside`: of a netting account's position what is in no strategy's book.
    """

    trip_id: int
    account_id: AccountId
    symbol: str
    side: PositionSide
    status: TripStatus
    quantity: Decimal
    currency: str
    taken_at: int
    created_at: int
    updated_at: int
    deployment_id: int | None = None
    keygen: str | None = None
    position_id: int = NO_NUMBER
    order_price: Decimal | None = None
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    closed_at: int | None = None
    exit_reason: str = ""
    gross_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    swaps: Decimal = ZERO
    net_pnl: Decimal = ZERO
    traded_value: Decimal = ZERO
    order_ids: tuple[OrderId, ...] = ()
    is_beside: bool = False


class Overlay(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What somebody said of a trip; None: as it is. Of one that is still open, an end and a result make it closed."""

    trip_id: int
    taken_at: int | None = None
    closed_at: int | None = None
    result: str | None = None
    is_adjusted: bool = False


class TripQuery(Struct, frozen=True, kw_only=True):
    """Which trips; () and None: any. Periods: from inclusive, to exclusive [ns UTC].

    Times and results as they are shown: with what was laid over them. `sort`: taken_at, closed_at or net_pnl.
    """

    accounts: tuple[AccountId, ...] = ()
    deployments: tuple[int, ...] = ()
    keygens: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    adjusted: bool | None = None
    taken_since: int | None = None
    taken_until: int | None = None
    closed_since: int | None = None
    closed_until: int | None = None
    sort: str = "taken_at"
    is_descending: bool = True
    limit: int = 50
    offset: int = 0


class TripTotals(Struct, frozen=True):
    """Over all trips of a query; wins, losses, breakevens and money by currency of those that ended."""

    count: int = 0
    wins: int = 0
    losses: int = 0
    breakevens: int = 0
    adjusted: int = 0
    net_pnl: Mapping[str, Decimal] = {}


class Execution(NamedTuple):
    """One order's way: instants [ns UTC], -1 where it has not happened; prices as floats, NaN where unknown.

    `flags`: BUY, RESTS, EXIT. `decision`, `arrival`, `mid`, `touch`: what its fills may be held against.
    `rate`: account currency per quote currency.
    """

    order_id: int
    account_id: int
    deployment_id: int
    strategy: str
    symbol: str
    currency: str
    flags: int
    trip_id: int
    signal: int
    received: int
    decided: int
    journaled: int
    sent: int
    acknowledged: int
    first_fill: int
    last_fill: int
    quantity: float
    price: float
    decision: float
    arrival: float
    mid: float
    touch: float
    rate: float
    tick_size: float


BUY: Final = 1
RESTS: Final = 2
EXIT: Final = 4
# Columns of names; their numbers stand in the file, the names in a table.
NAMED: Final = ("strategy", "symbol", "currency")
FLOATS: Final = ("quantity", "price", "decision", "arrival", "mid", "touch", "rate", "tick_size")


class ExecutionQuery(Struct, frozen=True, kw_only=True):
    """Which orders, by when they were decided [ns UTC], of these accounts; () else: any. `fields`: which columns.

    `is_filled`: only those with a fill; `has_exits`: also what protects a position. `newest`: only so many.
    """

    accounts: tuple[AccountId, ...]
    since: int
    until: int
    fields: frozenset[str]
    deployments: tuple[int, ...] = ()
    symbols: tuple[str, ...] = ()
    is_filled: bool = False
    has_exits: bool = False
    newest: int | None = None


class Executions(Struct, frozen=True):
    """The orders of a query in columns, oldest first: by names of Execution's fields; `names` of the named ones."""

    columns: Mapping[str, NDArray[np.int64]]
    floats: Mapping[str, NDArray[np.float64]]
    names: Sequence[str]

    def __len__(self) -> int:
        return int(next(iter(self.columns.values())).size)


class FoldItem(Struct, frozen=True, gc=False):
    """Something the fold has to remember, under its key; None: no more."""

    key: str
    body: bytes | None


class TripWrite(Struct, frozen=True):
    """What folding changed, or a part of it; a trip of None is none any more. Executions by their numbers."""

    trips: Mapping[int, Trip | None]
    items: Sequence[FoldItem] = ()
    executions: Sequence[Execution] = ()


class TripLines(Struct, frozen=True):
    """The same as it stands in the store: rows; of an execution its number, its names, and its other columns."""

    trips: Mapping[int, tuple[Any, ...] | None]
    items: Sequence[FoldItem]
    executions: Sequence[tuple[OrderId, tuple[str, ...], bytes]]


def result_of(trip: Trip) -> str | None:
    """How a trip came out by its money: less than one minor unit is neither; None while it is not over."""
    if trip.status is not TripStatus.CLOSED:
        return None
    if abs(trip.net_pnl) < minor_unit(trip.currency):
        return "breakeven"
    return "win" if trip.net_pnl > 0 else "loss"


class TripStore(Protocol):
    """Rows that can be made again from the journal. Synchronous; reads from any thread. RecordsFault when it fails."""

    def load(self, version: int) -> tuple[int, Mapping[str, bytes]]:
        """Up to which record it was written by that version of the fold, and its items; 0 and none: begin anew."""
        ...

    def lines(self, write: TripWrite, overlays: Mapping[int, Overlay]) -> TripLines:
        """What is to be written, with what is laid over these trips. Touches nothing: for whoever has the time."""
        ...

    def write(self, seq: int, lines: Sequence[TripLines]) -> None:
        """Take in what was folded up to record `seq`; of a trip that stands in several lines the last counts."""
        ...

    def lay_over(self, overlays: Iterable[Overlay]) -> None:
        """These are laid over their trips now; one that is not adjusted takes away what was."""
        ...

    def trip(self, trip_id: int) -> Trip | None:
        """One trip."""
        ...

    def page(self, query: TripQuery) -> list[Trip]:
        """A page."""
        ...

    def totals(self, query: TripQuery) -> TripTotals:
        """What all pages come to."""
        ...

    def currencies(self, query: TripQuery) -> list[str]:
        """In which currencies ended trips of a query are."""
        ...

    def sums(self, query: TripQuery, currency: str) -> TripColumns:
        """Ended trips of a query in columns, whatever its page."""
        ...

    def executions(self, query: ExecutionQuery) -> Executions:
        """Orders in columns."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
