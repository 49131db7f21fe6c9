"""A store that lives as long as the process: for backtests, and for tests that want no disk."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from tradehall.domain.fill import Fill
from tradehall.domain.order import Order
from tradehall.ports.deals import Deal, DealQuery
from tradehall.ports.house_views import (
    NUMBER_MAX,
    PLACE_BITS,
    ClosedQuery,
    Closing,
    Counted,
    CountedFill,
    Edges,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
    NumberSpan,
    Share,
)
from tradehall.ports.journal import EMPTY, MENTION, MENTIONS_MAX, Entry, Head, chain
from tradehall.ports.tickets import Ticket, TicketQuery, TicketRow, TicketTotals, matches, place_in_list
from tradehall.ports.views import (
    PAGE_MAX,
    VIEWS,
    AnyRow,
    HistoryQuery,
    LedgerEntry,
    OrderQuery,
    ViewRows,
)

T = TypeVar("T")

_decode_order: Final = msgspec.json.Decoder(Order).decode
_decode_fill: Final = msgspec.json.Decoder(Fill).decode
_decode_entry: Final = msgspec.json.Decoder(LedgerEntry).decode
_decode_ticket: Final = msgspec.json.Decoder(Ticket).decode
_decode_deal: Final = msgspec.json.Decoder(Deal).decode
_decode_closing: Final = msgspec.json.Decoder(Closing).decode


class MemoryStore:
    """See the port. `version` is that of the views it pretends to hold from the beginning."""

    def __init__(self, version: int = 0) -> None:
        self.view_store = MemoryViewStore(version)
        self.views = MemoryViews(self.view_store)
        self.journal = MemoryJournal(self.view_store)

    def close(self) -> None:
        """See the port."""


class MemoryJournal:
    """See the port."""

    def __init__(self, views: "MemoryViewStore") -> None:
        self._entries: list[Entry] = []
        self._views = views

    @property
    def head(self) -> Head:
        """See the port."""
        return Head(self._entries[-1].seq, self._entries[-1].checksum) if self._entries else EMPTY

    def append(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int | None = None) -> None:
        """See the port."""
        seq, checksum = self.head
        for payload in payloads:
            seq += 1
            checksum = chain(checksum, payload)
            self._entries.append(Entry(seq, payload, checksum))
        self._views.write(rows, seq if rows_until is None else rows_until)

    def write_rows(self, rows: ViewRows) -> None:
        """See the port."""
        self._views.write(rows, self.head.seq)

    def probe(self) -> None:
        """See the port."""

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """See the port."""
        return iter(self._entries[after:])

    def mentions(self, order_id: int, after: int, until: int) -> list[int]:
        """See the port."""
        word = f"{MENTION}{order_id}".encode()
        return [entry.seq for entry in self._entries[after:until] if word in entry.payload][:MENTIONS_MAX]

    def close(self) -> None:
        """See the port."""


class MemoryViewStore:
    """See the port."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.seq = 0
        self.tables: dict[str, dict[int, Any]] = {view: {} for view in VIEWS}
        # Held where rows and the number of the last record that has any must fit: they are written by another thread.
        self.fitting = threading.Lock()

    def clear(self) -> None:
        """See the port."""
        self.version = self.seq = 0
        self.tables = {view: {} for view in VIEWS}

    def complete(self, version: int) -> None:
        """See the port."""
        self.version = version

    def write(self, rows: ViewRows, seq: int) -> None:
        """See the port."""
        made = {view: {row[0]: row for row in rows.of(view)} for view in self.tables}
        with self.fitting:
            self.seq = seq
            for view, table in self.tables.items():
                table.update(made[view])

    def rows(self, view: str) -> Iterator[AnyRow]:
        """See the port."""
        table = self.tables[view]
        return (table[key] for key in sorted(table))


class MemoryViews:
    """See the port. Every query looks at every row."""

    def __init__(self, store: MemoryViewStore) -> None:
        self._store = store

    def _rows(self, view: str) -> list[Any]:
        # A copy, made in one step: the journal's thread may add rows meanwhile.
        return list(self._store.tables[view].values())

    def refresh(self) -> None:
        """See the port."""

    def order(self, order_id: int) -> Order | None:
        """See the port."""
        row = self._store.tables["orders"].get(order_id)
        return None if row is None else _decode_order(row.body)

    def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        """See the port."""
        orders = self._store.tables["orders"].copy()
        key = (account_id, client_order_id)
        found = [number for number, row in orders.items() if (row.account_id, row.client_order_id) == key]
        return self.order(max(found)) if found else None

    def client_order_ids(self) -> Iterator[tuple[int, str]]:
        """See the port."""
        for row in self._rows("orders"):
            if row.client_order_id is not None:
                yield row.account_id, row.client_order_id

    def fills_of(self, order_id: int) -> list[Fill]:
        """See the port."""
        found = [row for row in self._store.rows("fills") if getattr(row, "order_id", None) == order_id]
        return [_decode_fill(row.body) for row in found][:PAGE_MAX]

    def fill(self, fill_id: int) -> Fill | None:
        """See the port."""
        row = self._store.tables["fills"].get(fill_id)
        return None if row is None else _decode_fill(row.body)

    async def orders(self, query: OrderQuery) -> list[Order]:
        """See the port."""
        stamp = "created_at" if query.by_creation else "updated_at"
        found = [row for row in self._rows("orders") if _matches(row, query)]
        return _page(found, attrgetter(stamp, "order_id"), query, _decode_order)

    async def fills(self, query: HistoryQuery) -> list[Fill]:
        """See the port."""
        return self._history("fills", "at", query, _decode_fill)

    async def ledger(self, query: HistoryQuery) -> list[LedgerEntry]:
        """See the port."""
        return self._history("ledger", "at", query, _decode_entry)

    async def tickets(self, query: TicketQuery) -> list[Ticket]:
        """See the port."""
        found = sorted(self._tickets(query), key=lambda row: place_in_list(row.opened_at, row.ticket), reverse=True)
        page = found[query.offset : query.offset + min(query.limit, PAGE_MAX)]
        return [_decode_ticket(row.body) for row in page]

    async def ticket_totals(self, query: TicketQuery) -> TicketTotals:
        """See the port."""
        tickets = [_decode_ticket(row.body) for row in self._tickets(query)]
        sums = (
            sum((getattr(ticket, name) for ticket in tickets), Decimal(0))
            for name in ("profit", "net_profit", "commission", "swap", "lots")
        )
        return TicketTotals(len(tickets), *sums)

    async def deals(self, query: DealQuery) -> tuple[list[Deal], int]:
        """See the port."""
        found = [
            row
            for row in self._rows("deals")
            if row.account_id == query.account_id
            and query.ticket in {None, row.ticket}
            and query.symbol in {None, row.symbol}
            and query.is_funds in {None, bool(row.is_funds)}
            and _is_within(row.at, query)
        ]
        return _page(found, attrgetter("at", "deal_key"), query, _decode_deal), len(found)

    async def house_order_ids(self, query: HouseOrderQuery) -> list[int]:
        """See the port."""
        found = [number for number in self._house_orders(query) if _is_in_spans(number, query)]
        return found[query.offset : query.offset + min(query.limit, PAGE_MAX)]

    async def orders_of(self, order_ids: Sequence[int]) -> list[Order]:
        """See the port."""
        return [order for number in order_ids if (order := self.order(number)) is not None]

    async def house_order_count(self, query: HouseOrderQuery) -> int:
        """See the port."""
        return len(self._house_orders(query))

    def _house_orders(self, query: HouseOrderQuery) -> list[int]:
        rows = self._rows("orders")
        wanted = [row for row in rows if query.ends is None or row.ended_as in query.ends]
        return sorted((row.order_id for row in wanted if _is_of_house(row, row.created_at, query)), reverse=True)

    async def house_fills(self, query: HouseFillQuery) -> tuple[list[Fill], int]:
        """See the port."""
        found = [row for row in self._rows("fills") if _is_of_house(row, row.at, query)]
        in_spans = [row for row in found if _is_in_spans(row.fill_id, query)]
        return _page(in_spans, attrgetter("at", "fill_id"), query, _decode_fill), len(found)

    async def fills_after(self, fill_id: int, *, limit: int) -> list[CountedFill]:
        """See the port."""
        rows = [row for key, row in sorted(self._store.tables["fills"].copy().items()) if key > fill_id]
        return [CountedFill(_decode_fill(row.body), bool(row.is_first)) for row in rows[:limit]]

    async def counted(self, line: Line, *, after: int | None = None) -> Counted:
        """See the port."""
        with self._store.fitting:
            found = [number for number in self._numbers(line) if after is None or number > after]
            return Counted(self._store.seq, max(found, default=after or 0), self._shares(line, found))

    async def read_on(self) -> None:
        """See the port."""

    async def edges(self, line: Line, *, since: int | None, until: int | None) -> Edges:
        """See the port."""
        bits, stamp = PLACE_BITS[line], {Line.ORDERS: "created_at", Line.FILLS: "at", Line.CLOSINGS: "closed_at"}[line]
        at = {number: getattr(self._store.tables[line][number], stamp) for number in self._numbers(line)}
        later = [number for number in at if since is None or at[number] >= since]
        first = 0 if since is None else min(later, default=max(at, default=0) + 1)
        before = max((number for number in at if until is not None and at[number] < until), default=0)
        last = NUMBER_MAX if until is None else max(first, before + 1)
        whole = range(-(-first >> bits), last >> bits)
        beside = [number for number in at if first <= number < last and number >> bits not in whole]
        return Edges(NumberSpan(first, last), whole.start, whole.stop, self._shares(line, beside))

    def _numbers(self, line: Line) -> list[int]:
        """All of a line; of closings the last ones."""
        return sorted(
            number for number, row in self._store.tables[line].copy().items() if getattr(row, "is_last", True)
        )

    def _shares(self, line: Line, numbers: Sequence[int]) -> list[Share]:
        rows = [self._store.tables[line][number] for number in numbers]
        counts = Counter(
            (
                row.account_id, row.strategy_id, row.symbol, getattr(row, "side", ""), getattr(row, "ended_as", ""),
                row[0] >> PLACE_BITS[line],
            )
            for row in rows
        )  # fmt: skip
        return [Share(*values, count) for values, count in counts.items()]

    async def closed_positions(self, query: ClosedQuery) -> tuple[list[list[Closing]], int]:
        """See the port."""
        rows = sorted(self._rows("closings"), key=attrgetter("closing_key"))
        last = [
            row
            for row in rows
            if row.is_last
            and query.account_id in {None, row.account_id}
            and query.symbol in {None, row.symbol}
            and query.strategy_id in {None, row.strategy_id}
        ]
        last.sort(key=attrgetter("closed_at", "closing_key"), reverse=True)
        in_spans = [row for row in last if _is_in_spans(row.closing_key, query)]
        page = in_spans[query.offset : query.offset + min(query.limit, PAGE_MAX)]
        whole = [[row for row in rows if _is_part_of(row, end)] + [end] for end in page]
        return [[_decode_closing(row.body) for row in rows] for rows in whole], len(last)

    def _tickets(self, query: TicketQuery) -> list[TicketRow]:
        return [row for row in self._rows("tickets") if matches(row, query)]

    def _history(self, view: str, stamp: str, query: HistoryQuery, decode: Callable[[str], T]) -> list[T]:
        found = [
            row
            for row in self._rows(view)
            if row.account_id == query.account_id
            and query.symbol in {None, getattr(row, "symbol", query.symbol)}
            and query.order_id in {None, getattr(row, "order_id", query.order_id)}
            and _is_within(getattr(row, stamp), query)
        ]
        return _page(found, lambda row: (getattr(row, stamp), row[0]), query, decode)


def _is_in_spans(number: int, query: HouseOrderQuery | HouseFillQuery | ClosedQuery) -> bool:
    return query.spans is None or any(span.first <= number < span.last for span in query.spans)


def _matches(row: Any, query: OrderQuery) -> bool:
    return (
        row.account_id == query.account_id
        and query.symbol in {None, row.symbol}
        and query.side in {None, row.side}
        and (query.statuses is None or row.status in query.statuses)
        and query.client_order_id in {None, row.client_order_id}
        and query.oco_group_id in {None, row.oco_group_id}
        and (query.ended_by is None or row.updated_at <= query.ended_by)
        and _is_within(row.created_at, query)
    )


def _is_of_house(row: Any, at: int, query: HouseOrderQuery | HouseFillQuery) -> bool:
    return (
        query.account_id in {None, row.account_id}
        and (query.strategy_ids is None or row.strategy_id in query.strategy_ids)
        and query.symbol in {None, row.symbol}
        and query.side in {None, row.side}
        and _is_within(at, query)
    )


def _is_part_of(row: Any, last: Any) -> bool:
    owner = (row.position_id, row.strategy_id)
    return not row.is_last and owner == (last.position_id, last.strategy_id) and row.closing_key < last.closing_key


def _is_within(at: int, query: OrderQuery | HistoryQuery | DealQuery | HouseOrderQuery | HouseFillQuery) -> bool:
    return (query.since is None or at >= query.since) and (query.until is None or at < query.until)


def _page(
    found: list[Any],
    newest: Callable[[Any], Any],
    query: OrderQuery | HistoryQuery | DealQuery | HouseFillQuery,
    decode: Callable[[str], T],
) -> list[T]:
    found.sort(key=newest, reverse=True)
    page = found[query.offset : query.offset + min(query.limit, PAGE_MAX)]
    return [decode(row.body) for row in page]
