"""A heap of orders by key, with lazy deletion: the side of a book, the line of delayed orders."""

from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from tradehall.domain.ids import OrderId

# Below this many dead entries tidying costs more than it frees.
DEAD_KEPT: Final = 64

Key = TypeVar("Key", Decimal, int)


class LazyHeap(Generic[Key]):
    """Orders by smallest key, then smallest serial.

    `best`: smallest key, None when empty; reading it is all that a quote costs which reaches nobody.
    Leaving marks an entry dead; dead entries go when they reach the top, or all at once when they
    outnumber the living.
    """

    __slots__ = ("_heap", "_serials", "best")

    def __init__(self) -> None:
        self.best: Key | None = None
        self._heap: list[tuple[Key, int, OrderId]] = []
        self._serials: dict[OrderId, int] = {}

    def __len__(self) -> int:
        return len(self._serials)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._serials

    def holds(self, order_id: OrderId, serial: int) -> bool:
        """Whether an order is here, and still under this serial."""
        return self._serials.get(order_id) == serial

    @property
    def entry_count(self) -> int:
        """Entries in memory, dead ones included."""
        return len(self._heap)

    def add(self, key: Key, serial: int, order_id: OrderId) -> None:
        """Let an order in; one that is in already moves to `key` and `serial`."""
        if order_id in self._serials:
            self.discard(order_id)
        self._serials[order_id] = serial
        heappush(self._heap, (key, serial, order_id))
        self.best = self._heap[0][0]  # The top is never dead.

    def discard(self, order_id: OrderId) -> None:
        """Let an order go, if it is here."""
        if self._serials.pop(order_id, None) is None:
            return
        if len(self._heap) > 2 * len(self._serials) + DEAD_KEPT:
            self._heap = [entry for entry in self._heap if self._is_alive(entry)]
            heapify(self._heap)
        self._tidy_top()

    def first(self) -> OrderId | None:
        """The order that comes first; it stays."""
        return self._heap[0][2] if self._heap else None

    def pop(self) -> OrderId:
        """The order that comes first; it leaves. Asserts that there is one."""
        assert self._heap, "an empty heap was popped"
        order_id = self._heap[0][2]
        self.discard(order_id)
        return order_id

    def _is_alive(self, entry: tuple[Key, int, OrderId]) -> bool:
        return self._serials.get(entry[2]) == entry[1]

    def _tidy_top(self) -> None:
        heap = self._heap
        while heap and not self._is_alive(heap[0]):
            heappop(heap)
        self.best = heap[0][0] if heap else None
