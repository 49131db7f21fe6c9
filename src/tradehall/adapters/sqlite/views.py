"""The views in SQLite: short reads on the caller's thread, long ones in a small pool."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from tradehall.adapters.sqlite.connection import faults_named, open_reader
from tradehall.adapters.sqlite.house_views import HouseViews
from tradehall.adapters.sqlite.lines import count_after, count_all, edges_of, order_bodies
from tradehall.adapters.sqlite.query import (
    Sql,
    deal_count,
    deals_page,
    fills_page,
    ledger_page,
    orders_page,
)
from tradehall.adapters.sqlite.rows import insert_views
from tradehall.adapters.sqlite.tickets import TicketSums, ticket_bodies
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order
from tradehall.ports.deals import Deal, DealQuery
from tradehall.ports.house_views import (
    ClosedQuery,
    Closing,
    Counted,
    CountedFill,
    Edges,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
)
from tradehall.ports.tickets import Ticket, TicketQuery, TicketTotals
from tradehall.ports.views import (
    PAGE_MAX,
    VIEWS,
    AnyRow,
    HistoryQuery,
    LedgerEntry,
    OrderQuery,
    ViewRows,
)

READERS_MAX: Final = 2
# Long reads beside the loop's work: so many rows, then a pause.
ROWS_PER_BREATH: Final = 500
BREATH_S: Final = 0.0005
# Pages up to here are read on the spot: some 3 µs a row, less than the way to another thread and back.
SHORT_PAGE: Final = 200

T = TypeVar("T")

_decode_order: Final = msgspec.json.Decoder(Order).decode
_decode_fill: Final = msgspec.json.Decoder(Fill).decode
_decode_entry: Final = msgspec.json.Decoder(LedgerEntry).decode
_decode_ticket: Final = msgspec.json.Decoder(Ticket).decode
_decode_deal: Final = msgspec.json.Decoder(Deal).decode


class SqliteViews:
    """See the port. What is not awaited belongs to one thread, the loop's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_reader(path)
        self._pool = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="views")
        self._of_thread = threading.local()
        self._pooled: list[sqlite3.Connection] = []
        self._house = HouseViews(self._in_pool)
        self._ticket_sums = TicketSums()

    def refresh(self) -> None:
        """See the port."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def order(self, order_id: int) -> Order | None:
        """See the port."""
        return self._one("SELECT body FROM orders WHERE order_id = ?", (order_id,), _decode_order)

    def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        """See the port."""
        return self._one(
            "SELECT body FROM orders INDEXED BY orders_by_client_id WHERE account_id = ? AND client_order_id = ?"
            " ORDER BY order_id DESC LIMIT 1",
            (account_id, client_order_id),
            _decode_order,
        )

    def client_order_ids(self) -> Iterator[tuple[int, str]]:
        """See the port."""
        with closing(open_reader(self._path)) as db:
            db.text_factory = str
            cursor = db.execute(
                "SELECT account_id, client_order_id FROM orders INDEXED BY orders_by_client_id"
                " WHERE client_order_id IS NOT NULL"
            )
            while rows := cursor.fetchmany(ROWS_PER_BREATH):
                yield from rows
                time.sleep(BREATH_S)  # The loop's thread wants the interpreter more than we do.

    def fills_of(self, order_id: int) -> list[Fill]:
        """See the port."""
        self._begin()
        bodies = _read(
            self._db, ("SELECT body FROM fills WHERE order_id = ? ORDER BY fill_id LIMIT ?", [order_id, PAGE_MAX])
        )
        return [_decode_fill(body) for body in bodies]

    def fill(self, fill_id: int) -> Fill | None:
        """See the port."""
        return self._one("SELECT body FROM fills WHERE fill_id = ?", (fill_id,), _decode_fill)

    async def orders(self, query: OrderQuery) -> list[Order]:
        """See the port."""
        # These do not narrow the index: what lies between has to be passed over.
        is_long = (
            query.until is not None
            or query.ended_by is not None
            or query.by_creation
            or query.symbol is not None
            or query.side is not None
        )
        is_short = query.client_order_id is not None  # Few orders have the same.
        if query.until is not None and not is_short and not query.by_creation:
            found: list[bytes] = await self._in_pool(lambda read: order_bodies(read, query))
            return [_decode_order(body) for body in found]
        bodies = await self._page(orders_page(query), query, is_long=is_long, is_short=is_short)
        return [_decode_order(body) for body in bodies]

    async def fills(self, query: HistoryQuery) -> list[Fill]:
        """See the port."""
        is_short = query.order_id is not None
        bodies = await self._page(fills_page(query), query, is_long=query.symbol is not None, is_short=is_short)
        return [_decode_fill(body) for body in bodies]

    async def ledger(self, query: HistoryQuery) -> list[LedgerEntry]:
        """See the port."""
        return [_decode_entry(body) for body in await self._page(ledger_page(query), query)]

    async def tickets(self, query: TicketQuery) -> list[Ticket]:
        """See the port."""
        bodies = await self._in_pool(lambda read: ticket_bodies(read, query))
        return [_decode_ticket(body) for body in bodies]

    async def ticket_totals(self, query: TicketQuery) -> TicketTotals:
        """See the port."""
        return await self._in_pool(lambda read: self._ticket_sums.totals(read, query))

    async def deals(self, query: DealQuery) -> tuple[list[Deal], int]:
        """See the port."""
        # Counting passes over every deal of the period, so it never happens on the loop's thread.
        page, counted = await asyncio.get_running_loop().run_in_executor(self._pool, self._read_deals, query)
        return [_decode_deal(body) for (body,) in page], counted

    def _read_deals(self, query: DealQuery) -> tuple[list[Any], int]:
        count = self._read_rows(deal_count(query))[0][0]
        return self._read_rows(deals_page(query, count)) if count else [], count

    def close(self) -> None:
        """Let go of the file; reads under way are waited for."""
        self._pool.shutdown()
        for db in (self._db, *self._pooled):
            db.close()

    async def house_order_ids(self, query: HouseOrderQuery) -> list[int]:
        """See the port."""
        return await self._house.order_ids(query)

    async def orders_of(self, order_ids: Sequence[int]) -> list[Order]:
        """See the port."""
        return await self._house.orders_of(order_ids)

    async def house_order_count(self, query: HouseOrderQuery) -> int:
        """See the port."""
        return await self._house.order_count(query)

    async def house_fills(self, query: HouseFillQuery) -> tuple[list[Fill], int]:
        """See the port."""
        return await self._house.fills(query)

    async def fills_after(self, fill_id: int, *, limit: int) -> list[CountedFill]:
        """See the port."""
        return await self._house.fills_after(fill_id, limit=limit)

    async def counted(self, line: Line, *, after: int | None = None) -> Counted:
        """See the port."""
        if after is None:
            # Not in the pool: whoever wants a page would wait for seconds.
            return await asyncio.to_thread(count_all, self._path, line)
        return await self._in_pool(lambda read: count_after(read, line, after))

    async def read_on(self) -> None:
        """See the port."""
        # Not in the pool, as above.
        await asyncio.to_thread(self._read_on)

    def _read_on(self) -> None:
        with closing(open_reader(self._path)) as db:
            self._ticket_sums.read_on(lambda sql: db.execute(*sql).fetchall())

    async def edges(self, line: Line, *, since: int | None, until: int | None) -> Edges:
        """See the port."""
        return await self._in_pool(lambda read: edges_of(read, line, since, until))

    async def closed_positions(self, query: ClosedQuery) -> tuple[list[list[Closing]], int]:
        """See the port."""
        return await self._house.closed(query)

    async def _in_pool(self, work: Callable[[Callable[[Sql], list[Any]]], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, self._read_rows)

    def _one(self, sql: str, values: tuple[Any, ...], decode: Callable[[bytes], T]) -> T | None:
        self._begin()
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else decode(row[0])

    def _begin(self) -> None:
        """Read as of one moment until the loop's next round, or `refresh`.

        A read of its own has to take and give back locks, and to forget every page it knew if anything was
        written since: five times the cost of the read itself.
        """
        if self._db.in_transaction:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # Nobody would end it.
        self._db.execute("BEGIN")
        loop.call_soon(self.refresh)

    async def _page(
        self, page: Sql, query: OrderQuery | HistoryQuery, *, is_long: bool = False, is_short: bool = False
    ) -> list[bytes]:
        if not is_short and (is_long or query.limit + query.offset > SHORT_PAGE):
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read_pooled, page)
        self._begin()
        return _read(self._db, page)

    def _read_pooled(self, page: Sql) -> list[bytes]:
        return [body for (body,) in self._read_rows(page)]

    def _read_rows(self, sql: Sql) -> list[Any]:
        db: sqlite3.Connection | None = getattr(self._of_thread, "db", None)
        if db is None:
            db = self._of_thread.db = open_reader(self._path)
            self._pooled.append(db)
        return db.execute(*sql).fetchall()


def _read(db: sqlite3.Connection, page: Sql) -> list[bytes]:
    return [body for (body,) in db.execute(*page).fetchall()]


class SqliteViewStore:
    """See the port; `db` writes, and gives texts as text."""

    def __init__(
        self, db: sqlite3.Connection, path: Path, on_written: Callable[[int], None] = lambda size: None
    ) -> None:
        self._db = db
        self._path = path
        self._on_written = on_written

    @property
    def version(self) -> int:
        """See the port."""
        with faults_named(self._path):
            version: int = self._db.execute("SELECT version FROM views_state").fetchone()[0]
        return version

    @property
    def seq(self) -> int:
        """See the port."""
        with faults_named(self._path):
            seq: int = self._db.execute("SELECT seq FROM views_state").fetchone()[0]
        return seq

    def clear(self) -> None:
        """See the port."""
        drops = "".join(f"DROP TABLE IF EXISTS {view};" for view in VIEWS)
        tables = "".join(_schema("CREATE TABLE"))
        with faults_named(self._path):
            none = "UPDATE views_state SET version = 0, seq = 0;"
            self._db.executescript(f"BEGIN IMMEDIATE; {none} {drops} {tables} COMMIT;")

    def complete(self, version: int) -> None:
        """See the port."""
        # Sorting all rows once is several times faster than keeping indexes while they come.
        indexes = "".join(_schema("CREATE INDEX"))
        with faults_named(self._path):
            self._db.executescript(f"BEGIN IMMEDIATE; {indexes} UPDATE views_state SET version = {version}; COMMIT;")

    def write(self, rows: ViewRows, seq: int) -> None:
        """See the port."""
        with faults_named(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            length = insert_views(self._db, rows, seq)
            self._db.execute("COMMIT")
        self._on_written(length)

    def rows(self, view: str) -> Iterator[AnyRow]:
        """See the port."""
        shape = VIEWS[view]
        columns = ", ".join(shape._fields)
        cursor = self._db.execute(f"SELECT {columns} FROM {view} ORDER BY {shape._fields[0]}")
        return map(shape._make, cursor)


def _schema(verb: str) -> list[str]:
    """The statements of views.sql that begin with `verb`."""
    sql = resources.files("tradehall.adapters.sqlite").joinpath("views.sql").read_text(encoding="utf8")
    plain = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return [f"{statement};" for statement in plain.split(";") if statement.strip().startswith(verb)]
