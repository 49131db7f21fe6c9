"""Margin call and stop-out.

The order of a liquidation: first all working orders that hold margin are cancelled; then, while the
margin level is at or below the stop-out level, the position that loses most is closed at market, one at
a time. Isolated positions and their margin stand apart: they neither call nor save an account. One is
closed when its own margin, less its loss, is down to that level.
"""

from tradehall.domain.account import Account, MarginState, Valuation
from tradehall.domain.calendar import is_open
from tradehall.domain.money import HUNDRED
from tradehall.domain.order import MarginMode, OrderRole, OrderTerms, OrderType
from tradehall.domain.position import Position
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.events import Emit
from tradehall.engine.state import State
from tradehall.engine.valuation import isolated_positions, value_cross, value_position


def check_margin(state: State, command: cmd.CheckMargin, context: Context, emit: Emit) -> None:
    """Value the account and act on what is found; nothing when all is well and was."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return
    for position in isolated_positions(account):
        if isolated_is_broken(state, account, position, context.quote):
            _liquidate(state, position, context, emit)
    value = value_cross(state, account, context.quote)
    wanted = margin_state(account, value)
    if wanted is MarginState.STOPPED_OUT and account.margin_held:
        _cancel_holders(account, emit)
        value = value_cross(state, account, context.quote)
        wanted = margin_state(account, value)
    if wanted is not account.margin_state:
        emit(ev.MarginStateChanged(command.account_id, wanted, value.equity, value.margin_used, value.margin_level))
    if wanted is MarginState.STOPPED_OUT:
        _liquidate_worst(state, account, context, emit)


def margin_state(account: Account, value: Valuation) -> MarginState:
    """What the margin level says: at or below the stop-out level, at or below the call level, or normal."""
    level = value.margin_level
    if level is None:
        return MarginState.NORMAL
    if level <= account.terms.stop_out_level:
        return MarginState.STOPPED_OUT
    return MarginState.CALLED if level <= account.terms.margin_call_level else MarginState.NORMAL


def isolated_is_broken(state: State, account: Account, position: Position, quote_of: QuoteOf) -> bool:
    """Whether an isolated position has eaten its margin down to the stop-out level."""
    left = position.margin + value_position(state, position, quote_of).unrealized_pnl
    return left * HUNDRED <= position.margin * account.terms.stop_out_level


def _cancel_holders(account: Account, emit: Emit) -> None:
    for order in list(account.orders.values()):
        if order.margin_held:
            emit(ev.OrderCancelled(order.terms.account_id, order.order_id, "stop-out: margin freed"))


def _liquidate_worst(state: State, account: Account, context: Context, emit: Emit) -> None:
    if any(order.role is OrderRole.LIQUIDATION for order in account.orders.values()):
        return  # One at a time: its fill asks for the next look.
    candidates = [
        position
        for position in account.positions.values()
        if position.margin_mode is MarginMode.CROSS and _can_close(state, position, context)
    ]
    if candidates:
        worst = min(candidates, key=lambda p: value_position(state, p, context.quote).unrealized_pnl)
        _liquidate(state, worst, context, emit)


def _can_close(state: State, position: Position, context: Context) -> bool:
    instrument = state.instruments[position.symbol]
    return context.quote(position.symbol) is not None and is_open(instrument.sessions, context.now)


def _liquidate(state: State, position: Position, context: Context, emit: Emit) -> None:
    orders = state.bound_orders(position)
    if any(order.role is OrderRole.LIQUIDATION for order in orders) or not _can_close(state, position, context):
        return
    terms = OrderTerms(
        account_id=position.account_id,
        symbol=position.symbol,
        side=position.side.exit_side,
        type=OrderType.MARKET,
        quantity=position.quantity,
        reduce_only=True,
        position_id=position.position_id,
        strategy_id=position.strategy_id,
        source="engine",
        symbol_asked=position.symbol_asked,
    )
    emit(ev.OrderAccepted(state.next_order_id, terms, role=OrderRole.LIQUIDATION))
