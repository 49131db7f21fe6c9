"""Conditions: an object with one key, the relation, and its operands or parts."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tradehall.strategies.definition import (
    BARS_AGO_MAX,
    BARS_MAX,
    BLOCKS_MAX,
    DEPTH_MAX,
    All,
    Any,
    Comparison,
    Condition,
    Move,
    Not,
    Number,
    Operand,
    Relation,
    Within,
)
from tradehall.strategies.reading.inputs import Names, read_operand
from tradehall.strategies.reading.spot import Spot


class Reading:
    """What the blocks of one definition share: names, and how many there are already."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.blocks = 0

    def counts(self, spot: Spot) -> bool:
        """Count a block; False (and a complaint, once) if there are too many."""
        self.blocks += 1
        if self.blocks == BLOCKS_MAX + 1:
            spot.complain(f"more than {BLOCKS_MAX} conditions and actions")
        return self.blocks <= BLOCKS_MAX

    def operand(self, spot: Spot, ago: int = 0) -> Operand | None:
        """An operand; `ago` [bars] is how far back its condition looks at it."""
        bars, depth = 0, 0
        while isinstance(spot.value, dict) and "prev" in spot.value:
            step = _prev(spot)
            depth += 1
            if step is None:
                return None
            spot, bars = step[0], bars + step[1]
            if ago + bars > BARS_AGO_MAX or depth > DEPTH_MAX:
                spot.complain(f"looks back more than {BARS_AGO_MAX} bars in all, or through {DEPTH_MAX} times prev")
                return None
        operand = read_operand(spot, self.names)
        return operand if operand is None or isinstance(operand, Number) else replace(operand, bars_ago=bars)


def read_condition(spot: Spot, reading: Reading, depth: int = 1, ago: int = 0) -> Condition | None:
    """A condition and all in it. `ago` [bars]: how far back those around it look at it."""
    if depth > DEPTH_MAX:
        spot.complain(f"conditions are nested deeper than {DEPTH_MAX}")
        return None
    if not reading.counts(spot) or not spot.is_object(_KINDS):
        return None
    if len(spot.value) != 1:
        spot.complain(f"must have one key, had {len(spot.value)}: put conditions side by side into all or any")
        return None
    kind = next(iter(spot.value))
    return _KINDS[kind](spot.key(kind), reading, depth, ago)


def _prev(spot: Spot) -> tuple[Spot, int] | None:
    """The operand that was some bars before, and how many."""
    here = spot.key("prev")
    if not spot.is_object(("prev",)) or not here.is_list(2, 2):
        return None
    operand, count = here.items()
    bars = count.whole(1, BARS_MAX)
    return None if bars is None else (operand, bars)


def _comparison(relation: Relation) -> "_Reader":
    looks_back = 1 if relation in (Relation.CROSSES_ABOVE, Relation.CROSSES_BELOW) else 0

    def read(spot: Spot, reading: Reading, depth: int, ago: int) -> Condition | None:
        if not spot.is_list(2, 2):
            return None
        left, right = (reading.operand(each, ago + looks_back) for each in spot.items())
        if left is None or right is None:
            return None
        if isinstance(left, Number) and isinstance(right, Number):
            spot.complain("compares two numbers: one of them must move")
            return None
        return Comparison(relation, left, right)

    return read


def _move(rises: bool) -> "_Reader":
    def read(spot: Spot, reading: Reading, depth: int, ago: int) -> Condition | None:
        if not spot.is_list(2, 3):
            return None
        spots = list(spot.items())
        bars = read_bars(spots[2]) if len(spots) == 3 else 1
        operand = reading.operand(spots[0], ago + (bars or 0))
        amount = _amount(spots[1])
        if bars is None or operand is None or amount is None:
            return None
        if isinstance(operand, Number):
            spots[0].complain("must be a price or an input: a number does not move")
            return None
        if operand.bars_ago + bars + ago > BARS_AGO_MAX:
            spot.complain(f"looks back more than {BARS_AGO_MAX} bars in all")
            return None
        number, is_percent = amount
        return Move(rises, operand, number.value, is_percent, bars)

    return read


def _amount(spot: Spot) -> tuple[Number, bool] | None:
    is_percent = False
    if isinstance(spot.value, dict):
        if not spot.is_object(("percent", "absolute")):
            return None
        if len(spot.value) != 1:
            spot.complain("must have one key, percent or absolute")
            return None
        is_percent = "percent" in spot.value
        spot = spot.key("percent" if is_percent else "absolute")
    number = spot.positive()
    return None if number is None else (Number(number), is_percent)


def read_bars(spot: Spot) -> int | None:
    """A number of bars, {"bars": 5}."""
    if not spot.is_object(("bars",), needs=("bars",)):
        return None
    return spot.key("bars").whole(1, BARS_MAX)


def _parts(kind: type[All] | type[Any]) -> "_Reader":
    def read(spot: Spot, reading: Reading, depth: int, ago: int) -> Condition | None:
        if not spot.is_list(1, BLOCKS_MAX):
            return None
        parts: list[Condition | None] = []
        for each in spot.items():
            parts.append(read_condition(each, reading, depth + 1, ago))
            if reading.blocks > BLOCKS_MAX:
                return None
        whole = tuple(part for part in parts if part is not None)
        return kind(whole) if len(whole) == len(parts) else None

    return read


def _not(spot: Spot, reading: Reading, depth: int, ago: int) -> Condition | None:
    part = read_condition(spot, reading, depth + 1, ago)
    return None if part is None else Not(part)


def _within(spot: Spot, reading: Reading, depth: int, ago: int) -> Condition | None:
    if not spot.is_list(2, 2):
        return None
    part, count = spot.items()
    bars = read_bars(count)
    if bars is None:
        return None
    if ago + bars > BARS_AGO_MAX:
        spot.complain(f"looks back more than {BARS_AGO_MAX} bars in all")
        return None
    condition = read_condition(part, reading, depth + 1, ago + bars - 1)
    return None if condition is None else Within(condition, bars)


_Reader = Callable[[Spot, Reading, int, int], Condition | None]
_KINDS: Final[dict[str, _Reader]] = {
    **{relation.value: _comparison(relation) for relation in Relation},
    "rises_by": _move(rises=True),
    "falls_by": _move(rises=False),
    "all": _parts(All),
    "any": _parts(Any),
    "not": _not,
    "within": _within,
}
CONDITION_KEYS: Final = tuple(_KINDS)
