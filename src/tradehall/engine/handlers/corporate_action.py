"""Splits and dividends: positions count in new units at the cost they had, dividends go into the ledger."""

from decimal import Decimal

import msgspec

from tradehall.domain.account import Account
from tradehall.domain.money import ONE, round_money
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.state import State


def book_corporate_action(state: State, command: cmd.BookCorporateAction, context: Context, emit: Emit) -> None:
    """Pay the dividend on what is held, then split it; nothing happens where nothing is held."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    held = [position for position in account.positions.values() if position.symbol == command.symbol]
    if command.dividend:
        for position in held:
            _pay(state, account, position, command.dividend, context, emit)
    # Where books cancel out there are parts and no position.
    parts = [part for book in account.books.values() for part in book.parts.values() if part.symbol == command.symbol]
    if (held or parts) and command.split != ONE:
        emit(ev.UnitsSplit(command.account_id, command.symbol, command.split))
        for position in held:
            emit(ev.PositionChanged(_split(position, command.split)))
        for part in parts:
            emit(ev.PartChanged(_split(part, command.split)))


def _pay(state: State, account: Account, position: Position, dividend: Decimal, context: Context, emit: Emit) -> None:
    """Half-even to the account's minor unit; without a path of quotes there is no amount to book."""
    source, currency = state.instruments[position.symbol].quote_currency, account.terms.currency
    rate = conversion_rate(source, currency, context.quote)
    if rate is None:
        return
    gross = round_money(dividend * position.quantity * rate, currency)
    amount = gross if position.side is PositionSide.LONG else -gross
    if amount:
        emit(
            ev.BalanceChanged(
                account.terms.account_id,
                ev.EntryKind.ADJUSTMENT,
                amount=amount,
                balance=account.balance + amount,
                position_id=position.position_id,
                symbol=position.symbol,
                comment=f"dividend of {dividend} a unit",
            )
        )


def _split(position: Position, ratio: Decimal) -> Position:
    changed: Position = msgspec.structs.replace(
        position, quantity=position.quantity * ratio, peak_quantity=position.peak_quantity * ratio
    )
    return changed
