"""The store of trips and executions. SQLite says how far it was folded; what the column file has beyond is nothing."""

import fcntl
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradehall.adapters.executions.columns import ColumnFile, is_any, picked
from tradehall.adapters.executions.query import Sql, count_beside, page_of, taken_at_place, totals_of
from tradehall.adapters.executions.tables import NAMED_AT, PUT, SCHEMA, TABLES, TRIGGERS, cells_of, decode_trip, row_of
from tradehall.analytics.columns import TripColumns, decimals_of
from tradehall.domain.ids import OrderId
from tradehall.domain.money import minor_unit
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import (
    EXIT,
    FLOATS,
    Execution,
    ExecutionQuery,
    Executions,
    FoldItem,
    Overlay,
    Trip,
    TripLines,
    TripQuery,
    TripStatus,
    TripTotals,
    TripWrite,
)

FILE_NAME: Final = "trips.db"
COLUMNS_NAME: Final = "executions.bin"
SUMS_NAME: Final = "sums.bin"
LOCK_NAME: Final = "columns.lock"
BUSY_TIMEOUT_S: Final = 5.0
# Pages beyond are begun in their midst.
FAR: Final = 1_000
# Written by one statement: each asks for the interpreter's lock, and the loop then waits to have it back.
ROWS_AT_ONCE: Final = 64
_RESULTS: Final = {"win": 1, "breakeven": 0, "loss": -1}
_FIELDS: Final = Execution._fields
# Columns of ended trips, in a file of their own.
_SUMS: Final = (
    "deployment_id", "currency", "is_closed", "result", "taken_at", "closed_at", "net", "fees", "swaps", "traded",
)  # fmt: skip
_AT: Final = {name: number for number, name in enumerate(_FIELDS)}


class FileTrips:
    """See the port. What the machine loses is folded again from the journal.

    Written by who called `load` last, one thread of one process: from then on the one before is refused. Who reads
    columns sees what others have written, whoever that was, and none that is half written.
    """

    def __init__(self, folder: Path, *, far: int = FAR) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        self._far = far
        self._columns_path = folder / COLUMNS_NAME
        self._lock = threading.Lock()
        self._other = (folder / LOCK_NAME).open("ab")  # Other processes: locked for who writes, or reads columns.
        self._of_thread = threading.local()
        self._readers: list[sqlite3.Connection] = []
        with self._faults():
            self._db = self._opened()
        self._columns = ColumnFile(self._columns_path, len(_FIELDS))
        self._sums = ColumnFile(folder / SUMS_NAME, len(_SUMS))
        self._owner = 0
        self._names: dict[str, int] = {}
        self._count = self._trip_count = 0
        # Where orders stand that may still be filled: those that the fold wants to have remembered.
        self._rows: dict[int, int] = {}
        self._open: set[int] = set()

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
            self._make(db)
        return db

    def _make(self, db: sqlite3.Connection) -> None:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        drops = "".join(f"DROP TABLE {name};" for name in tables)
        db.executescript(f"BEGIN; {drops} {TABLES} {TRIGGERS} PRAGMA user_version = {SCHEMA}; COMMIT;")

    # Folding.

    def load(self, version: int) -> tuple[int, Mapping[str, bytes]]:
        """See the port."""
        with self._transaction():
            if self._state().get("version") != version:
                for table in ("trip", "sums", "item", "state"):
                    self._db.execute(f"DELETE FROM {table}")
                self._db.execute("INSERT INTO state VALUES ('version', ?)", (version,))
            self._owner = secrets.randbits(62)
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('owner', ?)", (self._owner,))
            self._follow()
            items = dict(self._db.execute("SELECT key, body FROM item").fetchall())
            self._open = {int(key[1:]) for key in items if key.startswith("x")}
            self._rows = self._rows_of(list(self._open))
            return self._state().get("seq", 0), items

    def _state(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT key, value FROM state").fetchall())

    def _follow(self) -> None:
        """Be where the files are: another process may have written."""
        state = self._state()
        self._count, self._trip_count = state.get("rows", 0), state.get("trips", 0)
        fresh = self._db.execute("SELECT name, number FROM name WHERE number > ?", (len(self._names),))
        self._names |= dict(fresh.fetchall())
        self._columns.follow()
        self._sums.follow()

    def lines(self, write: TripWrite, overlays: Mapping[int, Overlay]) -> TripLines:
        """See the port."""
        rows = {
            number: None if trip is None else row_of(trip, overlays.get(number)) for number, trip in write.trips.items()
        }
        return TripLines(rows, write.items, [cells_of(each) for each in write.executions])

    def write(self, seq: int, lines: Sequence[TripLines]) -> None:
        """See the port."""
        with self._transaction():
            if self._state().get("owner") != self._owner:
                # One that a killed server left at work; or a bookkeeper was hired while a thread was about to write.
                raise RecordsFault(f"{self._path} is written by somebody else by now")
            self._put_trips({number: row for each in lines for number, row in each.trips.items()})
            self._put_items([item for each in lines for item in each.items])
            self._put_executions([execution for each in lines for execution in each.executions])
            facts = [("seq", seq), ("rows", self._count), ("trips", self._trip_count)]
            self._put_rows("INSERT OR REPLACE INTO state VALUES {rows}", facts)

    def lay_over(self, overlays: Iterable[Overlay]) -> None:
        """See the port."""
        with self._transaction():
            self._follow()
            for overlay in overlays:
                found = self._db.execute("SELECT body FROM trip WHERE trip_id = ?", (overlay.trip_id,)).fetchone()
                if found is not None:
                    self._put_trips({overlay.trip_id: row_of(decode_trip(found[0]), overlay)})
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('trips', ?)", (self._trip_count,))

    def _put_trips(self, trips: Mapping[int, tuple[Any, ...] | None]) -> None:
        gone = [number for number, row in trips.items() if row is None]
        places = self._places_of(trips)
        rows: list[tuple[Any, ...]] = []
        placed: list[tuple[int, ...]] = []
        for number, row in trips.items():
            if row is not None:
                place = places.get(number)
                if place is None and row[6] == TripStatus.CLOSED:
                    place = self._trip_count
                    self._trip_count += 1
                if place is not None:
                    placed.append((place, *self._sum_cells(row)))
                rows.append((*row, place))
        self._db.execute("DELETE FROM trip WHERE trip_id IN (SELECT value FROM json_each(?))", (json.dumps(gone),))
        self._put_rows(PUT, rows)
        if placed:
            cells = np.array(placed, np.int64)
            self._sums.put(cells[:, 0].tolist(), cells[:, 1:])

    def _put_rows(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Some at a time; `sql` has a place for them."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            of_one = f"({', '.join('?' * len(some[0]))})"
            self._db.execute(sql.format(rows=", ".join([of_one] * len(some))), [*chain.from_iterable(some)])

    def _places_of(self, trip_ids: Iterable[int]) -> dict[int, int | None]:
        """Where the figures of trips stand; one that has not ended has none, unless it was said to have."""
        sql = "SELECT trip_id, place FROM trip WHERE trip_id IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(sql, (json.dumps([*trip_ids]),)).fetchall())

    def _sum_cells(self, row: tuple[Any, ...]) -> tuple[int, ...]:
        _, _, deployment, _, _, _, status, result, _, taken_at, closed_at, net, fees, swaps, traded, currency, _ = row
        bits = np.float64(traded).view(np.int64).item()
        is_closed = int(status == TripStatus.CLOSED)
        return (
            deployment, self._named(currency), is_closed, _RESULTS.get(result, 0), taken_at, closed_at or 0, net, fees,
            swaps, bits,
        )  # fmt: skip

    def _put_items(self, items: Sequence[FoldItem]) -> None:
        gone = [item.key for item in items if item.body is None]
        self._db.execute("DELETE FROM item WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(gone),))
        there = [(item.key, item.body) for item in items if item.body is not None]
        self._put_rows("INSERT OR REPLACE INTO item VALUES {rows}", there)
        for item in items:
            if item.key.startswith("x"):
                (self._open.add if item.body is not None else self._open.discard)(int(item.key[1:]))

    def _put_executions(self, executions: Sequence[tuple[OrderId, tuple[str, ...], bytes]]) -> None:
        if executions:
            order_ids, names, cells = zip(*executions, strict=True)
            rows = [self._place(order_id) for order_id in order_ids]
            values = np.frombuffer(b"".join(cells), np.int64).reshape(len(rows), len(_FIELDS)).copy()
            for at, named in zip(NAMED_AT, zip(*names, strict=True), strict=True):
                values[:, at] = [self._named(name) for name in named]
            self._keep_stamps(rows, values)
            self._columns.put(rows, values)
            # Most orders come and end within one write, and nobody remembers them.
            for order_id in order_ids:
                if order_id not in self._open:
                    del self._rows[order_id]

    def _keep_stamps(self, rows: Sequence[int], values: Any) -> None:
        """What is folded again from the journal knows no stamps: those that stand there already are kept."""
        for name in ("signal", "received", "journaled"):
            column = _AT[name]
            for line in np.flatnonzero(values[:, column] < 0).tolist():
                row = rows[line]
                if row < self._columns.rows and self._columns.value(_AT["order_id"], row) == values[line, 0]:
                    values[line, column] = self._columns.value(column, row)

    def _place(self, order_id: int) -> int:
        row = self._rows.get(order_id)
        if row is None:
            row = self._rows[order_id] = self._count
            self._count += 1
        return row

    def _rows_of(self, order_ids: Sequence[int]) -> dict[int, int]:
        wanted = np.array(order_ids, np.int64)
        known = self._columns.column(_AT["order_id"], 0, self._count)
        found = np.flatnonzero(np.isin(known, wanted)) if wanted.size else np.empty(0, np.int64)
        return {int(known[row]): int(row) for row in found}

    def _named(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._names) + 1
            self._db.execute("INSERT INTO name VALUES (?, ?)", (number, name))
        return number

    # Reading.

    def trip(self, trip_id: int) -> Trip | None:
        """See the port."""
        found = self._read(("SELECT body FROM trip WHERE trip_id = ?", [trip_id]))
        return decode_trip(found[0][0]) if found else None

    def page(self, query: TripQuery) -> list[Trip]:
        """See the port."""
        is_far = query.offset >= self._far and query.sort == "taken_at"
        return [decode_trip(body) for (body,) in self._read(page_of(query, self._begun(query) if is_far else None))]

    def _begun(self, query: TripQuery) -> tuple[int, int] | None:
        """The instant at which a far page begins, and how many of this instant are before it; from the nearer end."""
        total = self.totals(query).count
        if query.offset >= total:
            return None
        from_end = query.offset > total // 2
        place = total - 1 - query.offset if from_end else query.offset
        found = self._read(taken_at_place(query, place, from_end=from_end))
        if not found:
            return None  # Some went since they were counted.
        at: int = found[0][0]
        count: int = self._read(count_beside(query, at, from_end=from_end))[0][0]
        return at, max(0, query.offset - (total - count if from_end else count))

    def totals(self, query: TripQuery) -> TripTotals:
        """See the port."""
        counts = {"win": 0, "loss": 0, "breakeven": 0}
        count = adjusted = 0
        nets: dict[str, Decimal] = {}
        for status, result, is_adjusted, currency, number, net in self._read(totals_of(query)):
            count += number
            adjusted += number * is_adjusted
            if result in counts:
                counts[result] += number
            if status == TripStatus.CLOSED and number:
                nets[currency] = nets.get(currency, Decimal(0)) + net * minor_unit(currency)
        return TripTotals(count, counts["win"], counts["loss"], counts["breakeven"], adjusted, nets)

    def currencies(self, query: TripQuery) -> list[str]:
        """See the port."""
        with self._columns_at_rest():
            numbers = np.unique(picked(self._sum_column("currency"), self._ended_of(query)))
            names = {number: name for name, number in self._names.items()}
        return sorted(names[number] for number in numbers.tolist())

    def sums(self, query: TripQuery, currency: str) -> TripColumns:
        """See the port."""
        with self._columns_at_rest():
            return self._summed(query, self._names.get(currency, 0), currency)

    def _summed(self, query: TripQuery, number: int, currency: str) -> TripColumns:
        chosen = self._ended_of(query) & (self._sum_column("currency") == number)
        opened, net, fees, swaps, results, traded = (
            picked(self._sum_column(name), chosen) for name in ("taken_at", "net", "fees", "swaps", "result", "traded")
        )
        return TripColumns(
            currency, decimals_of(currency), opened, picked(self._sum_column("closed_at"), chosen), net, fees, swaps,
            results.astype(np.int8), traded.view(np.float64),
        )  # fmt: skip

    def _sum_column(self, name: str) -> NDArray[np.int64]:
        return self._sums.column(_SUMS.index(name), 0, self._trip_count)

    def _ended_of(self, query: TripQuery) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = (self._sum_column("is_closed") == 1) & is_any(
            self._sum_column("deployment_id"), query.deployments
        )
        if query.closed_since is not None:
            chosen &= self._sum_column("closed_at") >= query.closed_since
        if query.closed_until is not None:
            chosen &= self._sum_column("closed_at") < query.closed_until
        return chosen

    def executions(self, query: ExecutionQuery) -> Executions:
        """See the port."""
        with self._columns_at_rest():
            return self._selected(query)

    def _selected(self, query: ExecutionQuery) -> Executions:
        def column(name: str) -> NDArray[np.int64]:
            return self._columns.column(_AT[name], first, last)

        decided = self._columns.column(_AT["decided"], 0, self._count)
        first, last = np.searchsorted(decided, [query.since, query.until], side="left").tolist()
        chosen = is_any(column("account_id"), query.accounts)
        if query.deployments:
            chosen &= is_any(column("deployment_id"), query.deployments)
        if query.symbols:
            chosen &= is_any(column("symbol"), tuple(self._names.get(symbol, -1) for symbol in query.symbols))
        if query.is_filled:
            chosen &= column("first_fill") >= 0
        if not query.has_exits:
            chosen &= column("flags") & EXIT == 0
        if query.newest is not None:
            rows = np.flatnonzero(chosen)[-query.newest :]
            found = {name: column(name)[rows] for name in _FIELDS if name in query.fields}
        else:
            found = {name: picked(column(name), chosen) for name in _FIELDS if name in query.fields}
        names = [""] * (len(self._names) + 1)
        for name, number in self._names.items():
            names[number] = name
        return Executions(
            {name: values for name, values in found.items() if name not in FLOATS},
            {name: values.view(np.float64) for name, values in found.items() if name in FLOATS},
            names,
        )

    def close(self) -> None:
        """See the port."""
        with self._lock:  # A write that is under way ends first.
            self._columns.close()
            self._sums.close()
            for db in (*self._readers, self._db):
                db.close()
            self._other.close()

    def _read(self, sql: Sql) -> list[Any]:
        with self._faults():
            db: sqlite3.Connection | None = getattr(self._of_thread, "db", None)
            if db is None:
                uri = f"{self._path.absolute().as_uri()}?mode=ro"
                db = self._of_thread.db = sqlite3.connect(
                    uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
                )
                self._readers.append(db)
            return db.execute(*sql).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._faults(), self._locked(fcntl.LOCK_EX):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._names = {}  # Some may have been given numbers that are no longer theirs.
                self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _columns_at_rest(self) -> Iterator[None]:
        with self._lock, self._faults(), self._locked(fcntl.LOCK_SH):
            self._follow()
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        fcntl.flock(self._other, how)
        try:
            yield
        finally:
            fcntl.flock(self._other, fcntl.LOCK_UN)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RecordsFault(f"{self._path} cannot be used: {error}") from error
