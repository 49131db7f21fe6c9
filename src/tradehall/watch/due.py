"""Alerts by the instant at which something is due, with lazy deletion."""

from heapq import heapify, heappop, heappush
from typing import Final

# Below this many dead entries tidying costs more than it frees.
DEAD_KEPT: Final = 64


class DueHeap:
    """At most one instant [ns UTC] for each alert."""

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._due: dict[int, int] = {}

    @property
    def entry_count(self) -> int:
        """Entries in memory, dead ones included."""
        return len(self._heap)

    def add(self, due: int, alert_id: int) -> None:
        """Note when something is due for an alert, instead of what was noted before."""
        self._due[alert_id] = due
        heappush(self._heap, (due, alert_id))

    def discard(self, alert_id: int) -> None:
        """Forget an alert."""
        if self._due.pop(alert_id, None) is not None and len(self._heap) > 2 * len(self._due) + DEAD_KEPT:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapify(self._heap)

    def take(self, now: int) -> list[int]:
        """Alerts that are due at `now`, earliest first; they are forgotten."""
        taken: list[int] = []
        while self._heap and self._heap[0][0] <= now:
            due, alert_id = heappop(self._heap)
            if self._due.get(alert_id) == due:
                del self._due[alert_id]
                taken.append(alert_id)
        return taken

    def first(self) -> int | None:
        """The earliest instant, None if there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
