"""Views: what has ended, by query. Written beside the journal, at most a batch behind it, and rebuilt from it."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, FillId, OrderId, PositionId
from tradehall.domain.order import Order, OrderStatus, Side
from tradehall.engine.events import EntryKind
from tradehall.ports.deals import Deal, DealQuery, DealRow
from tradehall.ports.house_views import (
    ClosedQuery,
    Closing,
    ClosingRow,
    Counted,
    CountedFill,
    Edges,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
)
from tradehall.ports.tickets import Ticket, TicketQuery, TicketRow, TicketTotals

PAGE_MAX: Final = 10_000


class LedgerEntry(Struct, frozen=True, gc=False, omit_defaults=True):
    """One change of a balance: `amount` [account currency, signed], `balance` after it, `at` ns UTC."""

    entry_id: int
    account_id: AccountId
    at: int
    entry: EntryKind
    amount: Decimal
    balance: Decimal
    order_id: OrderId | None = None
    position_id: PositionId | None = None
    fill_id: FillId | None = None
    symbol: str | None = None
    comment: str = ""


class OrderRow(NamedTuple):
    """An ended order; `body` is the JSON of Order."""

    order_id: OrderId
    account_id: AccountId
    client_order_id: str | None
    symbol: str
    side: str
    status: str
    oco_group_id: str | None
    created_at: int
    updated_at: int
    strategy_id: str | None
    ended_as: str
    body: str


class FillRow(NamedTuple):
    """A fill; `body` is the JSON of Fill. `is_first`: of its order."""

    fill_id: FillId
    order_id: OrderId
    account_id: AccountId
    symbol: str
    at: int
    side: str
    strategy_id: str | None
    is_first: int
    body: str


class LedgerRow(NamedTuple):
    """A ledger entry; `body` is the JSON of LedgerEntry."""

    entry_id: int
    account_id: AccountId
    at: int
    body: str


AnyRow = OrderRow | FillRow | LedgerRow | TicketRow | DealRow | ClosingRow

# Name → shape of a row, whose first field is the key. A row written again under its key replaces the other.
VIEWS: Final[dict[str, type[Any]]] = {
    "orders": OrderRow,
    "fills": FillRow,
    "ledger": LedgerRow,
    "tickets": TicketRow,
    "deals": DealRow,
    "closings": ClosingRow,
}


class ViewRows:
    """Rows to be written together, oldest first."""

    __slots__ = ("closings", "deals", "fills", "ledger", "orders", "tickets")

    def __init__(self) -> None:
        self.orders: list[OrderRow] = []
        self.fills: list[FillRow] = []
        self.ledger: list[LedgerRow] = []
        self.tickets: list[TicketRow] = []
        self.deals: list[DealRow] = []
        self.closings: list[ClosingRow] = []

    def move(self, other: "ViewRows") -> None:
        """Append all rows of `other`, which is empty then."""
        if other.is_empty:
            return  # Most decisions end nothing.
        for view in VIEWS:
            rows = getattr(other, view)
            if rows:
                getattr(self, view).extend(rows)
                rows.clear()

    @property
    def is_empty(self) -> bool:
        """Whether there is no row of any view."""
        return not (self.orders or self.fills or self.ledger or self.tickets or self.deals or self.closings)

    def of(self, view: str) -> list[Any]:
        """Rows of the view of that name."""
        rows: list[Any] = getattr(self, view)
        return rows


assert set(ViewRows.__slots__) == VIEWS.keys(), "`is_empty` looks at all of them"


class OrderQuery(Struct, frozen=True):
    """Ended orders of an account, newest `updated_at` first (`by_creation`: newest `created_at`).

    `since` <= created_at < `until` [ns UTC]; None: no bound. `ended_by`: not changed after it [ns UTC]. `limit` is
    cut at PAGE_MAX.
    """

    account_id: AccountId
    symbol: str | None = None
    statuses: frozenset[OrderStatus] | None = None
    side: Side | None = None
    client_order_id: str | None = None
    oco_group_id: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0
    by_creation: bool = False
    ended_by: int | None = None


class HistoryQuery(Struct, frozen=True):
    """Fills or ledger entries of an account, newest first.

    `since` <= at < `until` [ns UTC]. `symbol` and `order_id` are for fills. `limit` is cut at PAGE_MAX.
    """

    account_id: AccountId
    symbol: str | None = None
    order_id: OrderId | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0


class Views(Protocol):
    """Queries over what is written. Those that are not awaited take microseconds."""

    def refresh(self) -> None:
        """More has been written: what is read from now on includes it."""
        ...

    def order(self, order_id: OrderId) -> Order | None:
        """An ended order."""
        ...

    def order_by_client_id(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """The newest ended order that used this client id."""
        ...

    def client_order_ids(self) -> Iterator[tuple[AccountId, str]]:
        """All client ids of ended orders; may be read in another thread, slowly, beside everything else."""
        ...

    def fills_of(self, order_id: OrderId) -> list[Fill]:
        """Fills of an order, ended or not, oldest first; at most PAGE_MAX."""
        ...

    def fill(self, fill_id: FillId) -> Fill | None:
        """A fill."""
        ...

    async def orders(self, query: OrderQuery) -> list[Order]:
        """A page of ended orders."""
        ...

    async def fills(self, query: HistoryQuery) -> list[Fill]:
        """A page of fills."""
        ...

    async def ledger(self, query: HistoryQuery) -> list[LedgerEntry]:
        """A page of ledger entries."""
        ...

    async def tickets(self, query: TicketQuery) -> list[Ticket]:
        """A page of ended tickets; the states of a query that are not ended find nothing."""
        ...

    async def ticket_totals(self, query: TicketQuery) -> TicketTotals:
        """Sums over all ended tickets of a query, whatever its page."""
        ...

    async def deals(self, query: DealQuery) -> tuple[list[Deal], int]:
        """A page of deals, and how many there are on all pages."""
        ...

    async def house_order_ids(self, query: HouseOrderQuery) -> list[OrderId]:
        """Numbers of a page of ended orders of all accounts, highest first."""
        ...

    async def orders_of(self, order_ids: Sequence[OrderId]) -> list[Order]:
        """The ended orders of these numbers, in their order; those that are none are left out."""
        ...

    async def house_order_count(self, query: HouseOrderQuery) -> int:
        """How many there are on all pages."""
        ...

    async def house_fills(self, query: HouseFillQuery) -> tuple[list[Fill], int]:
        """A page of fills of all accounts, and how many there are on all pages."""
        ...

    async def fills_after(self, fill_id: FillId, *, limit: int) -> list[CountedFill]:
        """The next fills beyond `fill_id`, oldest first: they are numbered as they become durable."""
        ...

    async def counted(self, line: Line, *, after: int | None = None) -> Counted:
        """How many rows beyond number `after` a line has, by their values; None: all, beside everything else."""
        ...

    async def read_on(self) -> None:
        """Bring up to date what is summed up of rows; looks at every row the first time, beside everything else."""
        ...

    async def edges(self, line: Line, *, since: int | None, until: int | None) -> Edges:
        """What two instants leave of a line: `since` <= instant < `until` [ns UTC]; None: no bound."""
        ...

    async def closed_positions(self, query: ClosedQuery) -> tuple[list[list[Closing]], int]:
        """A page of closed positions, each as its closings, oldest first; and how many there are on all pages."""
        ...


class ViewStore(Protocol):
    """The raw rows of the views, for building and checking them; while nobody else writes."""

    @property
    def version(self) -> int:
        """Version of the projections that wrote the rows; 0 while they are built anew."""
        ...

    @property
    def seq(self) -> int:
        """The rows are those of the records up to this one, and no others."""
        ...

    def clear(self) -> None:
        """Drop all rows; version and `seq` are 0 from now on."""
        ...

    def complete(self, version: int) -> None:
        """All rows are there, written by projections of `version`."""
        ...

    def write(self, rows: ViewRows, seq: int) -> None:
        """Write `rows`, the last of which follow from record `seq`."""
        ...

    def rows(self, view: str) -> Iterator[AnyRow]:
        """All rows of a view in the order of its key."""
        ...
