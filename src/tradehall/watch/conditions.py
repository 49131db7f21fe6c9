"""Conditions on a value that moves: when does the step from the previous value to this one fire?

Here for one value at a time: price alerts use it until an index can tell for all of them at once which fire
(see `armed`), and the tests hold the index against it. Scanners look for what strategies look for, in floats
of closed bars that may differ in their last digits: their conditions are in `strategies/comparing.py` (ADR-0013).
"""

from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.money import HUNDRED, ZERO
from tradehall.domain.time import NS_PER_SECOND

# A watched value fires at most once in this span.
QUIET_NS: Final = NS_PER_SECOND


class Condition(IntEnum):
    """What fires; the numbers are those of the broker client API."""

    CROSSING_UP = 0
    CROSSING_DOWN = 1
    GREATER = 2
    LESS = 3
    ENTERING_CHANNEL = 4
    EXITING_CHANNEL = 5
    INSIDE_CHANNEL = 6
    OUTSIDE_CHANNEL = 7
    MOVING_UP = 8
    MOVING_DOWN = 9
    MOVING_UP_PERCENT = 10
    MOVING_DOWN_PERCENT = 11
    CROSSING = 12

    # Equal to its number, and so is its hash; that of an Enum is worked out in Python from its name.
    __hash__ = int.__hash__


class Trigger(Struct, frozen=True, gc=False, omit_defaults=True):
    """A condition and its numbers; those that the condition does not use are 0.

    `target`, `low`, `high` are in the unit of the value (low < high); `threshold` > 0 is a distance in the
    same unit, or percent of the reference.
    """

    condition: Condition
    target: Decimal = ZERO
    low: Decimal = ZERO
    high: Decimal = ZERO
    threshold: Decimal = ZERO


class Memory(Struct, frozen=True, gc=False, omit_defaults=True):
    """What has to be known of the past of one watched value; the default: nothing yet.

    `previous`: the value before. `reference`: what moves are measured from. `is_rearmed`: a level or zone
    was left since it fired last. `fired_at`: the last firing [ns UTC].
    """

    previous: Decimal | None = None
    reference: Decimal | None = None
    is_rearmed: bool = True
    fired_at: int | None = None


CROSSINGS: Final = frozenset({Condition.CROSSING_UP, Condition.CROSSING_DOWN, Condition.CROSSING})
LEVELS: Final = frozenset({Condition.GREATER, Condition.LESS})
CHANNEL_STEPS: Final = frozenset({Condition.ENTERING_CHANNEL, Condition.EXITING_CHANNEL})
CHANNEL_ZONES: Final = frozenset({Condition.INSIDE_CHANNEL, Condition.OUTSIDE_CHANNEL})
MOVES: Final = frozenset({
    Condition.MOVING_UP,
    Condition.MOVING_DOWN,
    Condition.MOVING_UP_PERCENT,
    Condition.MOVING_DOWN_PERCENT,
})  # fmt: skip
ZONES: Final = LEVELS | CHANNEL_ZONES
# Those that are true for a while: what became true in the quiet span may fire after it.
LASTING: Final = ZONES | MOVES
NEEDS_TARGET: Final = CROSSINGS | LEVELS
NEEDS_CHANNEL: Final = CHANNEL_STEPS | CHANNEL_ZONES
assert set(Condition) == NEEDS_TARGET | NEEDS_CHANNEL | MOVES


def step(trigger: Trigger, memory: Memory, current: Decimal, at: int) -> tuple[bool, Memory]:
    """Whether `current` [at ns UTC] fires, and what to remember for the next value.

    Crossings and channel steps look at two values, so the first one never fires; a crossing in the quiet
    span after a firing is gone. Levels and zones fire while they hold, once until they no longer do; moves
    fire from their reference (the first value, if none was given), which then becomes `current`. Both wait
    for the end of the quiet span.
    """
    if memory.fired_at is not None and at < memory.fired_at + QUIET_NS:
        return False, _after(trigger, memory, current)
    if trigger.condition in ZONES:
        is_firing = memory.is_rearmed and holds(trigger, current, memory.reference)
    elif trigger.condition in MOVES:
        is_firing = holds(trigger, current, memory.reference)
    else:
        is_firing = memory.previous is not None and steps_across(trigger, memory.previous, current)
    if not is_firing:
        return False, _after(trigger, memory, current)
    reference = current if trigger.condition in MOVES else None
    return True, Memory(current, reference, is_rearmed=trigger.condition not in ZONES, fired_at=at)


def holds(trigger: Trigger, current: Decimal, reference: Decimal | None) -> bool:
    """Whether a level, zone or move is true at `current`; a move without a reference is not."""
    return _HOLDS[trigger.condition](trigger, current, reference)


def steps_across(trigger: Trigger, previous: Decimal, current: Decimal) -> bool:
    """Whether a crossing or channel step happens between the two values."""
    return _STEPS[trigger.condition](trigger, previous, current)


def move_bound(trigger: Trigger, reference: Decimal) -> Decimal:
    """The value at which a move from a positive `reference` is as large as its threshold.

    Exact: percent is a product and a shift of the decimal point, never a division.
    """
    match trigger.condition:
        case Condition.MOVING_UP:
            return reference + trigger.threshold
        case Condition.MOVING_DOWN:
            return reference - trigger.threshold
        case Condition.MOVING_UP_PERCENT:
            return (reference * (HUNDRED + trigger.threshold)).scaleb(-2)
        case _:
            return (reference * (HUNDRED - trigger.threshold)).scaleb(-2)


def _after(trigger: Trigger, memory: Memory, current: Decimal) -> Memory:
    reference, is_rearmed = memory.reference, memory.is_rearmed
    if trigger.condition in MOVES:
        reference = current if reference is None else reference
    elif trigger.condition in ZONES:
        is_rearmed = is_rearmed or not holds(trigger, current, None)
    return Memory(current, reference, is_rearmed, memory.fired_at)


def _is_inside(trigger: Trigger, value: Decimal) -> bool:
    return trigger.low <= value <= trigger.high


def _has_moved(trigger: Trigger, current: Decimal, reference: Decimal | None, sign: int) -> bool:
    return reference is not None and sign * (current - reference) >= trigger.threshold


def _has_moved_percent(trigger: Trigger, current: Decimal, reference: Decimal | None, sign: int) -> bool:
    # Multiplied out; of the absolute value, for indicators may be negative. Of nothing there is no percentage.
    if not reference:
        return False
    return sign * (current - reference) * HUNDRED >= trigger.threshold * abs(reference)


def _goes_up(trigger: Trigger, previous: Decimal, current: Decimal) -> bool:
    return previous < trigger.target <= current


def _goes_down(trigger: Trigger, previous: Decimal, current: Decimal) -> bool:
    return previous > trigger.target >= current


_HOLDS: Final[dict[Condition, Callable[[Trigger, Decimal, Decimal | None], bool]]] = {
    Condition.GREATER: lambda trigger, current, _: current > trigger.target,
    Condition.LESS: lambda trigger, current, _: current < trigger.target,
    Condition.INSIDE_CHANNEL: lambda trigger, current, _: _is_inside(trigger, current),
    Condition.OUTSIDE_CHANNEL: lambda trigger, current, _: not _is_inside(trigger, current),
    Condition.MOVING_UP: lambda trigger, current, reference: _has_moved(trigger, current, reference, 1),
    Condition.MOVING_DOWN: lambda trigger, current, reference: _has_moved(trigger, current, reference, -1),
    Condition.MOVING_UP_PERCENT: lambda trigger, current, reference: _has_moved_percent(trigger, current, reference, 1),
    Condition.MOVING_DOWN_PERCENT: lambda trigger, current, reference: _has_moved_percent(
        trigger, current, reference, -1
    ),
}
_STEPS: Final[dict[Condition, Callable[[Trigger, Decimal, Decimal], bool]]] = {
    Condition.CROSSING_UP: _goes_up,
    Condition.CROSSING_DOWN: _goes_down,
    Condition.CROSSING: lambda trigger, previous, current: (
        _goes_up(trigger, previous, current) or _goes_down(trigger, previous, current)
    ),
    Condition.ENTERING_CHANNEL: lambda trigger, previous, current: (
        not _is_inside(trigger, previous) and _is_inside(trigger, current)
    ),
    Condition.EXITING_CHANNEL: lambda trigger, previous, current: (
        _is_inside(trigger, previous) and not _is_inside(trigger, current)
    ),
}
assert not _HOLDS.keys() & _STEPS.keys()
assert _HOLDS.keys() | _STEPS.keys() == set(Condition)
assert _HOLDS.keys() == LASTING
