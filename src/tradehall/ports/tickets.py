"""Tickets: what has an account's number in the doors that speak tickets, open, pending or ended, by query.

A ticket is an open position, a pending order, a closed position or closed part of one, a pending order
that was taken out, or a movement of funds. Ended tickets are a view; the others are read from the state.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import Struct

from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.money import ZERO
from tradehall.domain.time import NS_PER_SECOND


class TicketKind(StrEnum):
    """What a ticket does: the side of a position, the type of a pending order, the way of funds."""

    BUY = "BUY"
    SELL = "SELL"
    BUY_LIMIT = "BUY_LIMIT"
    SELL_LIMIT = "SELL_LIMIT"
    BUY_STOP = "BUY_STOP"
    SELL_STOP = "SELL_STOP"
    BUY_STOP_LIMIT = "BUY_STOP_LIMIT"
    SELL_STOP_LIMIT = "SELL_STOP_LIMIT"
    BUY_TRAILING_STOP = "BUY_TRAILING_STOP"
    SELL_TRAILING_STOP = "SELL_TRAILING_STOP"
    BALANCE_IN = "BALANCE_IN"
    BALANCE_OUT = "BALANCE_OUT"
    CORRECTION = "CORRECTION"


class TicketState(StrEnum):
    """Where a ticket is."""

    OPEN = "OPEN"
    PENDING = "PENDING"
    CLOSED = "CLOSED"
    CLOSED_PART = "CLOSED_PART"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FINANCE = "FINANCE"


class Ticket(Struct, frozen=True, gc=False, omit_defaults=True):
    """A ticket as it stands.

    `lots`: units / contract size. Times ns UTC, 0: not yet. Money in account currency; `commission` and
    `swap` as booked, negative when charged. `close_price` of what is not closed: the present quote.
    `closed_by`: the order that closed it; `part_of`: the ticket that a closed part came from.
    """

    ticket: int
    account_id: AccountId
    kind: TicketKind
    state: TicketState
    symbol: str = ""
    lots: Decimal = ZERO
    digits: int = 2
    opened_at: int = 0
    closed_at: int = 0
    open_price: Decimal = ZERO
    close_price: Decimal = ZERO
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    profit: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    comment: str = ""
    expires_at: int = 0
    source: str = ""
    reason: str = ""
    magic: int = 0
    client_order_id: str | None = None
    closed_by: OrderId | None = None
    part_of: int | None = None

    @property
    def net_profit(self) -> Decimal:
        """Profit after commission and swap."""
        return self.profit + self.commission + self.swap


class TicketRow(NamedTuple):
    """An ended ticket; numbers are kept as numbers to filter by, `body` is the JSON of Ticket."""

    ticket_key: int
    account_id: AccountId
    ticket: int
    kind: str
    state: str
    symbol: str
    source: str
    lots: float
    opened_at: int
    closed_at: int
    open_price: float
    close_price: float
    stop_loss: float
    take_profit: float
    profit: float
    net_profit: float
    commission: float
    swap: float
    comment: str
    digits: int
    expires_at: int
    body: str


class Comparison(StrEnum):
    """How a clause holds a column against its values; an instant [ns] also as the second that it lies in."""

    IS = "IS"
    IS_NOT = "IS_NOT"
    IN = "IN"
    NOT_IN = "NOT_IN"
    BETWEEN = "BETWEEN"
    NOT_BETWEEN = "NOT_BETWEEN"
    IN_SECONDS = "IN_SECONDS"
    NOT_IN_SECONDS = "NOT_IN_SECONDS"


# Columns that a clause may name: those of TicketRow without its key and body.
FILTER_COLUMNS: Final = frozenset(TicketRow._fields) - {"ticket_key", "body"}


class Clause(Struct, frozen=True):
    """`column` of TicketRow held against `values`; asserts a known column and two values for a range."""

    column: str
    comparison: Comparison
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        assert self.column in FILTER_COLUMNS, f"{self.column} is no column of a ticket"
        is_range = self.comparison in (Comparison.BETWEEN, Comparison.NOT_BETWEEN)
        assert not is_range or len(self.values) == 2, f"a range has two ends, not {self.values}"


class TicketQuery(Struct, frozen=True):
    """Tickets of an account for which all clauses hold, newest second of opening first, then highest number.

    `states` None: all. `closed_since` <= closed_at <= `closed_until` [ns UTC]; None: no bound. `key_below`: only
    tickets that ended in an earlier record than the first with such keys.
    """

    account_id: AccountId
    states: frozenset[TicketState] | None = None
    clauses: tuple[Clause, ...] = ()
    closed_since: int | None = None
    closed_until: int | None = None
    limit: int = 100
    offset: int = 0
    key_below: int | None = None


class TicketTotals(Struct, frozen=True):
    """Sums over a whole filter, whatever the page; money in account currency, lots in lots."""

    count: int = 0
    profit: Decimal = ZERO
    net_profit: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    lots: Decimal = ZERO


def place_in_list(opened_at: int, ticket: OrderId) -> tuple[int, int]:
    """What lists are in the falling order of: doors show seconds, and within one of them numbers decide."""
    return opened_at // NS_PER_SECOND, ticket


def ticket_row(ticket_key: int, ticket: Ticket, body: str = "") -> TicketRow:
    """The row of a ticket; 0 stands for no price."""
    # In the order of the columns, and without a look at the digits of what is 0: by far most amounts are.
    return TicketRow(
        ticket_key,
        ticket.account_id,
        ticket.ticket,
        str(ticket.kind),
        str(ticket.state),
        ticket.symbol,
        ticket.source,
        float(ticket.lots),
        ticket.opened_at,
        ticket.closed_at,
        float(ticket.open_price or 0),
        float(ticket.close_price or 0),
        float(ticket.stop_loss or 0),
        float(ticket.take_profit or 0),
        float(ticket.profit or 0),
        float(ticket.net_profit or 0),
        float(ticket.commission or 0),
        float(ticket.swap or 0),
        ticket.comment,
        ticket.digits,
        ticket.expires_at,
        body,
    )


def matches(row: TicketRow, query: TicketQuery) -> bool:
    """Whether a query is about this ticket; the same answer as SQL gives."""
    if row.account_id != query.account_id or (query.states is not None and row.state not in query.states):
        return False
    if query.key_below is not None and row.ticket_key >= query.key_below:
        return False
    if query.closed_since is not None and row.closed_at < query.closed_since:
        return False
    if query.closed_until is not None and row.closed_at > query.closed_until:
        return False
    return all(holds(clause, getattr(row, clause.column)) for clause in query.clauses)


def holds(clause: Clause, value: Any) -> bool:
    """Whether a value of the clause's column is as it says."""
    return _COMPARISONS[clause.comparison](value, clause.values)


_COMPARISONS: Final[dict[Comparison, Callable[[Any, tuple[Any, ...]], bool]]] = {
    Comparison.IS: lambda value, values: value == values[0],
    Comparison.IS_NOT: lambda value, values: value != values[0],
    Comparison.IN: lambda value, values: value in values,
    Comparison.NOT_IN: lambda value, values: value not in values,
    Comparison.BETWEEN: lambda value, values: values[0] <= value <= values[1],
    Comparison.NOT_BETWEEN: lambda value, values: not values[0] <= value <= values[1],
    Comparison.IN_SECONDS: lambda value, values: value // NS_PER_SECOND in values,
    Comparison.NOT_IN_SECONDS: lambda value, values: value // NS_PER_SECOND not in values,
}
assert _COMPARISONS.keys() == set(Comparison)
