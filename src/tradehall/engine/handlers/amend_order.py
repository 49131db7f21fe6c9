"""Amending in place: the order keeps its number.

Priority is kept when only the quantity falls, or exits or expiry change; anything else goes to the back.
"""

from decimal import Decimal

import msgspec

from tradehall.domain.order import Order, OrderRole, OrderStatus, OrderTerms, TimeInForce
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.handlers.cancel_order import (
    amend_not_allowed,
    order_ended,
    order_is_the_houses,
    order_unknown,
    own_order,
)
from tradehall.engine.handlers.exits import (
    EXIT_ROLES,
    exit_leg_missing,
    exit_price,
    exits_rejection,
    legs_of_entry,
    move_leg,
    place_exit,
    protected_position,
)
from tradehall.engine.rules import amend_order_rejection, shape_rejection
from tradehall.engine.state import State

_MORE_THAN_EXITS = ("quantity", "limit_price", "stop_price", "trailing_distance", "expires_at")


def amend_order(state: State, command: cmd.AmendOrder, context: Context, emit: Emit) -> None:
    """Amend a working order, or move the legs of a filled entry."""
    order = own_order(state, command.account_id, command.order_id)
    if order is None:
        emit(ev.RequestRefused(command.account_id, order_unknown(command.order_id), command.order_id))
        return
    account = state.accounts[command.account_id]
    terms = amended_terms(order.terms, command)
    if not order.is_working:
        _amend_filled_entry(state, order, terms, command, context, emit)
        return
    draft = OrderDraft(state, account, cmd.PlaceOrder(terms, is_strict=command.is_strict), context, working=order)
    if (rejection := _amend_rejection(order, draft)) is not None:
        emit(ev.RequestRefused(command.account_id, rejection, command.order_id))
        return
    stays = keeps_priority(order.terms, terms)
    emit(ev.OrderAmended(order.order_id, terms, draft.margin_required, stays, draft.hold))
    _move_legs(state, order, command, emit)
    _protect_filled_part(state, order, command, emit)


def amended_terms(terms: OrderTerms, command: cmd.AmendOrder) -> OrderTerms:
    """`terms` with what the command changes."""
    changes = {
        name: value
        for name in ("quantity", "limit_price", "stop_price", "trailing_distance", "stop_loss", "take_profit")
        if (value := getattr(command, name)) is not None
    }
    if command.clear_stop_loss:
        changes["stop_loss"] = None
    if command.clear_take_profit:
        changes["take_profit"] = None
    if command.expires_at is not None:
        changes |= {"expires_at": command.expires_at, "time_in_force": TimeInForce.GTD}
    if command.clear_expiry:
        changes |= {"expires_at": None, "time_in_force": TimeInForce.GTC}
    amended: OrderTerms = msgspec.structs.replace(terms, **changes)
    return amended


def keeps_priority(before: OrderTerms, after: OrderTerms) -> bool:
    """Whether an amendment leaves the order's place in the queue."""
    same_price = (before.limit_price, before.stop_price, before.trailing_distance) == (
        after.limit_price,
        after.stop_price,
        after.trailing_distance,
    )
    return same_price and after.quantity <= before.quantity


def _amend_rejection(order: Order, draft: OrderDraft) -> Rejection | None:
    """An order cannot become less than what has filled, nor get another trigger once it was triggered."""
    terms = draft.terms
    if order.role is OrderRole.LIQUIDATION:
        return order_is_the_houses(order)
    if terms.quantity <= order.filled_quantity:
        return Rejection(
            RejectCode.QUANTITY_BELOW_FILLED,
            f"quantity {terms.quantity} is not above what is filled, {order.filled_quantity}",
            {"quantity": terms.quantity, "filled_quantity": order.filled_quantity},
        )
    if order.is_triggered and _trigger_of(terms) != _trigger_of(order.terms):
        return amend_not_allowed(f"the stop of order {order.order_id} was triggered already")
    return shape_rejection(draft) or amend_order_rejection(draft)


def _trigger_of(terms: OrderTerms) -> tuple[Decimal | None, Decimal | None]:
    return terms.stop_price, terms.trailing_distance


def _amend_filled_entry(
    state: State, order: Order, terms: OrderTerms, command: cmd.AmendOrder, context: Context, emit: Emit
) -> None:
    """The entry has ended; exits asked for with nothing else move its legs."""
    rejection = _filled_entry_rejection(state, order, command, context)
    if rejection is not None:
        emit(ev.RequestRefused(command.account_id, rejection, order.order_id))
        return
    emit(ev.OrderAmended(order.order_id, terms))
    _move_legs(state, order, command, emit)


def _filled_entry_rejection(state: State, order: Order, command: cmd.AmendOrder, context: Context) -> Rejection | None:
    legs = legs_of_entry(state, order)
    asks_more = any(getattr(command, name) is not None for name in _MORE_THAN_EXITS) or command.clear_expiry
    if order.status is not OrderStatus.FILLED or asks_more or not legs:
        return order_ended(order)
    for role, price in zip(EXIT_ROLES, (command.stop_loss, command.take_profit), strict=True):
        if price is not None and all(leg.role is not role for leg in legs):
            return exit_leg_missing(role, f"order {order.order_id}")
    position = protected_position(state, order)
    assert position is not None, "legs have a position"
    return exits_rejection(state, position, command, context)


def _move_legs(state: State, entry: Order, command: cmd.AmendOrder, emit: Emit) -> None:
    """Legs follow the exits that the command names; one that was moved by itself stays where it is."""
    for leg in legs_of_entry(state, entry):
        is_stop = leg.role is OrderRole.STOP_LOSS
        wanted = command.stop_loss if is_stop else command.take_profit
        if command.clear_stop_loss if is_stop else command.clear_take_profit:
            emit(ev.OrderCancelled(leg.terms.account_id, leg.order_id, "exit removed"))
        elif wanted is not None and wanted != exit_price(leg):
            move_leg(leg, wanted, emit)


def _protect_filled_part(state: State, entry: Order, command: cmd.AmendOrder, emit: Emit) -> None:
    """A partly filled entry that gets an exit it did not have: what has filled is not left naked."""
    position = protected_position(state, entry)
    if position is None or position.side.entry_side is not entry.terms.side:
        return
    quantity = min(entry.filled_quantity, position.quantity)
    for role, price in zip(EXIT_ROLES, (command.stop_loss, command.take_profit), strict=True):
        if price is not None and all(leg.role is not role for leg in legs_of_entry(state, entry)):
            place_exit(state, entry, position, role, quantity, price, emit)
