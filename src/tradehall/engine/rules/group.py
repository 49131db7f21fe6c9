"""Claims about what the group of the account allows: hedges, parts, the order of closing, how many positions."""

from decimal import Decimal

from tradehall.domain.account import PositionMode
from tradehall.domain.position import Position, side_opened_by
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import REDUCING, RULED, about


@about(RULED)
def positions_are_below_max(draft: OrderDraft) -> Rejection | None:
    """An account has at most so many positions; what adds to one it has opens none."""
    most, account = draft.account.terms.positions_max, draft.account
    if not most or not draft.opening_quantity or len(account.positions) < most:
        return None
    if account.terms.position_mode is PositionMode.NETTING and draft.position is not None:
        return None
    return too_many_positions(f"account {draft.terms.account_id}", len(account.positions), most)


def too_many_positions(who: str, count: int, most: int) -> Rejection:
    """The refusal of a position more than an account, or a strategy, may have."""
    return Rejection(
        RejectCode.TOO_MANY_POSITIONS,
        f"{who} has {count} positions, the most it may have is {most}",
        {"positions": Decimal(count), "positions_max": Decimal(most)},
    )


@about(RULED)
def hedge_is_allowed(draft: OrderDraft) -> Rejection | None:
    """Where hedges are prohibited, nothing opens against an open position in the symbol."""
    account = draft.account
    if not account.terms.hedge_prohibited or not draft.opening_quantity:
        return None
    if account.terms.position_mode is PositionMode.NETTING:
        return None
    side = side_opened_by(draft.terms.side)
    for position in account.positions.values():
        if position.symbol == draft.terms.symbol and position.side is not side:
            return Rejection(
                RejectCode.HEDGE_PROHIBITED,
                f"position {position.position_id} is {position.side}: nothing may be opened against it",
                {"position_id": Decimal(position.position_id)},
            )
    return None


@about(REDUCING)
def oldest_closes_first(draft: OrderDraft) -> Rejection | None:
    """Where that is the rule, the oldest position of a symbol and side is closed before the others."""
    position = _closing(draft)
    if position is None or not draft.account.terms.close_fifo:
        return None
    same = (p for p in draft.account.positions.values() if (p.symbol, p.side) == (position.symbol, position.side))
    oldest = min(same, key=lambda each: (each.opened_at, each.position_id))
    if oldest.position_id == position.position_id:
        return None
    return Rejection(
        RejectCode.OLDER_POSITION_FIRST,
        f"position {oldest.position_id} is older than {position.position_id} and has to be closed first",
        {"position_id": Decimal(position.position_id), "oldest": Decimal(oldest.position_id)},
    )


@about(REDUCING)
def part_may_close(draft: OrderDraft) -> Rejection | None:
    """Where that is the rule, a position is closed whole."""
    position = _closing(draft)
    if position is None or draft.account.terms.partial_close or draft.quantity >= position.quantity:
        return None
    return Rejection(
        RejectCode.PARTIAL_CLOSE_PROHIBITED,
        f"position {position.position_id} may only be closed whole, all {position.quantity} of it",
        {"quantity": draft.quantity, "would_pass": position.quantity},
    )


@about(REDUCING)
def remainder_is_tradable(draft: OrderDraft) -> Rejection | None:
    """At a door that speaks lots, what a partial close leaves can be closed by itself."""
    position, step = _closing(draft), draft.command.lot_step
    if position is None or step is None:
        return None
    left, least = position.quantity - draft.quantity, max(step, draft.instrument.quantity_min)
    if left <= 0 or left >= least:
        return None
    return Rejection(
        RejectCode.REMAINDER_TOO_SMALL,
        f"{left} would be left of position {position.position_id}, less than the smallest order of {least}",
        {"remainder": left, "quantity_min": least, "would_pass": position.quantity},
    )


def _closing(draft: OrderDraft) -> Position | None:
    """The position that the order was made to close; None for any other order."""
    return draft.position if draft.terms.position_id is not None and draft.terms.reduce_only else None
