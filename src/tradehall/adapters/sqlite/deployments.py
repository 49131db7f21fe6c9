"""What deployments and scanners leave behind, in SQLite: tables beside the records, in the same file."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.ports.deployments import (
    EQUITY_POINTS_KEPT_MAX,
    MATCHES_KEPT_MAX,
    PAGE_MAX,
    SIGNALS_KEPT_MAX,
    BarCursor,
    EquityPoint,
    EquityQuery,
    Left,
    Match,
    MatchQuery,
    Signal,
    SignalOutcome,
    SignalQuery,
)

_encode: Final = msgspec.json.Encoder().encode
_decode_signal: Final = msgspec.json.Decoder(Signal).decode
_decode_match: Final = msgspec.json.Decoder(Match).decode

_KEEP_NEWEST: Final = (
    "DELETE FROM {table} WHERE {owner} = ?1 AND id <="
    " (SELECT id FROM {table} WHERE {owner} = ?1 ORDER BY id DESC LIMIT 1 OFFSET {kept})"
)
_DROP_SIGNALS: Final = _KEEP_NEWEST.format(table="signal", owner="deployment_id", kept=SIGNALS_KEPT_MAX)
_DROP_MATCHES: Final = _KEEP_NEWEST.format(table="scanner_match", owner="scanner_id", kept=MATCHES_KEPT_MAX)
_DROP_POINTS: Final = (
    "DELETE FROM deployment_equity WHERE deployment_id = ?1 AND at <="
    " (SELECT at FROM deployment_equity WHERE deployment_id = ?1 ORDER BY at DESC LIMIT 1 OFFSET"
    f" {EQUITY_POINTS_KEPT_MAX})"
)
_ADD_SIGNAL: Final = (
    "INSERT INTO signal (deployment_id, keygen, symbol, at, is_pending, body) VALUES (?, ?, ?, ?, ?, ?)"
)
# Finding what is too old costs a walk over all that is kept, so it is done after this many more rows of one owner.
PRUNE_EVERY: Final = 100
_LEDGER_SEQ: Final = -1  # The row of `deployment_ledger` that says up to where the others were folded.


class SqliteDeployments:
    """See the port. Lives in the file of `records` and closes with it."""

    def __init__(self, records: SqliteRecords) -> None:
        self._records = records
        self._signals = _Pruning()
        self._points = _Pruning()
        self._matches = _Pruning()

    def load(self) -> Left:
        """See the port."""
        cursors = self._records.rows("SELECT symbol, timeframe, at FROM bar_cursor")
        pending = self._records.rows("SELECT id, body FROM signal WHERE is_pending = 1 ORDER BY id")
        ledgers = dict(self._records.rows("SELECT deployment_id, body FROM deployment_ledger"))
        seq = ledgers.pop(_LEDGER_SEQ, None)
        return Left(
            [BarCursor(*row) for row in cursors],
            [_signal(*row) for row in pending],
            ledgers,
            None if seq is None else int(seq),
        )

    def keep(self, cursors: Sequence[BarCursor], signals: Sequence[Signal]) -> Sequence[int]:
        """See the port."""
        with self._records.transaction() as db:
            db.executemany(
                "INSERT INTO bar_cursor (symbol, timeframe, at) VALUES (?, ?, ?)"
                " ON CONFLICT (symbol, timeframe) DO UPDATE SET at = excluded.at",
                [(each.symbol, each.timeframe, each.at) for each in cursors],
            )
            numbers = [db.execute(_ADD_SIGNAL, _row(signal)).lastrowid or 0 for signal in signals]
            due = self._signals.due(Counter(signal.deployment_id for signal in signals))
            db.executemany(_DROP_SIGNALS, due)
        return numbers

    def settle(self, signals: Sequence[Signal]) -> None:
        """See the port."""
        with self._records.transaction() as db:
            db.executemany(
                "UPDATE signal SET is_pending = ?, body = ? WHERE id = ?",
                [(_is_pending(signal), _encode(signal), signal.signal_id) for signal in signals],
            )

    def keep_ledgers(self, seq: int, ledgers: Mapping[int, bytes]) -> None:
        """See the port."""
        rows = [*ledgers.items(), (_LEDGER_SEQ, str(seq).encode())]
        with self._records.transaction() as db:
            db.executemany(
                "INSERT INTO deployment_ledger (deployment_id, body) VALUES (?, ?)"
                " ON CONFLICT (deployment_id) DO UPDATE SET body = excluded.body",
                rows,
            )

    def signals(self, query: SignalQuery) -> tuple[Sequence[Signal], int]:
        """See the port."""
        filters = {"deployment_id = ?": query.deployment_id, "keygen = ?": query.keygen, "symbol = ?": query.symbol}
        rows, total = self._page("signal", "id, body", filters, query, "id")
        return [_signal(*row) for row in rows], total

    def add_equity(self, points: Sequence[EquityPoint]) -> None:
        """See the port."""
        with self._records.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO deployment_equity (deployment_id, at, equity, realized, unrealized)"
                " VALUES (?, ?, ?, ?, ?)",
                [_point_row(point) for point in points],
            )
            due = self._points.due(Counter(point.deployment_id for point in points))
            db.executemany(_DROP_POINTS, due)

    def equity(self, query: EquityQuery) -> tuple[Sequence[EquityPoint], int]:
        """See the port."""
        columns = "deployment_id, at, equity, realized, unrealized"
        rows, total = self._page("deployment_equity", columns, {"deployment_id = ?": query.deployment_id}, query, "at")
        return [EquityPoint(number, at, *map(Decimal, money)) for number, at, *money in rows], total

    def add_matches(self, matches: Sequence[Match]) -> Sequence[Match]:
        """See the port."""
        with self._records.transaction() as db:
            numbers = [_add_match(db, match) for match in matches]
            fresh = [
                replace(match, match_id=number)
                for match, number in zip(matches, numbers, strict=True)
                if number is not None
            ]
            db.executemany(_DROP_MATCHES, self._matches.due(Counter(match.scanner_id for match in fresh)))
        return fresh

    def matches(self, query: MatchQuery) -> tuple[Sequence[Match], int]:
        """See the port."""
        filters: dict[str, object] = {"scanner_id = ?": query.scanner_id, "symbol = ?": query.symbol}
        rows, total = self._page("scanner_match", "id, body", filters, query, "id")
        return [replace(_decode_match(body), match_id=number) for number, body in rows], total

    def _page(
        self,
        table: str,
        columns: str,
        filters: Mapping[str, object],
        query: SignalQuery | EquityQuery | MatchQuery,
        order: str,
    ) -> tuple[list[Any], int]:
        """Rows that meet those filters that have a value, newest first. Only values come from outside."""
        asked = {**filters, "at >= ?": query.since, "at < ?": query.until}
        asked = {clause: value for clause, value in asked.items() if value is not None}
        where = f" WHERE {' AND '.join(asked)}" if asked else ""
        limit, offset = max(0, min(query.limit, PAGE_MAX)), max(0, query.offset)
        values = tuple(asked.values())
        total = self._records.rows(f"SELECT count(*) FROM {table}{where}", values)[0][0]
        page = f"SELECT {columns} FROM {table}{where} ORDER BY {order} DESC LIMIT {limit} OFFSET {offset}"
        return self._records.rows(page, values), total


class _Pruning:
    """Whose rows are to be pruned: counts what is added of each owner."""

    def __init__(self) -> None:
        self._added: dict[int, int] = {}

    def due(self, added: Mapping[int, int]) -> list[tuple[int]]:
        """Note how many rows of each owner were added; those owners whose turn it is."""
        found = []
        for owner, count in added.items():
            # After a start not all of them at once, though all add a row at the same bar close.
            total = self._added.get(owner, owner % PRUNE_EVERY) + count
            if total >= PRUNE_EVERY:
                found.append((owner,))
            self._added[owner] = total % PRUNE_EVERY
        return found


def _row(signal: Signal) -> tuple[object, ...]:
    return (
        signal.deployment_id, signal.keygen, signal.symbol, signal.at, _is_pending(signal), _encode(signal),
    )  # fmt: skip


def _is_pending(signal: Signal) -> int:
    return int(signal.outcome is SignalOutcome.PENDING)


def _signal(signal_id: int, body: bytes) -> Signal:
    return replace(_decode_signal(body), signal_id=signal_id)


def _point_row(point: EquityPoint) -> tuple[object, ...]:
    money: Iterable[Decimal] = (point.equity, point.realized_pnl, point.unrealized_pnl)
    return (point.deployment_id, point.at, *map(str, money))


def _add_match(db: sqlite3.Connection, match: Match) -> int | None:
    """The number of a match that was not kept yet."""
    added = db.execute(
        "INSERT INTO scanner_match (scanner_id, symbol, at, bar_at, pattern, body) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (scanner_id, symbol, bar_at, pattern) DO NOTHING",
        (match.scanner_id, match.symbol, match.at, match.bar_at, match.pattern, _encode(match)),
    )
    return added.lastrowid if added.rowcount else None
