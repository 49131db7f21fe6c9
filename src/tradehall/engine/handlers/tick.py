"""Time: orders expire, and at 22:00 UTC open positions are charged or paid their swap."""

from decimal import Decimal

import msgspec

from tradehall.domain.account import Account
from tradehall.domain.calendar import next_rollover, swap_days
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.events import Emit
from tradehall.engine.state import State

EXPIRIES_PER_TICK_MAX = 1_000
SWAPS_PER_TICK_MAX = 1_000


def tick(state: State, command: cmd.Tick, context: Context, emit: Emit) -> None:
    """Expire what is due, at most EXPIRIES_PER_TICK_MAX (the rest at the next Tick); then book a due rollover."""
    for _ in range(EXPIRIES_PER_TICK_MAX):
        due = state.first_expiry()
        if due is None or due > context.now:
            break
        order_id = state.expiries[0][1]
        emit(ev.OrderExpired(state.orders[order_id].terms.account_id, order_id))
    if 0 < state.rollover_at <= context.now:
        _book_rollover(state, state.rollover_at, context, emit)


def _book_rollover(state: State, rollover: int, context: Context, emit: Emit) -> None:
    """Swaps of every night since the last booking; positions opened in between pay from their own first night.

    At most SWAPS_PER_TICK_MAX to a decision: the rollover stays due, and the next Tick goes on.
    """
    nights = []
    while rollover <= context.now:
        nights.append(rollover)
        rollover = next_rollover(rollover)
    booked = 0
    for account in state.accounts.values():
        for position in list(account.positions.values()):
            if booked == SWAPS_PER_TICK_MAX:
                return
            booked += _book_swap(state, account, position, nights, context, emit)
    emit(ev.RolloverBooked(nights[-1]))


def _book_swap(
    state: State, account: Account, position: Position, nights: list[int], context: Context, emit: Emit
) -> bool:
    """Whether there was an amount to book."""
    days = sum(swap_days(night) for night in nights if night > max(position.opened_at, position.swapped_at))
    amount = swap_amount(state, account, position, days, context)
    if not amount:
        return False
    changed: Position = msgspec.structs.replace(position, swap=position.swap + amount, swapped_at=nights[-1])
    emit(ev.PositionChanged(changed))
    emit(
        ev.BalanceChanged(
            position.account_id,
            ev.EntryKind.SWAP,
            amount=amount,
            balance=account.balance + amount,
            position_id=position.position_id,
            symbol=position.symbol,
        )
    )
    return True


def swap_amount(state: State, account: Account, position: Position, days: int, context: Context) -> Decimal:
    """Swap of `days` nights [account currency]: rate per unit and night x units x nights, half-even."""
    instrument = state.instruments[position.symbol]
    per_unit = instrument.swap_long if position.side is PositionSide.LONG else instrument.swap_short
    if not per_unit or not days:
        return ZERO
    rate = conversion_rate(instrument.quote_currency, account.terms.currency, context.quote)
    if rate is None:
        return ZERO  # Without a path there is no amount to book; positions opened while there was one.
    return round_money(per_unit * position.quantity * days * rate, account.terms.currency)
