"""Writing many rows with few calls.

Each call into SQLite gives the interpreter's lock away, and asking for it back while the loop is busy may
take half a millisecond. So a table's rows go in by one statement, whose size is the next power of two; the
places left over hold zeros, which the statement skips. (Zeros, because None and bytes are bound slowly.)
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from tradehall.ports.views import VIEWS, ViewRows

ROWS_PER_CALL_MAX: Final = 256


def insert(db: sqlite3.Connection, table: str, rows: Sequence[Sequence[Any]], *, verb: str = "INSERT") -> None:
    """Write `rows`, tuples in the order of the table's columns, whose first is a positive key."""
    for start in range(0, len(rows), ROWS_PER_CALL_MAX):
        chunk = rows[start : start + ROWS_PER_CALL_MAX]
        size = 1 << (len(chunk) - 1).bit_length()
        columns = len(chunk[0])
        values = [*chain.from_iterable(chunk), *(0,) * (columns * (size - len(chunk)))]
        # Many, of which there is one: `execute` asks for the lock once more, for the last row's id.
        db.executemany(_statement(verb, table, columns, size), (values,))


def insert_views(db: sqlite3.Connection, rows: ViewRows, seq: int) -> int:
    """Write rows of all views, the last of which follow from record `seq`; a row replaces the one with its key.

    Returns how long their bodies are [characters].
    """
    length = 0
    for view in VIEWS:
        if of_view := rows.of(view):
            _insert_or_replace(db, view, of_view)
            length += sum(len(row.body) for row in of_view)
    db.execute("UPDATE views_state SET seq = ?", (seq,))
    return length


def _insert_or_replace(db: sqlite3.Connection, view: str, rows: Sequence[Sequence[Any]]) -> None:
    """Write `rows` within a transaction that ends with any error but a key's that is taken."""
    # SQLite copies each page that a statement touches if the statement might have to be taken back alone: half the
    # cost of a few rows. One that fails half-way is not, and orders that changed after their end are rare.
    try:
        insert(db, view, rows, verb="INSERT OR FAIL")
    except sqlite3.IntegrityError:
        insert(db, view, rows, verb="INSERT OR REPLACE")


@cache
def _statement(verb: str, table: str, columns: int, size: int) -> str:
    row = f"({','.join('?' * columns)})"
    return f"{verb} INTO {table} SELECT * FROM (VALUES {','.join([row] * size)}) WHERE column1 > 0"
