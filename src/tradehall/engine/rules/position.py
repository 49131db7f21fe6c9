"""Claims about the position an order would meet."""

from decimal import Decimal

from tradehall.domain.ids import PositionId
from tradehall.domain.position import side_opened_by
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.booking import reducible_by
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import MEETING, REDUCING, about


@about(REDUCING)
def position_is_known(draft: OrderDraft) -> Rejection | None:
    """A named position exists, on this account and in this symbol."""
    position_id = draft.terms.position_id
    if position_id is None:
        return None
    if draft.position is not None and draft.position.symbol == draft.terms.symbol:
        return None
    return position_unknown(position_id)


def position_unknown(position_id: PositionId) -> Rejection:
    """The refusal of everything that names a position that is not open on the account, or not in the symbol."""
    return Rejection(
        RejectCode.POSITION_UNKNOWN,
        f"position {position_id} is not open",
        {"position_id": Decimal(position_id)},
    )


@about(REDUCING)
def position_side_fits(draft: OrderDraft) -> Rejection | None:
    """An order that names a position reduces it."""
    position = draft.position
    if draft.terms.position_id is None or position is None or position.side.exit_side is draft.terms.side:
        return None
    return Rejection(
        RejectCode.POSITION_SIDE,
        f"a {draft.terms.side} order cannot reduce the {position.side} position {position.position_id}",
        {"position_id": Decimal(position.position_id), "quantity": position.quantity},
    )


@about(MEETING)
def margin_mode_matches(draft: OrderDraft) -> Rejection | None:
    """What is added to a position has the margin mode of the position."""
    position, terms = draft.position, draft.terms
    if position is None or not draft.opening_quantity or position.side is not side_opened_by(terms.side):
        return None
    if position.margin_mode is terms.margin_mode:
        return None
    return Rejection(
        RejectCode.MARGIN_MODE_MISMATCH,
        f"position {position.position_id} has {position.margin_mode} margin, the order {terms.margin_mode}",
        {"position_id": Decimal(position.position_id)},
    )


@about(REDUCING)
def reduce_only_reduces(draft: OrderDraft) -> Rejection | None:
    """A reduce-only order finds something to reduce; more than that is capped when it fills."""
    if not draft.terms.reduce_only or reducible_by(draft.state, draft.account, draft.terms):
        return None
    return Rejection(
        RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE,
        f"a reduce-only {draft.terms.side} order finds no position in {draft.terms.symbol} to reduce",
        {"quantity": draft.quantity},
    )
