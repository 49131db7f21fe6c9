"""Cancelling: only working orders; an order cancelled already stays so, and a repeat changes nothing."""

from tradehall.domain.account import AccountStatus
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.rules.account import account_read_only
from tradehall.engine.rules.strategy import strategy_unknown
from tradehall.engine.state import State


def cancel_order(state: State, command: cmd.CancelOrder, context: Context, emit: Emit) -> None:
    """Cancel one order."""
    order = own_order(state, command.account_id, command.order_id)
    if order is None:
        emit(ev.RequestRefused(command.account_id, order_unknown(command.order_id), command.order_id))
    elif state.accounts[command.account_id].terms.status is AccountStatus.READ_ONLY:
        emit(ev.RequestRefused(command.account_id, account_read_only(command.account_id), command.order_id))
    elif order.is_working and order.role is OrderRole.LIQUIDATION:
        emit(ev.RequestRefused(command.account_id, order_is_the_houses(order), command.order_id))
    elif order.is_working:
        emit(ev.OrderCancelled(command.account_id, command.order_id, command.reason))
    elif order.status is not OrderStatus.CANCELLED:
        emit(ev.RequestRefused(command.account_id, order_ended(order), command.order_id))


def cancel_all_orders(state: State, command: cmd.CancelAllOrders, context: Context, emit: Emit) -> None:
    """Cancel all working orders of the account, of a strategy, or in one symbol.

    A liquidation is not the account's to stop.
    """
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
        return
    if command.strategy_id is not None and command.strategy_id not in account.books:
        emit(ev.RequestRefused(command.account_id, strategy_unknown(command.strategy_id)))
        return
    for order in list(account.orders.values()):
        is_meant = command.symbol in (None, order.terms.symbol) and command.strategy_id in (
            None,
            order.terms.strategy_id,
        )
        if is_meant and order.role is not OrderRole.LIQUIDATION:
            emit(ev.OrderCancelled(command.account_id, order.order_id, command.reason))


def own_order(state: State, account_id: AccountId, order_id: OrderId) -> Order | None:
    """The order, if it is this account's."""
    order = state.order(order_id)
    return order if order is not None and order.terms.account_id == account_id else None


def order_unknown(order_id: OrderId) -> Rejection:
    """The refusal of everything that names an order that the account does not have."""
    return Rejection(RejectCode.ORDER_UNKNOWN, f"order {order_id} is not known")


def order_is_the_houses(order: Order) -> Rejection:
    """The refusal of every change to an order by which the house closes a position."""
    return amend_not_allowed(f"order {order.order_id} is a liquidation of the house")


def amend_not_allowed(because: str) -> Rejection:
    """The refusal of a change that an order as it stands does not admit."""
    return Rejection(RejectCode.AMEND_NOT_ALLOWED, because)


def order_ended(order: Order) -> Rejection:
    """The refusal of every change to an order that has ended."""
    return Rejection(RejectCode.ORDER_ENDED, f"order {order.order_id} is {order.status}")
