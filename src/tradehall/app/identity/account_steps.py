"""Account steps: what identity decided is carried out in the engine, though the server may die between."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.identity.book import Book
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.records.account_steps import KIND, STATUS_KIND, AccountStep
from tradehall.app.records.audit import HOUSE, audit_line
from tradehall.app.records.users import User
from tradehall.domain.account import AccountStatus
from tradehall.domain.ids import AccountId
from tradehall.domain.order import OrderRole
from tradehall.engine.commands import AnyCommand, CancelOrder, OpenAccount, UpdateAccount
from tradehall.ports.records import RecordChange

REASON: Final = "the user was deactivated"

_log: Final = logging.getLogger("tradehall.identity")


class AccountSteps:
    """Does what is still to be done. Without a desk (the command line) it stays until a server does it.

    `is_closing` says of an account whether the house still closes positions there: a disabled account's orders
    are refused, so it is disabled when that is done. `in_hand`: accounts whose steps somebody is about to do, by name.
    """

    def __init__(self, room: IdentityRoom) -> None:
        self._room = room
        self.is_closing: Callable[[AccountId], bool] = _nobody_closes
        self.in_hand: set[AccountId] = set()
        self._desk: Desk | None = None
        self._one_at_a_time = asyncio.Lock()

    def attach(self, desk: Desk) -> None:
        """From now on steps can be done."""
        self._desk = desk

    async def do(self, *logins: AccountId) -> None:
        """Do what is to be done for these accounts, or for all; durable on return.

        ShardUnavailable: not now; it will be tried again.
        """
        if self._desk is None or not self._room.book.steps:
            return
        async with self._one_at_a_time:
            for step in list(self._room.book.steps.values()):
                if step.login not in logins if logins else step.login in self.in_hand:
                    continue
                if step.cancels_entries:
                    await self.cancel_entries(step.login)
                if not (step.is_enabled is False and self.is_closing(step.login)):
                    await self._do(self._desk, step)

    async def cancel_entries(self, login: AccountId) -> int:
        """Cancel orders that would open something; how many there were."""
        assert self._desk is not None, "no desk is attached"
        account = self._desk.state.accounts.get(login)
        orders = [] if account is None else [each for each in account.orders.values() if each.role is OrderRole.ENTRY]
        cancelled = 0
        for order in orders:
            outcome = await self._desk.submit(CancelOrder(login, order.order_id, REASON))
            cancelled += outcome.rejection is None
        return cancelled

    async def _do(self, desk: Desk, step: AccountStep) -> None:
        account = desk.state.accounts.get(step.login)
        if account is None and step.terms is not None:
            await _submit(desk, OpenAccount(step.terms, step.deposit))
            account = desk.state.accounts[step.login]
        status = None if account is None else account.terms.status
        wanted = self._wanted(step, status)
        if status is not None and wanted not in (None, status):
            await _submit(desk, UpdateAccount(step.login, status=wanted))
        # What we found done may have been decided by somebody else a moment ago.
        await desk.durable()
        await self._room.change(lambda book, now: _cleared(book, now, step, status))

    def _wanted(self, step: AccountStep, status: AccountStatus | None) -> AccountStatus | None:
        if step.is_enabled is None or status is None:
            return None
        if not step.is_enabled:
            return AccountStatus.DISABLED
        if status is not AccountStatus.DISABLED:
            return None  # It was never disabled, or somebody set another status since.
        return self._room.book.statuses_before.get(step.login, AccountStatus.ACTIVE)


def _nobody_closes(account_id: AccountId) -> bool:
    return False


async def _submit(desk: Desk, command: AnyCommand) -> Outcome:
    outcome = await desk.submit(command)
    if outcome.rejection is not None:
        # The step stays, so that it is seen; a rule that refuses it now may let it pass later.
        raise ShardUnavailable(f"{type(command).__name__} was refused: {outcome.rejection.message}")
    return outcome


def _cleared(book: Book, now: int, step: AccountStep, found: AccountStatus | None) -> tuple[Write | None, None]:
    """The step is done; if there is another by now, only the opening is."""
    present = book.steps.get(step.login)
    if present is None:
        return None, None
    rest = None if present == step else replace(present, terms=None)
    changes = [RecordChange(KIND, str(step.login), None if rest is None else msgspec.json.encode(rest))]
    if (kept := _status_to_keep(step, found)) is not None:
        changes.append(kept)
    line = audit_line(HOUSE, now, "account.step", (KIND, step.login), after=_said(step))
    return Write(changes, [line]), None


def _status_to_keep(step: AccountStep, found: AccountStatus | None) -> RecordChange | None:
    if step.is_enabled is None:
        return None
    unusual = found in (AccountStatus.READ_ONLY, AccountStatus.CLOSE_ONLY)
    if not step.is_enabled and not unusual:
        return None
    body = msgspec.json.encode(found) if not step.is_enabled else None
    return RecordChange(STATUS_KIND, str(step.login), body)


def _said(step: AccountStep) -> AccountStep:
    return replace(step, terms=None) if step.terms is None else step


def step_change(step: AccountStep) -> RecordChange:
    """What keeps a step until it is done."""
    return RecordChange(KIND, str(step.login), msgspec.json.encode(step))


def status_steps(book: Book, user: User, *, is_enabled: bool, cancels_entries: bool = False) -> list[RecordChange]:
    """What enables or disables all accounts of a user; an opening that waits goes on waiting."""
    waiting = (book.steps.get(login, AccountStep(login)) for login in user.logins)
    return [step_change(replace(step, is_enabled=is_enabled, cancels_entries=cancels_entries)) for step in waiting]
