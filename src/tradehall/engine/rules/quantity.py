"""Claims about the quantity."""

from decimal import Decimal
from typing import Final

from tradehall.domain.money import ZERO, is_multiple, round_down_to, round_up_to
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import STEPPED, about

# What would have passed is told this finely where the instrument has no grid.
_FINEST_TOLD: Final = Decimal("1E-8")


def quantity_is_at_least_min(draft: OrderDraft) -> Rejection | None:
    """More than nothing, and at least the instrument's minimum; what closes a position whole may be less."""
    minimum, quantity = draft.instrument.quantity_min, draft.terms.quantity
    if quantity > ZERO and (quantity >= minimum or draft.closes_whole):
        return None
    smallest = _smallest(draft)
    return Rejection(
        RejectCode.QUANTITY_BELOW_MIN,
        f"quantity {quantity} is below the minimum {minimum} of {draft.terms.symbol}"
        if minimum
        else f"quantity was {quantity}, must be positive",
        {"quantity": quantity, "quantity_min": minimum} | ({"would_pass": smallest} if smallest else {}),
    )


def quantity_is_at_most_max(draft: OrderDraft) -> Rejection | None:
    """At most the instrument's maximum."""
    maximum, quantity = draft.instrument.quantity_max, draft.terms.quantity
    if quantity <= maximum or draft.closes_whole:
        return None
    because = f"the maximum {maximum} of {draft.terms.symbol}"
    return quantity_above_max(quantity, maximum, because, quantity_that_passes(draft, maximum))


def quantity_above_max(quantity: Decimal, maximum: Decimal, because: str, would_pass: dict[str, Decimal]) -> Rejection:
    """The refusal of more units than there may be, or than there are."""
    return Rejection(
        RejectCode.QUANTITY_ABOVE_MAX,
        f"quantity {quantity} is above {because}",
        {"quantity": quantity, "quantity_max": maximum} | would_pass,
    )


@about(STEPPED)
def quantity_is_on_step(draft: OrderDraft) -> Rejection | None:
    """On the instrument's finest step, and on the lot step of a door that speaks lots.

    What closes a position whole need not be: it may have been opened elsewhere, in no whole steps.
    """
    quantity = draft.terms.quantity
    for step in (draft.instrument.quantity_step, draft.command.lot_step):
        if step is not None and not is_multiple(quantity, step) and not draft.closes_whole:
            return Rejection(
                RejectCode.QUANTITY_STEP,
                f"quantity {quantity} is not a multiple of {step}",
                {"quantity": quantity, "quantity_step": step} | quantity_that_passes(draft, quantity),
            )
    return None


def quantity_that_passes(draft: OrderDraft, at_most: Decimal) -> dict[str, Decimal]:
    """`would_pass`: the largest quantity [units] on the grid that is not above `at_most`; none where none is."""
    step = finest_grid(draft)
    largest = at_most if is_multiple(at_most, step) else round_down_to(at_most, step)
    return {"would_pass": largest} if largest > 0 and largest >= _smallest(draft) else {}


def finest_grid(draft: OrderDraft) -> Decimal:
    """The grid [units] that quantities lie on, or the finest that is told where there is none."""
    return _grid(draft) or _FINEST_TOLD


def _smallest(draft: OrderDraft) -> Decimal:
    """The smallest quantity that minimum and grid allow; 0 where any fraction will do."""
    grid, minimum = _grid(draft), draft.instrument.quantity_min
    return minimum if grid is None else max(grid, round_up_to(minimum, grid))


def _grid(draft: OrderDraft) -> Decimal | None:
    """The coarser of both steps: a lot step is made of whole quantity steps."""
    steps = [step for step in (draft.instrument.quantity_step, draft.command.lot_step) if step is not None]
    return max(steps, default=None)
