"""Ended tickets of accounts: pages, and sums that are read on as tickets end, never read again.

Tickets are only added, numbered as they end, so that a period is a range of their numbers. Sums are kept by the words
of tickets; what a filter of other fields leaves has to be looked at row by row.
"""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from tradehall.adapters.sqlite.lines import Numbered, first_number_at
from tradehall.adapters.sqlite.query import TICKET_SUMS, Sql, ticket_sums, tickets_page
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.ports.house_views import NUMBER_MAX
from tradehall.ports.tickets import Clause, Comparison, TicketQuery, TicketTotals, holds

Read = Callable[[Sql], list[Any]]

TICKETS: Final = Numbered("tickets", "ticket_key", "closed_at")
# Tickets are numbered by records, 20 bits lower. A stretch is what ended in 4,096 of them.
RECORD_BITS: Final = 20
PLACE_BITS: Final = 32
# A period of so many records is looked through; a longer one is filtered as the index of openings passes.
RECORDS_MAX: Final = 20_000
# Words and stretches of all accounts. Beyond it nothing is kept here, and tickets are read when asked.
CELLS_MAX: Final = 200_000


class Words(NamedTuple):
    """What a ticket says of itself in words, by the names of its columns."""

    state: str
    symbol: str
    kind: str


class Sums:
    """What tickets come to: their count, profit, net profit, commission, swap, lots."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[Any] = [0, ZERO, ZERO, ZERO, ZERO, ZERO]

    def add(self, values: list[Any], sign: int = 1) -> None:
        """So much more, or less."""
        for place, value in enumerate(values):
            self.values[place] += value * sign


class TicketSums:
    """All sums of a house, kept current by whoever asks; threads take turns."""

    def __init__(self, *, cells_max: int = CELLS_MAX) -> None:
        self._cells_max = cells_max
        self._last: int | None = None
        self._whole: dict[AccountId, dict[Words, Sums]] = {}
        self._placed: dict[AccountId, dict[tuple[Words, int], Sums]] = {}
        self._cells = 0
        self._turn = threading.Lock()

    def read_on(self, read: Read) -> None:
        """Sum what there is, the first time of all, and then what came since."""
        with self._turn:
            self._read_on(read)

    def totals(self, read: Read, query: TicketQuery) -> TicketTotals:
        """Sums over all tickets of a query, whatever its page."""
        query = by_period(query)
        if self._last is not None and all(clause.column in Words._fields for clause in query.clauses):
            with self._turn:
                if self._read_on(read):
                    return TicketTotals(*self._summed(read, query).values)
        return TicketTotals(*_exact(read(ticket_sums(query))[0]))

    def _read_on(self, read: Read) -> bool:
        """Whether sums are kept."""
        sql = (
            f"SELECT account_id, state, symbol, kind, ticket_key >> {PLACE_BITS}, max(ticket_key), {TICKET_SUMS}"
            " FROM tickets NOT INDEXED WHERE ticket_key > ? GROUP BY 1, 2, 3, 4, 5"
        )
        if self._cells <= self._cells_max:
            last = self._last or 0
            for account_id, state, symbol, kind, place, highest, *sums in read((sql, [last])):
                words = Words(state.decode(), symbol.decode(), kind.decode())
                self._take(account_id, words, place, _exact(sums))
                last = max(last, highest)
            self._last = last
        if self._cells > self._cells_max:
            self._whole.clear()
            self._placed.clear()
        return self._cells <= self._cells_max

    def _take(self, account_id: AccountId, words: Words, place: int, values: list[Any]) -> None:
        self._whole.setdefault(account_id, {}).setdefault(words, Sums()).add(values)
        placed = self._placed.setdefault(account_id, {})
        self._cells += (words, place) not in placed
        placed.setdefault((words, place), Sums()).add(values)

    def _summed(self, read: Read, query: TicketQuery) -> Sums:
        found = Sums()
        if query.closed_since is None and query.closed_until is None:
            for words, sums in self._whole.get(query.account_id, {}).items():
                if _means(query, words):
                    found.add(sums.values)
            if query.key_below is not None:
                later = (query.key_below, NUMBER_MAX)
                found.add(_exact(read(ticket_sums(replace(query, key_below=None), later))[0]), -1)
            return found
        first, last = numbers_within(read, query)
        middle = min(-(-first >> PLACE_BITS) << PLACE_BITS, last)
        end = max(middle, last >> PLACE_BITS << PLACE_BITS)
        for (words, place), sums in self._placed.get(query.account_id, {}).items():
            if middle <= place << PLACE_BITS < end and _means(query, words):
                found.add(sums.values)
        for edge in ((first, middle), (end, last)):
            if edge[0] < edge[1]:
                found.add(_exact(read(ticket_sums(query, edge))[0]))
        return found


def ticket_bodies(read: Read, query: TicketQuery) -> list[bytes]:
    """A page of tickets."""
    query = by_period(query)
    numbers = None
    if query.closed_since is not None or query.closed_until is not None:
        first, last = numbers_within(read, query)
        newest = read(("SELECT ifnull(max(ticket_key), 0) FROM tickets", []))[0][0]
        if min(last, newest) - first <= RECORDS_MAX << RECORD_BITS:
            numbers = (first, last)
    return [body for (body,) in read(tickets_page(query, numbers))]


def numbers_within(read: Read, query: TicketQuery) -> tuple[int, int]:
    """The numbers, from and to before, of tickets that a query's period and bound leave."""
    first = 0 if query.closed_since is None else first_number_at(read, TICKETS, query.closed_since)
    last = NUMBER_MAX if query.closed_until is None else first_number_at(read, TICKETS, query.closed_until + 1)
    if query.key_below is not None:
        last = min(last, query.key_below)
    return first, max(first, last)


def by_period(query: TicketQuery) -> TicketQuery:
    """The same query, what its clauses say of the end as a period."""
    since, until, others = query.closed_since, query.closed_until, list[Clause]()
    for clause in query.clauses:
        if clause.column == "closed_at" and clause.comparison is Comparison.BETWEEN:
            low, high = clause.values
            since = low if since is None else max(since, low)
            until = high if until is None else min(until, high)
        else:
            others.append(clause)
    if len(others) == len(query.clauses):
        return query
    return replace(query, closed_since=since, closed_until=until, clauses=tuple(others))


def _means(query: TicketQuery, words: Words) -> bool:
    return (query.states is None or words.state in query.states) and all(
        holds(clause, getattr(words, clause.column)) for clause in query.clauses
    )


def _exact(row: Any) -> list[Any]:
    """Sums of floats, put right again: cents add up exactly below 2**53 of them."""
    count, *sums = row
    return [count, *(Decimal(repr(round(value or 0.0, 8))) for value in sums)]
