"""A ladder: the bounds of all alerts on one side, and who is reached by a step from one price to another.

A fall is a rise of the negated price, so there is one kind of shelf and each bound stands on it with the
sign of its direction.
"""

from decimal import Decimal
from enum import IntEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.money import ZERO
from tradehall.watch.conditions import Condition, Trigger, move_bound
from tradehall.watch.shelf import Shelf

_REACHED: Final = 0  # Passed as soon as the price is there.
_EXCEEDED: Final = 1  # Passed when the price is beyond.


class _Purpose(IntEnum):
    """Why a bound is passed: it is the only one, the near end of a channel, or the far end."""

    CROSS = 0
    ENTER = 1
    EXIT = 2


class Rung(Struct, frozen=True, gc=False):
    """One bound of an alert, in the sign of its direction; `reach` is the channel's other end."""

    falls: bool
    purpose: _Purpose
    bound: Decimal
    strict: int
    reach: Decimal = ZERO


class _Slope:
    """The shelves of one direction. `previous` < `current`, both in the sign of the direction."""

    __slots__ = ("shelves",)

    def __init__(self) -> None:
        self.shelves = (Shelf(), Shelf(), Shelf())

    def passed(self, previous: Decimal, current: Decimal) -> list[int]:
        cross, enter, exit_ = self.shelves
        found = cross.passed(previous, current, None) if cross.count else []
        if enter.count:  # The far end is not passed yet.
            found += enter.passed(previous, current, current)
        if exit_.count:  # The near end was passed before; its reach is the negated near end.
            found += exit_.passed(previous, current, previous.copy_negate())
        return found

    def is_between(self, previous: Decimal, current: Decimal) -> bool:
        return any(shelf.has_passed_any(previous, current) for shelf in self.shelves)


class Ladder:
    """Bounds of the alerts on one side of a symbol."""

    __slots__ = ("_fall", "_rise")

    def __init__(self) -> None:
        self._rise = _Slope()
        self._fall = _Slope()

    def add(self, alert_id: int, rungs: tuple[Rung, ...]) -> None:
        """Hang an alert's bounds up."""
        for rung in rungs:
            slope = self._fall if rung.falls else self._rise
            slope.shelves[rung.purpose].add((rung.bound, rung.strict, alert_id, rung.reach))

    def remove(self, alert_id: int, rungs: tuple[Rung, ...]) -> None:
        """Take them down."""
        for rung in rungs:
            slope = self._fall if rung.falls else self._rise
            slope.shelves[rung.purpose].remove((rung.bound, rung.strict, alert_id, rung.reach))

    def passed(self, previous: Decimal, current: Decimal) -> list[int]:
        """Alerts whose condition becomes true by the step between two different prices."""
        if previous < current:
            return self._rise.passed(previous, current)
        return self._fall.passed(previous.copy_negate(), current.copy_negate())

    def is_between(self, one: Decimal, other: Decimal) -> bool:
        """Whether a step between these prices, either way, passes any bound at all."""
        low, high = min(one, other), max(one, other)
        return self._rise.is_between(low, high) or self._fall.is_between(high.copy_negate(), low.copy_negate())


def rungs(trigger: Trigger, reference: Decimal | None) -> tuple[Rung, ...]:
    """Bounds of a trigger: where the step starts that fires it, and where it must not end."""
    match trigger.condition:
        case Condition.CROSSING_UP:
            return (_up(trigger.target, _REACHED),)
        case Condition.CROSSING_DOWN:
            return (_down(trigger.target, _REACHED),)
        case Condition.CROSSING:
            return (_up(trigger.target, _REACHED), _down(trigger.target, _REACHED))
        case Condition.GREATER:
            return (_up(trigger.target, _EXCEEDED),)
        case Condition.LESS:
            return (_down(trigger.target, _EXCEEDED),)
        case Condition.ENTERING_CHANNEL | Condition.INSIDE_CHANNEL:
            return _channel(trigger, _Purpose.ENTER)
        case Condition.EXITING_CHANNEL | Condition.OUTSIDE_CHANNEL:
            return _channel(trigger, _Purpose.EXIT)
        case _:  # Moves.
            assert reference is not None, "a move is measured from a reference"
            climbs = trigger.condition in (Condition.MOVING_UP, Condition.MOVING_UP_PERCENT)
            return ((_up if climbs else _down)(move_bound(trigger, reference), _REACHED),)


def _up(bound: Decimal, strict: int) -> Rung:
    return Rung(falls=False, purpose=_Purpose.CROSS, bound=bound, strict=strict)


def _down(bound: Decimal, strict: int) -> Rung:
    return Rung(falls=True, purpose=_Purpose.CROSS, bound=bound.copy_negate(), strict=strict)


def _channel(trigger: Trigger, purpose: _Purpose) -> tuple[Rung, ...]:
    low, high = trigger.low, trigger.high
    if purpose is _Purpose.ENTER:
        return (
            Rung(falls=False, purpose=purpose, bound=low, strict=_REACHED, reach=high),
            Rung(falls=True, purpose=purpose, bound=high.copy_negate(), strict=_REACHED, reach=low.copy_negate()),
        )
    return (
        Rung(falls=False, purpose=purpose, bound=high, strict=_EXCEEDED, reach=low.copy_negate()),
        Rung(falls=True, purpose=purpose, bound=low.copy_negate(), strict=_EXCEEDED, reach=high),
    )
