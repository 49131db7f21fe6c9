"""When one value is above, below or equal to another, and when it moved: for single values and for whole arrays.

Indicators are sums of floats, and the same sum made from another beginning differs in its last digits. Two
averages of a price that stands still must not cross because of them. So values that differ by no more than
1e-12 of the greater count as equal; where an indicator is among them, also by 1e-12 of the close they were
made of, for the difference of two averages may be a zero that is not quite one. The same expressions are
evaluated for single values and for arrays, so both say the same to the last bit.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradehall.strategies.columns import Floats
from tradehall.strategies.definition import Move, Relation
from tradehall.strategies.verdicts import Verdict

TOLERANCE: Final = 1e-12

Verdicts = NDArray[np.uint8]


def compare(relation: Relation, left: float, right: float, scale: float) -> Verdict:
    """ABOVE, BELOW or EQUALS of two values; UNKNOWN if one is not known. `scale`: see above, 0 if there is none."""
    if left != left or right != right:  # noqa: PLR0124
        return Verdict.UNKNOWN
    slack = TOLERANCE * max(abs(left), abs(right), scale)
    return Verdict.MET if _HOLDS[relation](left - right, slack) else Verdict.UNMET


def compare_all(relation: Relation, left: Floats, right: Floats, scale: Floats) -> Verdicts:
    """The same at every place of the arrays."""
    slack = TOLERANCE * np.maximum(np.maximum(np.abs(left), np.abs(right)), scale)
    with np.errstate(invalid="ignore"):
        holds = _HOLDS[relation](left - right, slack)
    return _verdicts(holds, np.isnan(left) | np.isnan(right))


def has_moved(move: Move, then: float, now: float) -> Verdict:
    """Whether a value moved from `then` to `now` as far as it should. Of nothing there is no percentage."""
    if then != then or now != now:  # noqa: PLR0124
        return Verdict.UNKNOWN
    amount = move.amount.__float__()
    distance = now - then if move.rises else then - now
    slack = TOLERANCE * max(abs(now), abs(then))
    if not move.is_percent:
        return Verdict.MET if distance - amount >= -slack else Verdict.UNMET
    return Verdict.MET if then != 0 and distance * 100 - amount * abs(then) >= -100 * slack else Verdict.UNMET


def has_moved_all(move: Move, then: Floats, now: Floats) -> Verdicts:
    """The same at every place of the arrays."""
    amount = move.amount.__float__()
    distance = now - then if move.rises else then - now
    slack = TOLERANCE * np.maximum(np.abs(now), np.abs(then))
    with np.errstate(invalid="ignore"):
        if move.is_percent:
            holds = (then != 0) & (distance * 100 - amount * np.abs(then) >= -100 * slack)
        else:
            holds = distance - amount >= -slack
    return _verdicts(holds, np.isnan(then) | np.isnan(now))


def _verdicts(holds: Any, is_unknown: Any) -> Verdicts:
    found = np.where(is_unknown, Verdict.UNKNOWN, np.where(holds, Verdict.MET, Verdict.UNMET))
    return found.astype(np.uint8)


# Of the difference of two values and the slack they have; crossings are made of ABOVE and BELOW.
_HOLDS: Final[dict[Relation, Callable[[Any, Any], Any]]] = {
    Relation.ABOVE: lambda difference, slack: difference > slack,
    Relation.BELOW: lambda difference, slack: -difference > slack,
    Relation.EQUALS: lambda difference, slack: abs(difference) <= slack,
}
CROSSINGS: Final = {Relation.CROSSES_ABOVE: Relation.ABOVE, Relation.CROSSES_BELOW: Relation.BELOW}
assert _HOLDS.keys() | CROSSINGS.keys() == set(Relation)
