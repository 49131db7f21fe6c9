"""Views: what has ended, by query. Written beside the journal, at most a batch behind it, and rebuilt from it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import starmap
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, FillId, OrderId, PositionId
from tradehall.domain.order import Order, OrderStatus, Side
from tradehall.engine.events import EntryKind
from tradehall.ports.deals import Deal, DealQuery, DealRow, deal_row
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
    closing_row,
    end_of,
)
from tradehall.ports.tickets import Ticket, TicketQuery, TicketRow, TicketTotals, ticket_row

PAGE_MAX: Final = 10_000

_encode: Final = msgspec.json.Encoder().encode


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
    """Rows to be written together, oldest first: what they tell until they are written, as values that never change.

    Their columns and bodies are made by `of`, for nobody waits for that: it comes after the answer.
    """

    __slots__ = ("closings", "deals", "fills", "ledger", "orders", "tickets")

    def __init__(self) -> None:
        # Orders as they stood, a copy of each; whether a fill is its order's first; whether a closing is a position's
        # last. Numbers before values are the rows' keys.
        self.orders: list[Order] = []
        self.fills: list[tuple[Fill, bool]] = []
        self.ledger: list[LedgerEntry] = []
        self.tickets: list[tuple[int, Ticket]] = []
        self.deals: list[tuple[int, Deal]] = []
        self.closings: list[tuple[int, Closing, bool]] = []

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
        """Rows of the view of that name, with columns and body."""
        values = getattr(self, view)
        return list(_ROWS_OF[view](values)) if values else []


assert set(ViewRows.__slots__) == VIEWS.keys(), "`is_empty` looks at all of them"


def joined(parts: Sequence[ViewRows]) -> ViewRows:
    """The rows of all `parts`, which keep theirs."""
    if len(parts) == 1:
        return parts[0]
    whole = ViewRows()
    for part in parts:
        if not part.is_empty:
            for view in VIEWS:
                getattr(whole, view).extend(getattr(part, view))
    return whole


def order_row(order: Order) -> OrderRow:
    """The row of an order as it stands."""
    terms = order.terms
    return OrderRow(
        order.order_id,
        terms.account_id,
        terms.client_order_id,
        terms.symbol,
        str(terms.side),
        str(order.status),
        terms.oco_group_id,
        order.created_at,
        order.updated_at,
        terms.strategy_id,
        str(end_of(order)),
        _encode(order).decode(),
    )


def fill_row(fill: Fill, is_first: bool) -> FillRow:
    """The row of a fill."""
    return FillRow(
        fill.fill_id,
        fill.order_id,
        fill.account_id,
        fill.symbol,
        fill.at,
        str(fill.side),
        fill.strategy_id,
        int(is_first),
        _encode(fill).decode(),
    )


def ledger_row(entry: LedgerEntry) -> LedgerRow:
    """The row of a ledger entry."""
    return LedgerRow(entry.entry_id, entry.account_id, entry.at, _encode(entry).decode())


_ROWS_OF: Final[dict[str, Callable[[Iterable[Any]], Iterator[AnyRow]]]] = {
    "orders": lambda orders: map(order_row, orders),
    "fills": lambda fills: starmap(fill_row, fills),
    "ledger": lambda entries: map(ledger_row, entries),
    "tickets": lambda tickets: (ticket_row(key, ticket, _encode(ticket).decode()) for key, ticket in tickets),
    "deals": lambda deals: starmap(deal_row, deals),
    "closings": lambda closings: starmap(closing_row, closings),
}
assert _ROWS_OF.keys() == VIEWS.keys()


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
