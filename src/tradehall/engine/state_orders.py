"""How events change orders. `engine.state_evolve` calls these, and nobody else."""

from typing import Any, Final

from tradehall.domain.account import Exposure
from tradehall.domain.ids import OrderId
from tradehall.domain.money import ZERO
from tradehall.domain.order import STATUS_TRANSITIONS, Order, OrderStatus, OrderType, signed
from tradehall.engine import events as ev
from tradehall.engine.state import (
    ENDED_KEPT,
    ConservationError,
    State,
    count_working,
    index_order,
    note_expiry,
    peak_key,
)
from tradehall.engine.state_strategies import hold_changed, strategy_order_accepted


def order_accepted(state: State, event: ev.OrderAccepted, now: int) -> None:
    terms, order_id = event.terms, event.order_id
    # By position, as far as that goes: for each keyword a Struct goes through its fields.
    order = Order(
        order_id,
        terms,
        _OPEN,
        now,  # created_at
        now,  # updated_at
        event.role,
        ZERO,  # filled_quantity
        ZERO,  # filled_value
        event.margin_held,
        False,  # is_triggered
        event.parent_order_id,
        event.sibling_order_id,
        terms.position_id,
        digest=event.digest,
    )
    if terms.strategy_id is not None:
        strategy_order_accepted(state, order, event.hold, now)
    account = state.accounts[terms.account_id]
    account.orders[order_id] = order
    account.margin_held += event.margin_held
    if order_id >= state.next_order_id:
        state.next_order_id = order_id + 1
    if terms.client_order_id is not None:
        account.client_ids[terms.client_order_id] = order_id
    index_order(state, order)


_OPEN: Final = OrderStatus.OPEN
_FILLED: Final = OrderStatus.FILLED
_TRAILING_STOP: Final = OrderType.TRAILING_STOP


def order_rejected(state: State, event: ev.OrderRejected, now: int) -> None:
    order = Order(
        order_id=event.order_id,
        terms=event.terms,
        status=OrderStatus.REJECTED,
        created_at=now,
        updated_at=now,
        digest=event.digest,
    )
    _note_rejection(order, event.rejection)
    state.next_order_id = max(state.next_order_id, event.order_id + 1)
    if event.terms.client_order_id is not None:
        state.accounts[event.terms.account_id].client_ids[event.terms.client_order_id] = order.order_id
    _keep_ended(state, order)


def _note_rejection(order: Order, rejection: Any) -> None:
    order.reject_code = rejection.code
    order.reject_message = rejection.message
    order.reject_numbers = {name: format(number, "f") for name, number in rejection.numbers.items()}
    if rejection.currency is not None:
        order.reject_numbers["currency"] = rejection.currency


def order_opened(state: State, event: ev.OrderOpened, now: int) -> None:
    order = state.orders[event.order_id]
    order.updated_at = now


def order_amended(state: State, event: ev.OrderAmended, now: int) -> None:
    order = state.orders.get(event.order_id)
    if order is None:
        order = state.ended[event.order_id]  # A filled entry whose legs were moved.
        state.ended_now.append(order)
    else:
        state.accounts[event.terms.account_id].margin_held += event.margin_held - order.margin_held
        count_working(state, order.terms, event.terms.quantity - order.terms.quantity)
        if order.hold is not event.hold:
            hold_changed(state, order, event.hold)
    expiry, order.terms = order.terms.expires_at, event.terms
    order.margin_held = event.margin_held
    order.updated_at = now
    if event.terms.expires_at is not None and event.terms.expires_at != expiry and order.is_working:
        note_expiry(state, event.terms.expires_at, order.order_id)


def order_triggered(state: State, event: ev.OrderTriggered, now: int) -> None:
    order = state.orders[event.order_id]
    order.is_triggered = True
    order.updated_at = now


def order_filled(state: State, event: ev.OrderFilled, now: int) -> None:
    fill = event.fill
    working = state.orders.get(fill.order_id)
    order, is_working = working or state.ended[fill.order_id], working is not None
    account = state.accounts[fill.account_id]
    order.filled_quantity += fill.quantity
    order.filled_value += fill.quantity * fill.price
    order.fill_count += 1
    order.position_id = order.position_id or fill.position_id
    order.venue_fill_ids = (*order.venue_fill_ids, fill.venue_fill_id)
    account.margin_held += event.margin_held - order.margin_held
    order.margin_held = event.margin_held
    if order.hold is not event.hold:
        hold_changed(state, order, event.hold)
    exposure = account.exposures.get(fill.symbol)
    if exposure is None:
        exposure = account.exposures[fill.symbol] = Exposure()
    exposure.net_filled += signed(fill.side, fill.quantity)
    state.next_fill_id = fill.fill_id + 1
    if is_working:
        count_working(state, order.terms, -fill.quantity)
    else:
        state.ended_now.append(order)
    left = order.terms.quantity - order.filled_quantity
    if left < ZERO:
        raise ConservationError(f"order {order.order_id} filled {order.filled_quantity} of {order.terms.quantity}")
    if left:
        _move(order, OrderStatus.PARTIALLY_FILLED if is_working else order.status, now)
        return
    _move(order, _FILLED, now)
    if is_working:
        _end(state, order)


def order_cancelled(state: State, event: ev.OrderCancelled, now: int) -> None:
    _finish(state, event.order_id, OrderStatus.CANCELLED, event.reason, now)


def order_expired(state: State, event: ev.OrderExpired, now: int) -> None:
    _finish(state, event.order_id, OrderStatus.EXPIRED, "expired", now)


def order_failed(state: State, event: ev.OrderFailed, now: int) -> None:
    _note_rejection(state.orders[event.order_id], event.rejection)
    _finish(state, event.order_id, OrderStatus.REJECTED, "rejected by the venue", now)


def _finish(state: State, order_id: OrderId, status: OrderStatus, reason: str, now: int) -> None:
    order = state.orders[order_id]
    _move(order, status, now)
    order.end_reason = reason
    state.accounts[order.terms.account_id].margin_held -= order.margin_held
    order.margin_held = ZERO
    if order.hold is not None:
        hold_changed(state, order, None)
    _end(state, order)


def _move(order: Order, status: OrderStatus, now: int) -> None:
    assert status in STATUS_TRANSITIONS[order.status], f"order {order.order_id}: {order.status} cannot become {status}"
    order.status = status
    order.updated_at = now


def _end(state: State, order: Order) -> None:
    """Take an order that has just ended out of the live state."""
    terms = order.terms
    del state.orders[order.order_id]
    del state.accounts[terms.account_id].orders[order.order_id]
    if order.filled_quantity != terms.quantity:
        count_working(state, terms, order.filled_quantity - terms.quantity)
    if terms.type is _TRAILING_STOP:
        _forget_trailing(state, peak_key(terms.symbol, terms.side))
    if terms.oco_group_id is not None:
        _leave(state.oco_groups, (terms.account_id, terms.oco_group_id), order.order_id)
    if terms.strategy_id is not None:
        _leave(state.strategy_orders, (terms.account_id, terms.strategy_id), order.order_id)
    if terms.position_id is not None:
        _leave(state.bindings(terms.account_id, terms.strategy_id), terms.position_id, order.order_id)
    _keep_ended(state, order)


def _forget_trailing(state: State, key: str) -> None:
    """The peaks of a symbol and side are kept for as long as a trailing stop follows them."""
    state.trailing[key] -= 1
    if not state.trailing[key]:
        del state.trailing[key]
        state.peaks.pop(key, None)


def _leave(index: dict[Any, dict[OrderId, None]], key: object, order_id: OrderId) -> None:
    members = index[key]
    del members[order_id]
    if not members:
        del index[key]


def _keep_ended(state: State, order: Order) -> None:
    state.ended[order.order_id] = order
    state.ended_now.append(order)
    state._ended_line.append(order.order_id)
    if len(state._ended_line) > ENDED_KEPT:
        oldest = state.ended.pop(state._ended_line.popleft())
        client_ids = state.accounts[oldest.terms.account_id].client_ids
        name = oldest.terms.client_order_id
        if name is not None and client_ids.get(name) == oldest.order_id:
            del client_ids[name]
