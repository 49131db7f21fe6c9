"""Instruments, accounts and their funds."""

from decimal import Decimal

import msgspec

from tradehall.domain.account import AccountTerms
from tradehall.domain.ids import AccountId
from tradehall.domain.money import minor_unit, round_down_to
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.events import Emit
from tradehall.engine.state import State
from tradehall.engine.valuation import cross_available


def list_instrument(state: State, command: cmd.ListInstrument, context: Context, emit: Emit) -> None:
    """List an instrument, or change its rules; the same rules again change nothing."""
    if state.instruments.get(command.instrument.symbol) != command.instrument:
        emit(ev.InstrumentListed(command.instrument))


def open_account(state: State, command: cmd.OpenAccount, context: Context, emit: Emit) -> None:
    """Open an account and book its deposit."""
    terms = command.terms
    if terms.account_id in state.accounts:
        rejection = Rejection(RejectCode.ACCOUNT_EXISTS, f"account {terms.account_id} exists already")
        emit(ev.RequestRefused(terms.account_id, rejection))
        return
    emit(ev.AccountOpened(terms))
    if command.deposit:
        kind = ev.EntryKind.DEPOSIT
        emit(ev.BalanceChanged(terms.account_id, kind, amount=command.deposit, balance=command.deposit))


def update_account(state: State, command: cmd.UpdateAccount, context: Context, emit: Emit) -> None:
    """Change status, leverage or need of budgets; positions keep the margin they were opened with."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    terms: AccountTerms = msgspec.structs.replace(
        account.terms,
        status=command.status or account.terms.status,
        leverage=command.leverage or account.terms.leverage,
        budget_required=(account.terms.budget_required if command.budget_required is None else command.budget_required),
    )
    if terms != account.terms:
        emit(ev.AccountUpdated(terms))


def move_funds(state: State, command: cmd.MoveFunds, context: Context, emit: Emit) -> None:
    """Deposit, or withdraw what no position and no order needs."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    if not command.amount:
        return  # Nothing moves, and a ledger has no entries of nothing.
    # Profit that is still floating can be lost again: it is not paid out.
    available = min(account.balance, cross_available(state, account, context.quote))
    if command.amount < 0 and -command.amount > available:
        emit(ev.RequestRefused(command.account_id, _balance_insufficient(account.terms, command.amount, available)))
        return
    kind = ev.EntryKind.DEPOSIT if command.amount > 0 else ev.EntryKind.WITHDRAWAL
    emit(
        ev.BalanceChanged(
            command.account_id,
            kind,
            amount=command.amount,
            balance=account.balance + command.amount,
            comment=command.comment,
        )
    )


def account_unknown(account_id: AccountId) -> Rejection:
    """The refusal of everything that names an account that does not exist."""
    return Rejection(RejectCode.ACCOUNT_UNKNOWN, f"account {account_id} is not known")


def _balance_insufficient(terms: AccountTerms, amount: Decimal, available: Decimal) -> Rejection:
    """Only what no position and no order needs can be withdrawn."""
    return Rejection(
        RejectCode.BALANCE_INSUFFICIENT,
        f"a withdrawal of {-amount} {terms.currency} was asked, {available} is available",
        {
            "required": -amount,
            "available": available,
            "would_pass": round_down_to(max(available, Decimal(0)), minor_unit(terms.currency)),
        },
    )
