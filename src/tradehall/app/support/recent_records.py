"""Recent records: the last durable ones as they were decided, so that who folds them needs not read them again."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from tradehall.engine.record import Record

# Some seconds of a busy house, and 3 KiB each.
RECENT_MAX: Final = 4_096


class RecentRecords:
    """One unbroken row of them; what is taken is gone from here."""

    def __init__(self, most: int = RECENT_MAX) -> None:
        self._records: deque[Record] = deque(maxlen=most)

    def add(self, records: Sequence[Record]) -> None:
        """Some more have become durable. Where some were missed in between, those before are forgotten."""
        if records and self._records and records[0].seq != self._records[-1].seq + 1:
            self._records.clear()
        self._records.extend(records)

    def take(self, after: int, count: int) -> list[Record]:
        """Up to `count` of those that follow record `after`; none if the next one is not here."""
        records = self._records
        while records and records[0].seq <= after:
            records.popleft()
        if not records or records[0].seq != after + 1:
            return []
        return [records.popleft() for _ in range(min(count, len(records)))]
