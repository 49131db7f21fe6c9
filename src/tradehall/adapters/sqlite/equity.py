"""What accounts were worth, in SQLite: a table beside the records, with a place for each minute and hour.

A point takes the place of the one a lap ago, so the table never has to be thinned.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE
from tradehall.ports.equity import ACCOUNTS_KEPT_MAX, HOURS_KEPT, MINUTES_KEPT, Worth

_PUT: Final = "INSERT OR REPLACE INTO account_equity (account_id, place, at, equity) VALUES (?, ?, ?, ?)"
# Of an hour its first point stands; what stands there from the lap before is older than the hour.
_PUT_FIRST: Final = (
    "INSERT INTO account_equity (account_id, place, at, equity) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account_id, place) DO UPDATE SET at = excluded.at, equity = excluded.equity WHERE at < ?"
)
_SEEN: Final = "INSERT OR REPLACE INTO account_equity_seen (account_id, at) VALUES (?, ?)"
_FORGOTTEN: Final = "SELECT account_id FROM account_equity_seen ORDER BY at DESC, account_id LIMIT -1 OFFSET ?"


class SqliteEquity:
    """See the port. Lives in the file of `records` and closes with it."""

    def __init__(self, records: SqliteRecords, *, accounts_max: int = ACCOUNTS_KEPT_MAX) -> None:
        self._records = records
        self._accounts_max = accounts_max

    def keep(self, points: Mapping[int, Worth]) -> None:
        """See the port."""
        minutes = [
            (login, each.at // NS_PER_MINUTE % MINUTES_KEPT, each.at, each.equity) for login, each in points.items()
        ]
        hours = [
            (login, MINUTES_KEPT + each.at // NS_PER_HOUR % HOURS_KEPT, each.at, each.equity, _hour_of(each))
            for login, each in points.items()
        ]
        with self._records.transaction() as db:
            db.executemany(_PUT, minutes)
            db.executemany(_PUT_FIRST, hours)
            db.executemany(_SEEN, [(login, each.at) for login, each in points.items()])
            for account_id in db.execute(_FORGOTTEN, (self._accounts_max,)).fetchall():
                db.execute("DELETE FROM account_equity WHERE account_id = ?", account_id)
                db.execute("DELETE FROM account_equity_seen WHERE account_id = ?", account_id)

    def points(self, account_id: int) -> Sequence[Worth]:
        """See the port."""
        # The first point of an hour is that of its minute too.
        sql = "SELECT DISTINCT at, equity FROM account_equity WHERE account_id = ? ORDER BY at"
        return [Worth(at, equity) for at, equity in self._records.rows(sql, (account_id,))]


def _hour_of(worth: Worth) -> int:
    return worth.at - worth.at % NS_PER_HOUR
