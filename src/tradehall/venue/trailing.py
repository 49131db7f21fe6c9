"""Trailing stops of one side of one symbol, exact and lazy: a new best price does not touch each of them.

Orders that follow the same peak stand in one group. A new best price merges the groups it exceeds (small
into large, so that an order moves log n times at the most), and of each group only the smallest distances
are looked at. Prices are *signed*: the bid for SELL, minus the ask for BUY; so on both sides a peak is a
maximum, and a stop is hit when the price falls to its trigger.
"""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from heapq import heapify, heappop, heappush

from msgspec import Struct

from tradehall.domain.ids import OrderId
from tradehall.domain.money import HUNDRED
from tradehall.venue.lazy_heap import DEAD_KEPT

Entry = tuple[Decimal, int, OrderId]
Heap = list[Entry]


class Follower(Struct, frozen=True, gc=False):
    """A trailing stop as it joins: `distance` in price, or in percent of the peak."""

    order_id: OrderId
    serial: int
    distance: Decimal
    is_percent: bool


class _Group:
    """Orders of one peak: smallest distance first, once in price and once in percent."""

    __slots__ = ("absolute", "is_alive", "peak", "percent", "serial", "trigger")

    def __init__(self, peak: Decimal, serial: int) -> None:
        self.peak = peak
        self.serial = serial
        self.absolute: Heap = []
        self.percent: Heap = []
        self.trigger: Decimal | None = None
        self.is_alive = True

    @property
    def size(self) -> int:
        return len(self.absolute) + len(self.percent)


class TrailingBook:
    """Trailing stops of one side; `best` is the signed price at which the first of them may be hit.

    `best` may be too high where the order behind it has left: `pop` then finds nobody and corrects it.
    """

    __slots__ = ("_entry_count", "_group_count", "_groups", "_live", "_ranking", "_unpeaked", "best")

    def __init__(self) -> None:
        self.best: Decimal | None = None
        self._groups: list[_Group] = []  # Falling peaks: who came later follows a lower one.
        self._ranking: list[tuple[Decimal, int, _Group]] = []  # (-trigger, tie-break, group), dead entries included.
        self._live: dict[OrderId, int] = {}
        self._unpeaked: dict[OrderId, Follower] = {}
        self._entry_count = 0
        self._group_count = 0

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._live

    @property
    def entry_count(self) -> int:
        """Entries in memory, dead ones included."""
        return self._entry_count + len(self._ranking)

    def join(self, follower: Follower, peak: Decimal | None) -> None:
        """Let an order follow the signed `peak`; None: the next best price is its first."""
        self.discard(follower.order_id)
        self._live[follower.order_id] = follower.serial
        if peak is None:
            self._unpeaked[follower.order_id] = follower
            return
        group = self._group_at(peak)
        _add(group, follower)
        self._entry_count += 1
        self._rank(group)

    def discard(self, order_id: OrderId) -> None:
        """Let an order go, if it is here."""
        if self._live.pop(order_id, None) is None:
            return
        self._unpeaked.pop(order_id, None)
        if not self._live:
            self._clear()
        elif self._entry_count > 2 * len(self._live) + DEAD_KEPT:
            self._compact()

    @property
    def lowest_peak(self) -> Decimal | None:
        """The signed price above which somebody's peak moves; None: there is nobody, or one who has no peak yet."""
        return self._groups[-1].peak if self._groups and not self._unpeaked else None

    def moves(self, price: Decimal) -> bool:
        """Whether the signed `price` would change somebody's peak."""
        return bool(self._unpeaked) or (bool(self._groups) and price > self._groups[-1].peak)

    def advance(self, price: Decimal) -> bool:
        """Let all follow the signed `price` who have a worse peak; whether somebody did."""
        while self._groups and self._is_deserted(self._groups[-1]):
            self._groups.pop().is_alive = False
        if not self.moves(price):
            return False
        merged = self._new_group(price)
        while self._groups and self._groups[-1].peak <= price:
            merged = _merge(merged, self._groups.pop())
        merged.peak, merged.is_alive = price, True
        for follower in self._unpeaked.values():
            _add(merged, follower)
        self._entry_count += len(self._unpeaked)
        self._unpeaked.clear()
        self._groups.append(merged)
        self._rank(merged)
        return True

    def pop(self, price: Decimal) -> OrderId | None:
        """The first order that the signed `price` hits, highest trigger first; it leaves. None: nobody."""
        while self.best is not None and price <= self.best:
            group = self._ranking[0][2]
            before = group.trigger
            if self._rank(group) == before:
                return self._take_first(group)
        return None

    def _take_first(self, group: _Group) -> OrderId:
        triggers = list(_triggers(group))
        heap = max(triggers, key=lambda pair: pair[0])[1]
        order_id = heappop(heap)[2]
        self._entry_count -= 1
        del self._live[order_id]
        if self._live:
            self._rank(group)
        else:
            self._clear()
        return order_id

    def _group_at(self, peak: Decimal) -> _Group:
        groups = self._groups
        place = len(groups)
        if groups and peak >= groups[-1].peak:
            place = bisect_left(groups, -peak, key=lambda group: -group.peak)
            if groups[place].peak == peak:
                return groups[place]
        group = self._new_group(peak)
        groups.insert(place, group)
        return group

    def _new_group(self, peak: Decimal) -> _Group:
        self._group_count += 1
        return _Group(peak, self._group_count)

    def _rank(self, group: _Group) -> Decimal | None:
        """Work out the group's trigger anew, and with it `best`."""
        self._drop_dead(group.absolute)
        self._drop_dead(group.percent)
        trigger = max((trigger for trigger, _ in _triggers(group)), default=None)
        if trigger != group.trigger:
            group.trigger = trigger
            if trigger is not None:
                heappush(self._ranking, (-trigger, group.serial, group))
                if len(self._ranking) > 2 * len(self._groups) + DEAD_KEPT:
                    self._rank_all()
        self._tidy_top()
        return trigger

    def _is_deserted(self, group: _Group) -> bool:
        self._drop_dead(group.absolute)
        self._drop_dead(group.percent)
        return group.size == 0

    def _drop_dead(self, heap: Heap) -> None:
        while heap and self._live.get(heap[0][2]) != heap[0][1]:
            heappop(heap)
            self._entry_count -= 1

    def _tidy_top(self) -> None:
        ranking = self._ranking
        while ranking and not _is_current(ranking[0]):
            heappop(ranking)
        self.best = -ranking[0][0] if ranking else None

    def _rank_all(self) -> None:
        self._ranking = [(-group.trigger, group.serial, group) for group in self._groups if group.trigger is not None]
        heapify(self._ranking)

    def _compact(self) -> None:
        """Forget the dead: once per as many departures as there are orders left."""
        for group in self._groups:
            group.absolute = self._living(group.absolute)
            group.percent = self._living(group.percent)
            group.is_alive = group.size > 0
        self._groups = [group for group in self._groups if group.is_alive]
        self._entry_count = sum(group.size for group in self._groups)
        for group in self._groups:
            group.trigger = max((trigger for trigger, _ in _triggers(group)), default=None)
        self._rank_all()
        self._tidy_top()

    def _living(self, heap: Heap) -> Heap:
        living = [entry for entry in heap if self._live.get(entry[2]) == entry[1]]
        heapify(living)
        return living

    def _clear(self) -> None:
        self._groups.clear()
        self._ranking.clear()
        self._entry_count = 0
        self.best = None


def _add(group: _Group, follower: Follower) -> None:
    heap = group.percent if follower.is_percent else group.absolute
    heappush(heap, (follower.distance, follower.serial, follower.order_id))


def _merge(one: _Group, other: _Group) -> _Group:
    """All orders of both in the larger group; the smaller one is dead."""
    large, small = (one, other) if one.size >= other.size else (other, one)
    for entry in small.absolute:
        heappush(large.absolute, entry)
    for entry in small.percent:
        heappush(large.percent, entry)
    small.is_alive = False
    return large


def _triggers(group: _Group) -> Iterator[tuple[Decimal, Heap]]:
    """Signed trigger prices of the two closest orders, each with its heap."""
    if group.absolute:
        yield group.peak - group.absolute[0][0], group.absolute
    if group.percent:
        yield group.peak - abs(group.peak) * group.percent[0][0] / HUNDRED, group.percent


def _is_current(entry: tuple[Decimal, int, _Group]) -> bool:
    return entry[2].is_alive and entry[2].trigger == -entry[0]
