"""Claims about the account: may it write, may it open, has it room for another order?"""

from decimal import Decimal

from tradehall.domain.account import AccountStatus
from tradehall.domain.ids import AccountId
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import RULED, about


@about(RULED)
def account_is_enabled(draft: OrderDraft) -> Rejection | None:
    """A disabled account gives no orders."""
    if draft.account.terms.status is not AccountStatus.DISABLED:
        return None
    return Rejection(RejectCode.ACCOUNT_DISABLED, f"account {draft.terms.account_id} is disabled")


@about(RULED)
def account_may_write(draft: OrderDraft) -> Rejection | None:
    """A read-only account only looks."""
    if draft.account.terms.status is not AccountStatus.READ_ONLY:
        return None
    return account_read_only(draft.terms.account_id)


def account_read_only(account_id: AccountId) -> Rejection:
    """A read-only account only looks: it neither gives orders nor takes them back."""
    return Rejection(RejectCode.ACCOUNT_READ_ONLY, f"account {account_id} is read-only")


@about(RULED)
def account_may_open(draft: OrderDraft) -> Rejection | None:
    """A close-only account gives orders that reduce, and no others; what works already may become less."""
    if draft.account.terms.status is not AccountStatus.CLOSE_ONLY or not draft.opening_quantity:
        return None
    if draft.working is not None and draft.quantity <= draft.working.remaining_quantity:
        return None
    closing = draft.quantity - draft.opening_quantity
    return Rejection(
        RejectCode.ACCOUNT_CLOSE_ONLY,
        f"account {draft.terms.account_id} may only close positions",
        {"opening_quantity": draft.opening_quantity} | ({"would_pass": closing} if closing else {}),
    )


def orders_are_below_max(draft: OrderDraft) -> Rejection | None:
    """An account has at most so many working orders; it can always reduce."""
    account = draft.account
    working, most = len(account.orders), account.terms.orders_max
    if working < most or draft.terms.reduce_only:
        return None
    return Rejection(
        RejectCode.TOO_MANY_ORDERS,
        f"account {draft.terms.account_id} has {working} working orders, the most it may have is {most}",
        {"working": Decimal(working), "orders_max": Decimal(most)},
    )
