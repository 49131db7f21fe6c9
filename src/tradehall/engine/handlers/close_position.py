"""Closing: an opposite, reduce-only order bound to the position."""

from decimal import Decimal

from tradehall.domain.order import OrderRole, OrderTerms, OrderType
from tradehall.domain.position import Position
from tradehall.domain.rejection import Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.handlers.exits import named_position
from tradehall.engine.handlers.place_order import accept_or_reject, was_asked_before
from tradehall.engine.rules import shape_rejection
from tradehall.engine.rules.position import position_unknown
from tradehall.engine.rules.quantity import quantity_above_max
from tradehall.engine.rules.strategy import strategy_unknown
from tradehall.engine.state import State


def close_position(state: State, command: cmd.ClosePosition, context: Context, emit: Emit) -> None:
    """Close one position, or part of it."""
    account = state.accounts.get(command.account_id)
    if account is not None and was_asked_before(state, account, command, command.client_order_id, emit):
        return
    position = named_position(state, command.account_id, command.position_id, command.strategy_id)
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
        client_order_id=command.client_order_id,
        position_id=position.position_id,
        strategy_id=position.strategy_id,
        comment=command.comment,
        keeps_exits=not command.cancel_exits,
        source=command.source,
        symbol_asked=position.symbol_asked,
    )
    _order(state, terms, command, context, emit)


def close_all_positions(state: State, command: cmd.CloseAllPositions, context: Context, emit: Emit) -> None:
    """Close every position of the account, or of a strategy's book, or those in one symbol, at market."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    positions = account.positions
    if command.strategy_id is not None:
        book = account.books.get(command.strategy_id)
        if book is None:
            emit(ev.RequestRefused(command.account_id, strategy_unknown(command.strategy_id)))
            return
        positions = book.parts
    for position in list(positions.values()):
        if command.symbol is None or position.symbol == command.symbol:
            single = cmd.ClosePosition(
                command.account_id, position.position_id, source=command.source, strategy_id=command.strategy_id
            )
            close_position(state, single, context, emit)


def _order(state: State, terms: OrderTerms, command: cmd.ClosePosition, context: Context, emit: Emit) -> None:
    account = state.accounts[terms.account_id]
    wish = cmd.PlaceOrder(terms, command.digest, lot_step=command.lot_step)
    draft = OrderDraft(state, account, wish, context)
    if (rejection := shape_rejection(draft)) is not None:
        emit(ev.RequestRefused(terms.account_id, rejection, position_id=terms.position_id))
        return
    accept_or_reject(draft, OrderRole.CLOSE, emit)


def _excess(position: Position, quantity: Decimal) -> Rejection:
    open_quantity = position.quantity
    return quantity_above_max(
        quantity, open_quantity, f"the {open_quantity} that are open", {"would_pass": open_quantity}
    )
