"""The stop loss and take profit of an open position: move, make or remove them."""

from decimal import Decimal

from tradehall.domain.ids import OrderId
from tradehall.domain.order import OrderRole
from tradehall.domain.position import Position
from tradehall.domain.rejection import Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.events import Emit
from tradehall.engine.handlers.exits import (
    EXIT_ROLES,
    exit_leg_missing,
    exit_legs,
    exit_price,
    exits_rejection,
    leg_terms,
    move_leg,
    named_position,
)
from tradehall.engine.rules.position import position_unknown
from tradehall.engine.state import State


def set_position_exits(state: State, command: cmd.SetPositionExits, context: Context, emit: Emit) -> None:
    """Check both exits first, then change them one after the other."""
    position = named_position(state, command.account_id, command.position_id, command.strategy_id)
    if position is None:
        rejection: Rejection | None = position_unknown(command.position_id)
    else:
        rejection = _missing_leg(state, position, command) or exits_rejection(state, position, command, context)
    if rejection is not None or position is None:
        assert rejection is not None, "an unknown position has its rejection"
        emit(ev.RequestRefused(command.account_id, rejection, position_id=command.position_id))
        return
    wanted = (command.stop_loss, command.take_profit)
    is_cleared = (command.clear_stop_loss, command.clear_take_profit)
    for role, price, clears in zip(EXIT_ROLES, wanted, is_cleared, strict=True):
        if clears:
            _remove(state, position, role, emit)
        elif price is not None:
            _move_or_make(state, position, role, price, emit)


def _missing_leg(state: State, position: Position, command: cmd.SetPositionExits) -> Rejection | None:
    if command.may_create:
        return None
    for role, price in zip(EXIT_ROLES, (command.stop_loss, command.take_profit), strict=True):
        if price is not None and not exit_legs(state, position, role):
            return exit_leg_missing(role, f"position {position.position_id}")
    return None


def _remove(state: State, position: Position, role: OrderRole, emit: Emit) -> None:
    for leg in exit_legs(state, position, role):
        emit(ev.OrderCancelled(position.account_id, leg.order_id, "exit removed"))


def _move_or_make(state: State, position: Position, role: OrderRole, price: Decimal, emit: Emit) -> None:
    legs = exit_legs(state, position, role)
    for leg in legs:
        if exit_price(leg) != price:
            move_leg(leg, price, emit)
    if legs:
        return
    terms = leg_terms(position, role, position.quantity, price, client_order_id=None)
    sibling = _leg_for_all(state, position, EXIT_ROLES[1 - EXIT_ROLES.index(role)])
    emit(
        ev.OrderAccepted(
            state.next_order_id,
            terms,
            role=role,
            parent_order_id=position.position_id,
            sibling_order_id=sibling,
        )
    )


def _leg_for_all(state: State, position: Position, role: OrderRole) -> OrderId | None:
    """The one leg of the other role that closes the whole position, as the new one will."""
    legs = exit_legs(state, position, role)
    return legs[0].order_id if len(legs) == 1 and legs[0].remaining_quantity == position.quantity else None
