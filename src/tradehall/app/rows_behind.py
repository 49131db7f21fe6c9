"""Rows of the views that follow their records: those of durable batches that are not written yet, oldest first."""

from tradehall.app.batch import Batch
from tradehall.ports.views import ViewRows, joined


class RowsBehind:
    """Belongs to whoever writes. A batch without rows stands in line as well, where one before it has some."""

    def __init__(self) -> None:
        self._waiting: list[Batch] = []
        self._under_way: list[Batch] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(self) -> ViewRows:
        """All rows that wait; they are under way."""
        self._under_way, self._waiting = self._waiting, []
        return joined([batch.rows for batch in self._under_way])

    def seq_beside(self, batch: Batch) -> int:
        """How far the views are once what is under way is written, and the records of `batch`, which are next."""
        if self._waiting:
            return self._waiting[0].follows_seq
        return batch.follows_seq + (0 if batch.has_rows else len(batch.decided))

    def end(self, batch: Batch | None = None) -> list[Batch]:
        """What was under way is written, with the records of `batch`. In order, what lacks nothing from here on."""
        ended, self._under_way = self._under_way, []
        if batch is None:
            return ended
        if batch.has_rows or self._waiting:
            self._waiting.append(batch)
        else:
            ended.append(batch)
        return ended

    def take_back(self) -> list[Batch]:
        """Nothing was written: what was under way waits again. All that wait."""
        self._waiting, self._under_way = self._under_way + self._waiting, []
        return self._waiting
