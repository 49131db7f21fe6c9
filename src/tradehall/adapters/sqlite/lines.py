"""Rows of the lines of the house counted by their values, and where instants cut a line.

Later numbers have later instants, so that an instant is found among a million rows by halving, without an index.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradehall.adapters.sqlite.connection import open_reader
from tradehall.adapters.sqlite.query import Sql, orders_page
from tradehall.ports.house_views import NUMBER_MAX, PLACE_BITS, Counted, Edges, Line, NumberSpan, Share
from tradehall.ports.views import OrderQuery

Read = Callable[[Sql], list[Any]]

# So many orders are sorted rather than sought among those that changed later.
NARROW: Final = 20_000


class Numbered(NamedTuple):
    """A table whose rows have later instants the higher their numbers are."""

    table: str
    key: str
    stamp: str


KEYS: Final = {
    Line.ORDERS: Numbered("orders", "order_id", "created_at"),
    Line.FILLS: Numbered("fills", "fill_id", "at"),
    Line.CLOSINGS: Numbered("closings", "closing_key", "closed_at"),
}
assert KEYS.keys() == set(Line)
_WORDS: Final = {
    Line.ORDERS: "account_id, strategy_id, symbol, side, ended_as",
    Line.FILLS: "account_id, strategy_id, symbol, side, ''",
    Line.CLOSINGS: "account_id, strategy_id, symbol, '', ''",
}
# An index that holds all that is counted, where there is one.
_COUNTED_IN: Final = {Line.ORDERS: "", Line.FILLS: "", Line.CLOSINGS: "INDEXED BY closings_last"}


def count_all(path: Path, line: Line) -> Counted:
    """Count; takes seconds for millions of rows, all of them without the interpreter's lock."""
    with closing(open_reader(path)) as db:
        db.execute("BEGIN")
        seq: int = db.execute("SELECT seq FROM views_state").fetchone()[0]
        last, shares = _told(db.execute(_grouped(line, _COUNTED_IN[line]), (0, NUMBER_MAX)), 0)
        return Counted(seq, last, shares)


def count_after(read: Read, line: Line, after: int) -> Counted:
    """Count what came beyond a number."""
    last, shares = _told(read((_grouped(line, "NOT INDEXED"), [after + 1, NUMBER_MAX])), after)
    return Counted(0, last, shares)


def edges_of(read: Read, line: Line, since: int | None, until: int | None) -> Edges:
    """See the port."""
    bits = PLACE_BITS[line]
    first = 0 if since is None else _next(read, line, first_number_at(read, KEYS[line], since))
    last = NUMBER_MAX if until is None else max(first, first_number_at(read, KEYS[line], until))
    first_place, last_place = -(-first >> bits), last >> bits
    middle = min(first_place << bits, last)
    parts = ((first, middle), (max(middle, last_place << bits), last))
    shares = [share for part in parts if part[0] < part[1] for share in _between(read, line, *part)]
    return Edges(NumberSpan(first, last), first_place, last_place, shares)


def order_bodies(read: Read, query: OrderQuery) -> list[bytes]:
    """A page of an account's ended orders, the last changed first, of those created until an instant.

    Where few were created since then, they are sorted; else all that changed later are passed over.
    """
    assert query.until is not None, "asked for what was created until an instant"
    orders = KEYS[Line.ORDERS]
    first = 0 if query.since is None else query.since
    created = first_number_at(read, orders, query.until) - first_number_at(read, orders, first)
    return [body for (body,) in read(orders_page(query, is_narrow=created <= NARROW))]


def first_number_at(read: Read, rows: Numbered, at: int) -> int:
    """The least number from which on all rows are of instant `at` or later."""
    table, key, stamp = rows
    # Asked for one by one: of both together SQLite looks at every row.
    low, high = (read((f"SELECT ifnull({end}({key}), 0) FROM {table}", []))[0][0] for end in ("min", "max"))
    high += 1
    while low < high:
        middle = (low + high) // 2
        found = read((f"SELECT {key}, {stamp} FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1", [middle]))
        if not found or found[0][1] >= at:
            high = middle
        else:
            low = found[0][0] + 1
    return int(low)


def times_of(read: Read, line: Line, span: NumberSpan) -> tuple[int, int] | None:
    """Instants of the first and the last row of a span; None: there is none."""
    table, key, stamp = KEYS[line]
    within = f"SELECT {stamp} FROM {table} WHERE {key} >= ? AND {key} < ? ORDER BY {key}"
    first, last = (read((f"{within} {way} LIMIT 1", list(span))) for way in ("ASC", "DESC"))
    return (first[0][0], last[0][0]) if first and last else None


def _next(read: Read, line: Line, number: int) -> int:
    """The first row's number from `number` on: what ends later and is numbered in between counts to neither side."""
    table, key, _ = KEYS[line]
    found = read((f"SELECT {key} FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1", [number]))
    return int(found[0][0]) if found else number


def _between(read: Read, line: Line, first: int, last: int) -> list[Share]:
    return _told(read((_grouped(line, "NOT INDEXED"), [first, last])), 0)[1]


def _grouped(line: Line, source: str) -> str:
    table, key, _ = KEYS[line]
    ended = " AND is_last = 1" if line is Line.CLOSINGS else ""
    return (
        f"SELECT {_WORDS[line]}, {key} >> {PLACE_BITS[line]}, count(*), max({key}) FROM {table} {source}"
        f" WHERE {key} >= ? AND {key} < ?{ended} GROUP BY 1, 2, 3, 4, 5, 6"
    )


def _told(rows: Iterable[Any], last: int) -> tuple[int, list[Share]]:
    shares = []
    for account_id, strategy_id, symbol, side, end, place, count, highest in rows:
        strategy = None if strategy_id is None else strategy_id.decode()
        shares.append(Share(account_id, strategy, symbol.decode(), side.decode(), end.decode(), place, count))
        last = max(last, highest)
    return last, shares
