"""Placing an order: a repeat changes nothing, a refusal is listed, an acceptance holds its margin."""

from typing import Final

import msgspec

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.calendar import session_end
from tradehall.domain.ids import OrderId
from tradehall.domain.order import OrderRole, OrderTerms, TimeInForce
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.rules import place_order_rejection, shape_rejection
from tradehall.engine.state import State


def place_order(state: State, command: cmd.PlaceOrder, context: Context, emit: Emit) -> None:
    """Place an order for a door."""
    terms = command.terms
    account = state.accounts.get(terms.account_id)
    if account is None:
        emit(ev.RequestRefused(terms.account_id, account_unknown(terms.account_id)))
        return
    if was_asked_before(state, account, command, terms.client_order_id, emit):
        return
    if terms.symbol not in state.instruments:
        emit(ev.RequestRefused(terms.account_id, symbol_unknown(terms.symbol)))
        return
    if terms.position_id is not None:
        command = with_position_mode(command, account)
    draft = OrderDraft(state, account, command, context)
    if (rejection := shape_rejection(draft)) is not None:
        emit(ev.RequestRefused(terms.account_id, rejection))
        return
    accept_or_reject(draft, _ENTRY, emit)


def with_position_mode(command: cmd.PlaceOrder, account: Account) -> cmd.PlaceOrder:
    """What naming a position means: nothing where there is one per symbol, else that the order only reduces it."""
    terms = command.terms
    if terms.position_id is None:
        return command
    if account.terms.position_mode is PositionMode.NETTING:
        meant = msgspec.structs.replace(terms, position_id=None)
    else:
        meant = msgspec.structs.replace(terms, reduce_only=True)
    return msgspec.structs.replace(command, terms=meant)


def accept_or_reject(draft: OrderDraft, role: OrderRole, emit: Emit) -> None:
    """Ask the pipeline; list the order as rejected, or let it work."""
    terms, digest, number = draft.terms, draft.command.digest, draft.state.next_order_id
    if (rejection := place_order_rejection(draft)) is not None:
        emit(ev.OrderRejected(number, terms, rejection, digest))
        cancel_group(draft.state, draft.account, terms, number, emit)
        return
    # From here on nothing may fail: the order exists and its margin is held.
    if terms.time_in_force is _DAY:
        terms = msgspec.structs.replace(terms, expires_at=session_end(draft.instrument.sessions, draft.context.now))
    emit(ev.OrderAccepted(number, terms, draft.margin_required, role, None, None, digest, draft.hold))


_DAY: Final = TimeInForce.DAY
_ENTRY: Final = OrderRole.ENTRY


def cancel_group(state: State, account: Account, terms: OrderTerms, order_id: OrderId, emit: Emit) -> None:
    """One order of an OCO group was filled or refused: the others go."""
    if terms.oco_group_id is None:
        return
    members = state.oco_groups.get((account.terms.account_id, terms.oco_group_id), {})
    for other in [member for member in members if member != order_id]:
        emit(ev.OrderCancelled(account.terms.account_id, other, f"the other order of OCO group {terms.oco_group_id}"))


def symbol_unknown(symbol: str) -> Rejection:
    """Only listed symbols trade; everything after this check may look the instrument up."""
    return Rejection(RejectCode.SYMBOL_UNKNOWN, f"symbol {symbol} is not known")


def was_asked_before(
    state: State, account: Account, command: cmd.PlaceOrder | cmd.ClosePosition, name: str | None, emit: Emit
) -> bool:
    """A repeat leaves no trace; another wish under a used id is refused, and that is a fact. False: the id is free."""
    if name is None or (name not in account.client_ids and command.prior is None):
        return False
    used = _used_before(state, account, command.prior, name)
    if used is None:
        return False
    order_id, digest = used
    if digest != command.digest:
        rejection = Rejection(
            RejectCode.IDEMPOTENCY_MISMATCH,
            f"client_order_id {name} was used by order {order_id} for another request",
        )
        emit(ev.RequestRefused(account.terms.account_id, rejection, order_id))
    return True


def _used_before(
    state: State, account: Account, prior: cmd.PriorOrder | None, name: str
) -> tuple[OrderId, str | None] | None:
    """Number and digest of the order that used this client order id, from the state or the store."""
    order = state.order_by_client_id(account, name)
    if order is not None:
        return order.order_id, order.digest
    return None if prior is None else (prior.order_id, prior.digest)
