"""Claims about the quantity."""

from tradehall.domain.money import ZERO, is_multiple, round_down_to
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft


def quantity_is_at_least_min(draft: OrderDraft) -> Rejection | None:
    """More than nothing, and at least the instrument's minimum."""
    minimum, quantity = draft.instrument.quantity_min, draft.terms.quantity
    if quantity >= minimum and quantity > 0:
        return None
    return Rejection(
        RejectCode.QUANTITY_BELOW_MIN,
        f"quantity {quantity} is below the minimum {minimum} of {draft.terms.symbol}"
        if minimum
        else f"quantity was {quantity}, must be positive",
        {"quantity": quantity, "quantity_min": minimum, "would_pass": minimum},
    )


def quantity_is_at_most_max(draft: OrderDraft) -> Rejection | None:
    """At most the instrument's maximum."""
    maximum, quantity = draft.instrument.quantity_max, draft.terms.quantity
    if quantity <= maximum:
        return None
    return Rejection(
        RejectCode.QUANTITY_ABOVE_MAX,
        f"quantity {quantity} is above the maximum {maximum} of {draft.terms.symbol}",
        {"quantity": quantity, "quantity_max": maximum, "would_pass": maximum},
    )


def quantity_is_on_step(draft: OrderDraft) -> Rejection | None:
    """On the instrument's finest step, and on the lot step of a door that speaks lots."""
    quantity = draft.terms.quantity
    for step in (draft.instrument.quantity_step, draft.command.lot_step):
        if step is not None and not is_multiple(quantity, step):
            return Rejection(
                RejectCode.QUANTITY_STEP,
                f"quantity {quantity} is not a multiple of {step}",
                {
                    "quantity": quantity,
                    "quantity_step": step,
                    "would_pass": max(ZERO, round_down_to(quantity, step)),
                },
            )
    return None
