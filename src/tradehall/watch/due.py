"""Alerts by the instant at which something is due. What is due together is kept together, for so it often comes."""

from heapq import heapify, heappop, heappush
from typing import Final

# Below this many dead entries tidying costs more than it frees.
DEAD_KEPT: Final = 64


class DueHeap:
    """At most one instant [ns UTC] for each alert."""

    __slots__ = ("_due", "_heap", "_together")

    def __init__(self) -> None:
        self._heap: list[int] = []  # Instants; some are dead: nothing is due then any more.
        self._together: dict[int, dict[int, None]] = {}
        self._due: dict[int, int] = {}

    @property
    def entry_count(self) -> int:
        """Entries in memory, dead ones included."""
        return len(self._heap)

    def add(self, due: int, alert_id: int) -> None:
        """Note when something is due for an alert, instead of what was noted before."""
        self.discard(alert_id)
        self._due[alert_id] = due
        together = self._together.get(due)
        if together is None:
            self._together[due] = {alert_id: None}
            heappush(self._heap, due)
        else:
            together[alert_id] = None

    def discard(self, alert_id: int) -> None:
        """Forget an alert."""
        due = self._due.pop(alert_id, None)
        if due is None:
            return
        together = self._together[due]
        del together[alert_id]
        if not together:
            del self._together[due]
            if len(self._heap) > 2 * len(self._together) + DEAD_KEPT:
                self._heap = list(self._together)
                heapify(self._heap)

    def take(self, now: int) -> list[int]:
        """Alerts that are due at `now`, earliest first; they are forgotten."""
        taken: list[int] = []
        while self._heap and self._heap[0] <= now:
            taken += self._together.pop(heappop(self._heap), ())
        for alert_id in taken:
            del self._due[alert_id]
        return taken

    def first(self) -> int | None:
        """The earliest instant, None if there is none."""
        while self._heap and self._heap[0] not in self._together:
            heappop(self._heap)
        return self._heap[0] if self._heap else None
