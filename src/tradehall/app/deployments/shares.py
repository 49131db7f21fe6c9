"""Shares: how deployments' budgets add up to their strategy's, and who set that.

An entry that only deployments made is always the sum of their shares. Where somebody else set it, it is a cap
that the shares must keep within, and stays as it was set.
"""

import asyncio
from decimal import Decimal
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.outcome import Outcome
from tradehall.app.records.audit import HOUSE, audit_line
from tradehall.app.records.deployments import BudgetShare, Deployment
from tradehall.app.studio.book import BUDGET_KIND, StudioBook
from tradehall.app.studio.refusals import StudioCode, StudioRefused
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.strategy import Budget
from tradehall.engine.commands import SetBudget
from tradehall.ports.records import RecordChange

ACTOR: Final = "studio"


class BudgetShares:
    """The budgets that deployments make. One change at a time."""

    def __init__(self, room: StudioRoom, desk: Desk) -> None:
        self._room = room
        self._desk = desk
        self.lock = asyncio.Lock()

    def budget(self, account_id: AccountId, keygen: str, currency: str) -> Budget | None:
        """The entry as the engine has it."""
        account = self._desk.state.accounts.get(account_id)
        book = None if account is None else account.books.get(keygen)
        return None if book is None else book.budget(currency)

    def check_room(self, account_id: AccountId, keygen: str, share: BudgetShare) -> None:
        """StudioRefused BUDGET_EXCEEDED where a cap that somebody set has no room for one more share."""
        entry = self.budget(account_id, keygen, share.currency)
        if entry is None or self._is_ours(account_id, keygen, entry):
            return
        shared = self._shared(account_id, keygen, share.currency)
        if shared + share.allocated > entry.allocated:
            facts = {
                "currency": share.currency, "allocated": format(entry.allocated, "f"), "shared": format(shared, "f"),
                "required": format(share.allocated, "f"),
                "would_pass": format(max(ZERO, entry.allocated - shared), "f"),
            }  # fmt: skip
            raise StudioRefused(
                StudioCode.BUDGET_EXCEEDED,
                f"the strategy's budget is {entry.allocated} {share.currency}, {shared} of it are shared out already",
                facts,
            )

    async def settle(self, deployment: Deployment) -> Outcome | None:
        """Make the entry the sum of the shares, where deployments made it; None: nothing had to change."""
        if deployment.budget is None:
            return None
        account_id, keygen, currency = deployment.account_id, deployment.keygen, deployment.budget.currency
        entry = self.budget(account_id, keygen, currency)
        if entry is not None and not self._is_ours(account_id, keygen, entry):
            return None
        shared = self._shared(account_id, keygen, currency)
        # What is tied up already stays allocated, so that nothing shows as overdrawn.
        wanted = max(shared, ZERO if entry is None else entry.reserved)
        if entry is not None and entry.allocated == wanted:
            return None
        # Noted first: an entry of another amount is somebody else's, whatever happens in between.
        await self._note(account_id, keygen, currency, wanted)
        return await self._desk.submit(
            SetBudget(account_id, keygen, currency, wanted, reason="shares of deployments", actor=ACTOR)
        )

    def _shared(self, account_id: AccountId, keygen: str, currency: str) -> Decimal:
        """What the shares of all that is active add up to."""
        return sum(
            (
                each.budget.allocated
                for each in self._room.book.deployments
                if each.is_active and (each.account_id, each.keygen) == (account_id, keygen)
                and each.budget is not None and each.budget.currency == currency
            ),
            ZERO,
        )  # fmt: skip

    def _is_ours(self, account_id: AccountId, keygen: str, entry: Budget) -> bool:
        return self._room.book.budgets_made.get(_key(account_id, keygen, entry.currency)) == entry.allocated

    async def _note(self, account_id: AccountId, keygen: str, currency: str, amount: Decimal) -> None:
        key = _key(account_id, keygen, currency)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, None]:
            if book.budgets_made.get(key) == amount:
                return None, None
            line = audit_line(HOUSE, now, "budget.share", (BUDGET_KIND, key), note=f"{amount} {currency}")
            return StudioWrite([RecordChange(BUDGET_KIND, key, str(amount).encode())], [line]), None

        await self._room.change(decide)


def _key(account_id: AccountId, keygen: str, currency: str) -> str:
    return f"{account_id}:{keygen}:{currency}"
