"""The stop loss and take profit of an open position: move, make or remove them."""

from decimal import Decimal

from tradehall.domain.order import Order, OrderRole
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.events import Emit
from tradehall.engine.handlers.close_position import position_unknown
from tradehall.engine.handlers.exits import exit_legs, leg_terms, move_leg
from tradehall.engine.rules.price import exits_rejection
from tradehall.engine.state import State


def set_position_exits(state: State, command: cmd.SetPositionExits, context: Context, emit: Emit) -> None:
    """Check both exits first, then change them one after the other."""
    position = state.position(command.account_id, command.position_id)
    if position is None:
        rejection: Rejection | None = position_unknown(command.position_id)
    else:
        rejection = _missing_leg(state, position, command) or _wrong_side(state, position, command, context)
    if rejection is not None or position is None:
        assert rejection is not None, "an unknown position has its rejection"
        emit(ev.RequestRefused(command.account_id, rejection, position_id=command.position_id))
        return
    _set(state, position, OrderRole.STOP_LOSS, command.stop_loss, is_cleared=command.clear_stop_loss, emit=emit)
    _set(
        state,
        position,
        OrderRole.TAKE_PROFIT,
        command.take_profit,
        is_cleared=command.clear_take_profit,
        emit=emit,
    )


def _missing_leg(state: State, position: Position, command: cmd.SetPositionExits) -> Rejection | None:
    if command.may_create:
        return None
    wanted = ((OrderRole.STOP_LOSS, command.stop_loss), (OrderRole.TAKE_PROFIT, command.take_profit))
    for role, price in wanted:
        if price is not None and not exit_legs(state, position.position_id, role):
            return Rejection(RejectCode.EXIT_LEG_MISSING, f"position {position.position_id} has no {role} leg to move")
    return None


def _wrong_side(state: State, position: Position, command: cmd.SetPositionExits, context: Context) -> Rejection | None:
    quote = context.quote(position.symbol)
    if not command.is_strict or quote is None:
        return None
    instrument = state.instruments[position.symbol]
    return exits_rejection(
        side=position.side.entry_side,
        stop_loss=command.stop_loss,
        take_profit=command.take_profit,
        quote=quote,
        entry=None,
        distance=instrument.stops_level * instrument.tick_size,
    )


def _set(
    state: State, position: Position, role: OrderRole, price: Decimal | None, *, is_cleared: bool, emit: Emit
) -> None:
    legs: list[Order] = exit_legs(state, position.position_id, role)
    if is_cleared:
        for leg in legs:
            emit(ev.OrderCancelled(position.account_id, leg.order_id, "exit removed"))
    elif price is not None and legs:
        for leg in legs:
            move_leg(leg, price, emit)
    elif price is not None:
        terms = leg_terms(position, role, position.quantity, price, client_order_id=None)
        emit(ev.OrderAccepted(state.next_order_id, terms, role=role, parent_order_id=position.position_id))
