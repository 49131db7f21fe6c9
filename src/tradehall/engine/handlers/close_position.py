"""Closing: an opposite, reduce-only order bound to the position."""

from decimal import Decimal

from tradehall.domain.ids import PositionId
from tradehall.domain.order import OrderRole, OrderTerms, OrderType
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.handlers.place_order import accept_or_reject
from tradehall.engine.state import State


def close_position(state: State, command: cmd.ClosePosition, context: Context, emit: Emit) -> None:
    """Close one position, or part of it."""
    position = state.position(command.account_id, command.position_id)
    if position is None:
        rejection = position_unknown(command.position_id)
        emit(ev.RequestRefused(command.account_id, rejection, position_id=command.position_id))
        return
    if command.refuse_excess and command.quantity is not None and command.quantity > position.quantity:
        emit(
            ev.RequestRefused(command.account_id, _excess(position, command.quantity), position_id=position.position_id)
        )
        return
    quantity = position.quantity if command.quantity is None else min(command.quantity, position.quantity)
    terms = OrderTerms(
        account_id=command.account_id,
        symbol=position.symbol,
        side=position.side.exit_side,
        type=OrderType.MARKET if command.limit_price is None else OrderType.LIMIT,
        quantity=quantity,
        limit_price=command.limit_price,
        reduce_only=True,
        position_id=position.position_id,
        strategy_id=position.strategy_id,
        comment=command.comment,
        keeps_exits=not command.cancel_exits,
        source=command.source,
        symbol_asked=position.symbol_asked,
    )
    # The last part closes whatever its size: lots opened elsewhere may be no whole step.
    lot_step = command.lot_step if quantity < position.quantity else None
    _order(state, terms, lot_step, context, emit)


def close_all_positions(state: State, command: cmd.CloseAllPositions, context: Context, emit: Emit) -> None:
    """Close every position of the account, or those in one symbol, at market."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    for position in list(account.positions.values()):
        if command.symbol is None or position.symbol == command.symbol:
            single = cmd.ClosePosition(command.account_id, position.position_id, source=command.source)
            close_position(state, single, context, emit)


def position_unknown(position_id: PositionId) -> Rejection:
    """The refusal of everything that names a position that is not open on the account."""
    return Rejection(RejectCode.POSITION_UNKNOWN, f"position {position_id} is not open")


def _order(state: State, terms: OrderTerms, lot_step: Decimal | None, context: Context, emit: Emit) -> None:
    account = state.accounts[terms.account_id]
    draft = OrderDraft(state, account, cmd.PlaceOrder(terms, lot_step=lot_step), context)
    accept_or_reject(draft, OrderRole.CLOSE, emit)


def _excess(position: Position, quantity: Decimal) -> Rejection:
    return Rejection(
        RejectCode.QUANTITY_ABOVE_MAX,
        f"quantity {quantity} is above the {position.quantity} that are open",
        {"quantity": quantity, "quantity_max": position.quantity, "would_pass": position.quantity},
    )
