"""A ladder: the bounds of all alerts on one side, and who is reached by a step from one price to another.

A bound lies between two lines of the ladder's grid, or just below one of them: a rise passes it that ends on
this line or above, a fall passes it that ends below.
"""

from decimal import Decimal
from typing import Final, Generic

from msgspec import Struct

from tradehall.watch.conditions import Condition, Trigger, move_bound
from tradehall.watch.grid import Grid
from tradehall.watch.shelf import Shelf, Thing, place_of

# Fine enough for any market, and for floats that were never rounded to its ticks.
DIGITS: Final = 18


class Rung(Struct, frozen=True, gc=False):
    """One bound of an alert: the first line above it, and the direction in which it is passed.

    `far_line`: that of the channel's other end, None if it is no channel.
    """

    falls: bool
    line: int
    far_line: int | None = None


class _Slope(Generic[Thing]):
    """The shelves of one direction."""

    __slots__ = ("channels", "lines")

    def __init__(self) -> None:
        self.lines = Shelf[Thing]()
        self.channels = Shelf[Thing]()

    def add(self, alert_id: int, thing: Thing, rung: Rung) -> None:
        if rung.far_line is None:
            self.lines.add(place_of(rung.line, alert_id), thing, 0)
        else:
            self.channels.add(place_of(rung.line, alert_id), thing, place_of(rung.far_line))

    def remove(self, alert_id: int, rung: Rung) -> None:
        shelf = self.lines if rung.far_line is None else self.channels
        shelf.remove(place_of(rung.line, alert_id))

    def things(self) -> list[Thing]:
        return self.lines.things() + self.channels.things()

    def has_any(self, low: int, high: int) -> bool:
        return self.lines.has_any(low, high) or self.channels.has_any(low, high)


class Ladder(Generic[Thing]):
    """Bounds of the alerts on one side of a symbol; a thing of the caller's stands for each alert."""

    __slots__ = ("_fall", "_rise", "grid")

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._rise = _Slope[Thing]()
        self._fall = _Slope[Thing]()

    def add(self, alert_id: int, thing: Thing, rungs: tuple[Rung, ...]) -> None:
        """Hang an alert's bounds up."""
        for rung in rungs:
            (self._fall if rung.falls else self._rise).add(alert_id, thing, rung)

    def remove(self, alert_id: int, rungs: tuple[Rung, ...]) -> None:
        """Take them down."""
        for rung in rungs:
            (self._fall if rung.falls else self._rise).remove(alert_id, rung)

    def things(self) -> list[Thing]:
        """All that hang on it, each once."""
        found = [*self._rise.things(), *self._fall.things()]
        return list({id(thing): thing for thing in found}.values())

    def passed(self, previous: int, current: int) -> list[Thing]:
        """Alerts whose condition becomes true by the step between the lines of two different prices."""
        if previous < current:
            slope, low, high = self._rise, place_of(previous + 1), place_of(current + 1)
        else:
            slope, low, high = self._fall, place_of(current + 1), place_of(previous + 1)
        found = slope.lines.between(low, high)
        if slope.channels.count:
            found += slope.channels.parted(low, high)
        return found

    def is_between(self, one: int, other: int) -> bool:
        """Whether a step between the lines of these prices, either way, passes any bound at all."""
        low, high = place_of(min(one, other) + 1), place_of(max(one, other) + 1)
        return self._fall.has_any(low, high) or self._rise.has_any(low, high)


def rungs(trigger: Trigger, reference: Decimal | None, grid: Grid) -> tuple[Rung, ...]:
    """Bounds of a trigger: where the step starts that fires it, and where it must not end."""
    match trigger.condition:
        case Condition.CROSSING_UP:
            return (_rise_to(trigger.target, grid),)
        case Condition.CROSSING_DOWN:
            return (_fall_to(trigger.target, grid),)
        case Condition.CROSSING:
            return (_rise_to(trigger.target, grid), _fall_to(trigger.target, grid))
        case Condition.GREATER:
            return (Rung(falls=False, line=grid.first_above(trigger.target)),)
        case Condition.LESS:
            return (Rung(falls=True, line=grid.first_at(trigger.target)),)
        case Condition.ENTERING_CHANNEL | Condition.INSIDE_CHANNEL:
            low, high = grid.first_at(trigger.low), grid.first_above(trigger.high)
            return (Rung(falls=False, line=low, far_line=high), Rung(falls=True, line=high, far_line=low))
        case Condition.EXITING_CHANNEL | Condition.OUTSIDE_CHANNEL:
            low, high = grid.first_at(trigger.low), grid.first_above(trigger.high)
            return (Rung(falls=False, line=high, far_line=low), Rung(falls=True, line=low, far_line=high))
        case _:  # Moves.
            assert reference is not None, "a move is measured from a reference"
            climbs = trigger.condition in (Condition.MOVING_UP, Condition.MOVING_UP_PERCENT)
            return ((_rise_to if climbs else _fall_to)(move_bound(trigger, reference), grid),)


def _rise_to(bound: Decimal, grid: Grid) -> Rung:
    return Rung(falls=False, line=grid.first_at(bound))


def _fall_to(bound: Decimal, grid: Grid) -> Rung:
    return Rung(falls=True, line=grid.first_above(bound))
