"""Places in the line: how much of what the market displays at a price has to trade before our limits there do.

Per price a line of groups, each with the units of others ahead of it. Who joins later has more ahead, so a
displayed size that falls shortens the end of the line only: those groups become one.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal

from tradehall.domain.ids import OrderId
from tradehall.domain.money import ZERO
from tradehall.venue.lazy_heap import DEAD_KEPT

Member = tuple[OrderId, int]
"""An order and the serial under which it rests; under another it has left this place."""

IsAlive = Callable[[OrderId, int], bool]


class _Group:
    """Orders with the same units ahead; `until` counts from the line's beginning, None: not known yet."""

    __slots__ = ("members", "until")

    def __init__(self, until: Decimal | None, members: deque[Member]) -> None:
        self.until = until
        self.members = members


class Line:
    """Who waits at one price, first come first; `eaten`: units of others that traded there so far."""

    __slots__ = ("eaten", "groups", "hidden")

    def __init__(self) -> None:
        self.eaten = ZERO
        self.groups: deque[_Group] = deque()
        self.hidden: deque[Member] = deque()

    def join(self, member: Member, ahead: Decimal | None) -> None:
        """Go to the end of the line, behind the `ahead` units of others that are displayed (None: not told)."""
        if ahead is not None:
            self.shorten(ahead)
        until = None if ahead is None else self.eaten + ahead
        if self.groups and self.groups[-1].until == until:
            self.groups[-1].members.append(member)
        else:
            self.groups.append(_Group(until, deque((member,))))

    def shorten(self, displayed: Decimal) -> None:
        """No more than `displayed` units of others are ahead of anybody."""
        until = self.eaten + displayed
        members: deque[Member] = deque()
        while self.groups and (self.groups[-1].until is None or self.groups[-1].until > until):
            members = _joined(self.groups.pop().members, members)
        if members:
            self.groups.append(_Group(until, members))

    def eat(self, budget: Decimal) -> Decimal:
        """Let a print of `budget` units trade what is ahead of the first group; what it leaves for the group."""
        until = self.groups[0].until
        if until is None:
            return ZERO
        part = min(budget, max(until - self.eaten, ZERO))
        self.eaten += part
        return budget - part

    def first(self, is_alive: IsAlive) -> OrderId | None:
        """The first order of the first group; None, and the group is gone, if nobody is left in it."""
        group = self.groups[0]
        first = _first_alive(group.members, is_alive)
        if first is None:
            self.groups.popleft()
        return first

    def first_hidden(self, is_alive: IsAlive) -> OrderId | None:
        """The first of those who are not displayed."""
        return _first_alive(self.hidden, is_alive)

    def members(self) -> Iterator[Member]:
        """All who ever joined and were not forgotten yet."""
        for group in self.groups:
            yield from group.members
        yield from self.hidden

    @property
    def is_settled(self) -> bool:
        """Whether nobody of others is ahead of anybody."""
        last = self.groups[-1].until if self.groups else self.eaten
        return last is not None and last <= self.eaten

    def forget(self, is_alive: IsAlive) -> None:
        """Drop all who have left."""
        for group in self.groups:
            group.members = deque(member for member in group.members if is_alive(*member))
        self.groups = deque(group for group in self.groups if group.members)
        self.hidden = deque(member for member in self.hidden if is_alive(*member))


class Lines:
    """The lines of one side of a book, by price. Signed prices: as the limits' keys, best first."""

    __slots__ = ("_is_alive", "_lines", "_member_count", "_unsettled")

    def __init__(self, is_alive: IsAlive) -> None:
        self._is_alive = is_alive
        self._lines: dict[Decimal, Line] = {}
        self._unsettled: list[Decimal] = []  # Keys of lines with others ahead, best first.
        self._member_count = 0

    @property
    def entry_count(self) -> int:
        """Places in memory, deserted ones included."""
        return self._member_count

    def join(self, key: Decimal, member: Member, ahead: Decimal | None, *, hidden: bool, live_count: int) -> None:
        """Let an order into the line at `key`; `live_count`: orders that rest on this side now."""
        if self._member_count > 2 * live_count + DEAD_KEPT:
            self._compact()
        self._member_count += 1
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line()
        if hidden:
            line.hidden.append(member)
            return
        line.join(member, ahead)
        if not line.is_settled and not self._is_noted(key):
            insort(self._unsettled, key)

    def at(self, key: Decimal) -> Line | None:
        """The line at a price."""
        return self._lines.get(key)

    def observe(self, key: Decimal, displayed: Decimal | None) -> None:
        """The touch of this side is at `key`, `displayed` units there (None: not told): nobody is before it."""
        unsettled = self._unsettled
        if not unsettled or unsettled[0] > key:
            return
        place = bisect_left(unsettled, key)
        for better in unsettled[:place]:
            self._lines[better].shorten(ZERO)
        del unsettled[:place]
        if displayed is not None and unsettled and unsettled[0] == key:
            self.shorten(key, displayed)

    def shorten(self, key: Decimal, displayed: Decimal) -> None:
        """`displayed` units are shown at `key`."""
        line = self._lines.get(key)
        if line is None:
            return
        line.shorten(displayed)
        if line.is_settled and self._is_noted(key):
            del self._unsettled[bisect_left(self._unsettled, key)]

    def _is_noted(self, key: Decimal) -> bool:
        place = bisect_left(self._unsettled, key)
        return place < len(self._unsettled) and self._unsettled[place] == key

    def _compact(self) -> None:
        for line in self._lines.values():
            line.forget(self._is_alive)
        self._lines = {key: line for key, line in self._lines.items() if line.groups or line.hidden}
        self._unsettled = sorted(key for key, line in self._lines.items() if not line.is_settled)
        self._member_count = sum(1 for line in self._lines.values() for _ in line.members())


def _joined(front: deque[Member], back: deque[Member]) -> deque[Member]:
    """Both in order, the shorter one moved to the longer."""
    if len(front) >= len(back):
        front.extend(back)
        return front
    back.extendleft(reversed(front))
    return back


def _first_alive(members: deque[Member], is_alive: IsAlive) -> OrderId | None:
    while members:
        if is_alive(*members[0]):
            return members[0][0]
        members.popleft()
    return None
