"""All rows of the views of the house, counted by their values, as of one record."""

from contextlib import closing
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.connection import open_reader
from tradehall.ports.house_views import PLACE_BITS, Share, Shares

_GROUPED: Final = "SELECT {columns}, count(*) FROM {table} {where} GROUP BY {columns}"
_ORDERS: Final = _GROUPED.format(
    columns=f"account_id, strategy_id, symbol, side, ended_as, order_id >> {PLACE_BITS}", table="orders", where=""
)
_FILLS: Final = _GROUPED.format(columns="account_id, strategy_id, symbol, side", table="fills", where="")
# The index that is asked for holds the columns, and last closings only.
_CLOSINGS: Final = _GROUPED.format(
    columns="account_id, strategy_id, symbol", table="closings INDEXED BY closings_last", where="WHERE is_last = 1"
)


def read_shares(path: Path) -> Shares:
    """Count; takes seconds for millions of rows, all of them without the interpreter's lock."""
    with closing(open_reader(path)) as db:
        db.text_factory = str
        db.execute("BEGIN")
        seq: int = db.execute("SELECT ifnull(max(seq), 0) FROM journal").fetchone()[0]
        orders = [Share(*row) for row in db.execute(_ORDERS)]
        fills = [Share(*(*row[:4], "", 0, row[4])) for row in db.execute(_FILLS)]
        closings = [Share(*(*row[:3], "", "", 0, row[3])) for row in db.execute(_CLOSINGS)]
        return Shares(seq, orders, fills, closings)
